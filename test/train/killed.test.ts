/** Runs that are broken off by what no program can catch. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { inTemporaryFolder } from '../files/temporary.js';
import { checkpointOf, timeless, weightsIn } from './folder.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const childPath = fileURLToPath(new URL('./child.ts', import.meta.url));

interface Child {
  readonly resume?: boolean;
  /** The step after which it kills itself. */
  readonly killAfter?: number;
  /** The longest file that it may write, in KiB. */
  readonly longest?: number;
}

interface Ended {
  readonly status: number | null;
  readonly steps: readonly number[];
  readonly stderr: string;
}

/** Trains the tiny CLIP in a process of its own. */
function inChild(folder: string, { resume, killAfter, longest }: Child = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const limit = longest === undefined ? '' : `ulimit -f ${longest}; `;
    const script = `${limit}exec "$0" --import tsx --import ./test/workers.mjs "$@"`;
    const flags = [...(resume ? ['resume'] : []), ...(killAfter === undefined ? [] : [`killAfter=${killAfter}`])];
    const args = ['-c', script, process.execPath, childPath, folder, ...flags];
    const child = spawn('bash', args, { cwd: root });
    const steps: number[] = [];
    let stderr = '';
    createInterface({ input: child.stdout }).on('line', line => {
      steps.push(Number(line.split(' ')[1]));
    });
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text;
    });
    child.on('error', reject).on('close', status => resolve({ status, steps, stderr }));
  });
}

describe('a run that is killed', () => {
  it('goes on to the weights and the log of one that was not, byte by byte', async function () {
    this.timeout(120_000);
    await inTemporaryFolder(async dir => {
      const [whole, killed] = [join(dir, 'whole'), join(dir, 'killed')];
      const [all, first] = await Promise.all([inChild(whole), inChild(killed, { killAfter: 7 })]);
      expect(all.steps, all.stderr).to.have.length(12);
      expect(first, first.stderr).to.deep.include({ status: null, steps: [1, 2, 3, 4, 5, 6, 7] });
      expect(existsSync(join(killed, 'run.lock')), 'the lock of the dead').to.equal(true);
      // What a process leaves that is killed in the middle of a write.
      writeFileSync(join(killed, 'checkpoints', '.0123456789abcdef01234567.tmp'), 'half');
      writeFileSync(join(killed, 'checkpoints', 'step-00000008.safetensors.partial'), 'half');
      writeFileSync(join(killed, 'log.jsonl'), `${readFileSync(join(killed, 'log.jsonl'), 'utf8')}{"step": 8, "lo`);
      const { steps, stderr } = await inChild(killed, { resume: true });
      expect(stderr).to.equal('');
      expect(steps).to.deep.equal([5, 6, 7, 8, 9, 10, 11, 12]);
      expect(weightsIn(killed, 12).equals(weightsIn(whole, 12)), 'the same weights and moments').to.equal(true);
      expect(weightsIn(killed, 12).equals(weightsIn(killed, 8)), 'which training had changed').to.equal(false);
      expect(timeless(killed)).to.deep.equal(timeless(whole));
      expect(timeless(whole)).to.have.length(12);
      expect(existsSync(join(killed, 'run.lock'))).to.equal(false);
      expect(readdirSync(join(killed, 'checkpoints')).sort()).to.deep.equal([
        'step-00000008.safetensors',
        'step-00000012.safetensors',
      ]);
    });
  });

  it('a disk that is full while a checkpoint is written leaves the one before whole', async function () {
    if (process.platform === 'win32') this.skip();
    this.timeout(120_000);
    await inTemporaryFolder(async folder => {
      await inChild(folder, { killAfter: 7 });
      const before = readFileSync(checkpointOf(folder, 4));
      // Longer than the log, shorter than a checkpoint.
      const { status, steps, stderr } = await inChild(folder, { resume: true, longest: 8 });
      expect(status).to.not.equal(0);
      expect(stderr).to.match(
        /^InputError: .*step-00000008\.safetensors.*: cannot be written: .*; step-00000004\.safetensors is whole$/m,
      );
      expect(steps).to.deep.equal([5, 6, 7, 8]);
      expect(readdirSync(join(folder, 'checkpoints'))).to.deep.equal(['step-00000004.safetensors']);
      expect(readFileSync(checkpointOf(folder, 4)).equals(before)).to.equal(true);
      const again = await inChild(folder, { resume: true });
      expect(again.steps).to.deep.equal([5, 6, 7, 8, 9, 10, 11, 12]);
    });
  });
});
