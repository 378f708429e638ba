import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import fc from 'fast-check';
import { inTemporaryFolder } from '../../files/temporary.js';
import { bytesIn, fill, found, keyOf, open, openSmall, shardOf, shardsIn, windowOf } from './windows.js';

/** Says when each window's file was used last, in seconds. */
function age(folder: string, seconds: Readonly<Record<number, number>>): void {
  for (const [n, time] of Object.entries(seconds)) utimesSync(shardOf(folder, Number(n)), time, time);
}

/** Runs `process.ts` in a process of its own, with a limit on the size of its files in blocks of 512 bytes. */
async function inProcess(folder: string, blocks: number | 'unlimited', ...task: (string | number)[]) {
  const script = fileURLToPath(new URL('./process.ts', import.meta.url));
  const shell = `ulimit -f ${blocks}; exec "$0" --import tsx "$@"`;
  const parts = ['-c', shell, process.execPath, script, folder, ...task.map(String)];
  const { stdout } = await promisify(execFile)('sh', parts, { timeout: 20_000 });
  return JSON.parse(stdout) as {
    warnings: string[];
    there: number[];
    statistics: { damaged: number; evicted: number };
  };
}

describe('evaluate/prefixCache: limits', () => {
  it('removes the file that was used least recently', () =>
    inTemporaryFolder(async folder => {
      await fill(openSmall(folder, 4), 0, 4);
      expect(shardsIn(folder)).to.have.length(4);
      age(folder, { 0: 1000, 1: 3000, 2: 2000, 3: 4000 });
      const cache = openSmall(folder, 4);
      expect(await found(cache, 1)).to.deep.equal([0]);
      await fill(cache, 4, 6);
      expect(await found(openSmall(folder, 4), 6)).to.deep.equal([0, 3, 4, 5]);
      expect(cache.statistics).to.deep.equal({ hits: 1, misses: 0, evicted: 2, damaged: 0 });
      expect(await found(cache, 6)).to.deep.equal([0, 3, 4, 5]);
    }));

  it('never takes more than its limit, whatever is put and asked for', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1000, max: 60_000 }),
        fc.array(fc.tuple(fc.boolean(), fc.nat(12), fc.integer({ min: 1, max: 6000 })), { maxLength: 40 }),
        (bytes, steps) =>
          inTemporaryFolder(async folder => {
            const warnings: string[] = [];
            const cache = open(folder, { bytes, warnings });
            for (const [put, n, size] of steps) {
              if (put) await cache.put(keyOf(n), windowOf(n, [size]));
              else await cache.get(keyOf(n));
              expect(bytesIn(folder)).to.be.at.most(bytes);
            }
            await cache.close();
            expect(bytesIn(folder)).to.be.at.most(bytes);
            expect(warnings).to.have.length.at.most(1);
          }),
      ),
      { numRuns: 40 },
    ));

  it('counts and removes files of other models, and no others', () =>
    inTemporaryFolder(async folder => {
      await fill(open(folder, { weights: 'old', bytes: 40_000 }), 0, 3);
      for (const path of shardsIn(folder)) utimesSync(path, 1000, 1000);
      writeFileSync(join(folder, 'large'), new Uint8Array(100_000));
      const cache = openSmall(folder, 4);
      await fill(cache, 10, 13);
      expect(cache.statistics.evicted).to.equal(2);
      expect(shardsIn(folder)).to.have.length(4);
      expect(existsSync(join(folder, 'large'))).to.equal(true);
    }));

  it('keeps to a lower limit from the start', () =>
    inTemporaryFolder(async folder => {
      await fill(openSmall(folder, 4), 0, 4);
      age(folder, { 0: 1000, 1: 3000, 2: 2000, 3: 4000 });
      const cache = openSmall(folder, 2);
      expect(cache.statistics.evicted).to.equal(2);
      expect(await found(cache, 4)).to.deep.equal([1, 3]);
    }));

  it('says once when a run needs more than the limit', () =>
    inTemporaryFolder(async folder => {
      const warnings: string[] = [];
      const cache = openSmall(folder, 2, warnings);
      await fill(cache, 0, 8);
      expect(cache.statistics.evicted).to.equal(6);
      expect(warnings).to.deep.equal([
        `${folder}: this run reads more than the prefix cache's limit of 19100 bytes; give it more`,
      ]);
    }));

  it('does not keep a window that is over the limit', () =>
    inTemporaryFolder(async folder => {
      const warnings: string[] = [];
      const cache = open(folder, { bytes: 7000, warnings });
      await fill(cache, 0, 3);
      expect(await found(cache, 3)).to.deep.equal([]);
      expect(readdirSync(folder)).to.deep.equal([]);
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.match(/a window of 8512 bytes is over the prefix cache's limit of 7000; give it more$/);
    }));

  it('goes on without a folder that was removed', () =>
    inTemporaryFolder(async parent => {
      const folder = join(parent, 'cache');
      const warnings: string[] = [];
      const cache = openSmall(folder, 9, warnings);
      for (let n = 0; n < 2; n++) await cache.put(keyOf(n), windowOf(n));
      rmSync(folder, { recursive: true });
      for (let n = 2; n < 6; n++) await cache.put(keyOf(n), windowOf(n));
      // Nor does it try again, though it could.
      mkdirSync(folder);
      await cache.close();
      expect(readdirSync(folder)).to.deep.equal([]);
      expect(await found(cache, 6)).to.deep.equal([]);
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.include('no such file or folder; the prefix cache keeps nothing more in this run');
    }));

  it('goes on when a file cannot be written to its end, and leaves no part of it', () =>
    inTemporaryFolder(async folder => {
      await fill(open(folder), 0, 1);
      // Files of up to 16 kB: the second shard would be larger.
      const { warnings, there, statistics } = await inProcess(folder, 32, 1e8, 1, 9);
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.match(/cannot be written: .*; the prefix cache keeps nothing more in this run$/);
      expect(there).to.deep.equal([0]);
      expect(statistics.damaged).to.equal(0);
      expect(readdirSync(folder)).to.have.length(1);
    }));

  it('processes that write, read and remove at once in one folder do each other no harm', () =>
    inTemporaryFolder(async folder => {
      const files = 12;
      const workers = [0, 20, 40].map(from => inProcess(folder, 'unlimited', files * 9000, from, from + 40));
      for (const { warnings, statistics } of await Promise.all(workers)) {
        expect(statistics.damaged).to.equal(0);
        expect(warnings).to.satisfy((lines: string[]) => lines.every(line => line.includes('give it more')));
      }
      const rest = openSmall(folder, files);
      expect(await found(rest, 80)).to.have.length.at.least(files - 4);
      expect(rest.statistics.damaged).to.equal(0);
      expect(bytesIn(folder)).to.be.at.most(files * 9000 + 1100);
    }));
});
