import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { withLock } from '../../../src/files/transfer/lock.js';
import { rejection } from '../rejection.js';
import { inTemporaryFolder } from '../temporary.js';

const quick = { pollMs: 5, beatMs: 10, staleMs: 60 };
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

describe('withLock', () => {
  it('lets one in at a time, tells the others that they waited, and leaves nothing', () =>
    inTemporaryFolder(async dir => {
      const path = join(dir, 'lock');
      let inside = 0;
      let looks = 0;
      const work = async ({ waited }: { waited: boolean }) => {
        expect(++inside).to.equal(1);
        await pause(20);
        inside--;
        return waited;
      };
      const onWait = () => looks++;
      const jobs = Array.from({ length: 5 }, () => withLock(path, work, { ...quick, onWait }));
      expect((await Promise.all(jobs)).sort()).to.deep.equal([false, true, true, true, true]);
      expect(looks).to.be.greaterThan(4);
      expect(readdirSync(dir)).to.deep.equal([]);
    }));

  it('lets go when the work fails', () =>
    inTemporaryFolder(async dir => {
      const path = join(dir, 'lock');
      const fault = new Error('fault');
      expect(await withLock(path, () => Promise.reject(fault)).catch(e => e)).to.equal(fault);
      expect(existsSync(path)).to.equal(false);
    }));

  it('takes over at once from a process of this machine that is gone', () =>
    inTemporaryFolder(async dir => {
      const path = join(dir, 'lock');
      const script = `
        import { withLock } from ${JSON.stringify(new URL('../../../src/files/transfer/lock.ts', import.meta.url).href)};
        await withLock(${JSON.stringify(path)}, async () => { console.log('held'); await new Promise(r => setTimeout(r, 60000)); });`;
      const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      let entered = false;
      const next = withLock(path, async () => {
        entered = true;
      });
      await pause(300);
      expect(entered).to.equal(false);
      child.kill('SIGKILL');
      await once(child, 'exit');
      const start = performance.now();
      await next;
      expect(performance.now() - start).to.be.below(9000);
      expect(readdirSync(dir)).to.deep.equal([]);
    }));

  it('says whether the holder is alive, and waits no longer than whoever asks wants', () =>
    inTemporaryFolder(async dir => {
      const path = join(dir, 'lock');
      const refuse = (alive: boolean) => {
        if (alive) throw new Error('it is alive');
      };
      const entered = await withLock(path, async () => {
        const second = withLock(path, async () => 1, { ...quick, onWait: refuse });
        return second.catch(error => error.message);
      });
      expect(entered).to.equal('it is alive');
      // A holder elsewhere is seen to be alive by its signs alone.
      const elsewhere = JSON.stringify({ machine: 'another', pid: process.pid, id: 'x' });
      writeFileSync(path, elsewhere);
      expect(await withLock(path, async () => 1, { ...quick, onWait: refuse })).to.equal(1);
      writeFileSync(path, elsewhere);
      let time = 1e9;
      const beats = setInterval(() => utimesSync(path, ++time, time), 10);
      const third = await withLock(path, async () => 1, { ...quick, staleMs: 2000, onWait: refuse }).catch(String);
      clearInterval(beats);
      expect(third).to.equal('Error: it is alive');
    }));

  it('takes over from a holder elsewhere only when it has shown no sign of life for a while', () =>
    inTemporaryFolder(async dir => {
      const path = join(dir, 'lock');
      writeFileSync(path, JSON.stringify({ machine: 'another', pid: 1, id: 'x' }));
      // By the clocks of others it may be as old as it likes.
      utimesSync(path, 1e9, 1e9);
      let time = 1e9;
      const beats = setInterval(() => utimesSync(path, ++time, time), 10);
      const start = performance.now();
      setTimeout(() => clearInterval(beats), 300);
      await withLock(path, async () => undefined, { ...quick, staleMs: 250 });
      expect(performance.now() - start).to.be.within(500, 9000);
      expect(readdirSync(dir)).to.deep.equal([]);
    }));

  it('takes over a lock that says nothing of its holder in the same way', () =>
    inTemporaryFolder(async dir => {
      for (const left of ['', 'not JSON', '{}', '{"machine": 1}']) {
        writeFileSync(join(dir, 'lock'), left);
        const start = performance.now();
        await withLock(join(dir, 'lock'), async () => undefined, quick);
        expect(performance.now() - start).to.be.within(55, 9000);
      }
      expect(readdirSync(dir)).to.deep.equal([]);
    }));

  it('takes over a link that leads nowhere, too', function () {
    if (process.platform === 'win32') this.skip();
    return inTemporaryFolder(async dir => {
      symlinkSync(join(dir, 'missing', 'lock'), join(dir, 'lock'));
      expect(await withLock(join(dir, 'lock'), async () => 1, quick)).to.equal(1);
      expect(readdirSync(dir)).to.deep.equal([]);
    });
  });

  it('leaves a live process of this machine much more time', () =>
    inTemporaryFolder(async dir => {
      const path = join(dir, 'lock');
      // A holder that shows no sign of life, as during a long synchronous job.
      const holder = withLock(path, () => pause(200), { ...quick, beatMs: 60_000 });
      const start = performance.now();
      await withLock(path, async () => undefined, quick);
      await holder;
      expect(performance.now() - start).to.be.within(190, 9000);
    }));

  it('tells a holder that its lock was taken away, and then leaves the lock alone', () =>
    inTemporaryFolder(async dir => {
      const path = join(dir, 'lock');
      const lost = await withLock(
        path,
        async lock => {
          unlinkSync(path);
          writeFileSync(path, 'somebody else');
          await pause(60);
          return lock.lost;
        },
        quick,
      );
      expect(lost.aborted).to.equal(true);
      expect(lost.reason.message).to.include('took this lock away');
      expect(readdirSync(dir)).to.deep.equal(['lock']);
    }));

  it('never lets two in when many find the same dead holder', () =>
    inTemporaryFolder(async dir => {
      const { pid } = spawnSync(process.execPath, ['-e', '']);
      const path = join(dir, 'lock');
      let inside = 0;
      let most = 0;
      const work = async () => {
        most = Math.max(most, ++inside);
        await pause(2);
        inside--;
      };
      for (let round = 0; round < 5; round++) {
        writeFileSync(path, JSON.stringify({ machine: 'gone', pid, id: 'x' }));
        await Promise.all(Array.from({ length: 8 }, () => withLock(path, work, quick)));
      }
      expect(most).to.equal(1);
      expect(readdirSync(dir)).to.deep.equal([]);
    }));

  it('says when it cannot be made, and ends waiting when aborted', () =>
    inTemporaryFolder(async dir => {
      expect(await rejection(withLock(join(dir, 'missing', 'lock'), async () => 1))).to.include(
        'no such file or folder',
      );
      const path = join(dir, 'lock');
      const aborter = new AbortController();
      await withLock(path, async () => {
        const second = withLock(path, async () => 1, { ...quick, signal: aborter.signal }).catch(e => e);
        await pause(20);
        aborter.abort(new Error('enough'));
        expect((await second).message).to.equal('enough');
      });
    }));
});
