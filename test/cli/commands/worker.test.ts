import { cpSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { freePort, needsRedis, type RedisServer, startRedis } from '../../evaluate/queue/redisServer.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { type Refused, refuses } from '../refused.js';
import { embedded, type Ran, run, succeed } from '../run.js';

const evaluate = (...flags: string[]) => ['evaluate', '--dataset', 'scenes:n=6', '--methods', 'sclip,clip', ...flags];

const refused: Refused[] = [
  [['worker'], /required option '--queue <url>' not specified/],
  [['worker', '--queue', 'http://host'], /--queue: expected redis:\/\/.*; got 'http:\/\/…'/],
  [['worker', '--queue', 'redis://host/x'], /--queue: expected redis:\/\//],
  [['worker', '--queue', 'redis://host', '--dataset', '/data/VOC2012'], /--dataset: expected KIND:PATH/],
  [['worker', '--queue', 'redis://host', '--method', 'nowhere.ts'], /nowhere\.ts: cannot be read/],
  [['worker', '--queue', 'redis://host', '--workers', '0'], /whole number from 1/],
  [evaluate('--queue', 'redis:/host'), /--queue: expected redis:\/\//],
  [evaluate('--queue', 'redis://host', '--workers', '2'), /--queue.* cannot be used with .*--workers/],
];

describe('clipscope worker', function () {
  this.timeout(120_000);
  describe('refuses', () => refuses(refused, () => {}));

  for (const command of [['worker'], evaluate()]) {
    it(`${command[0]}: says within seconds that no server is there, and no word of the password`, async () => {
      const port = await freePort();
      const { status, stdout, stderr } = await run([...command, '--queue', `redis://me:secret@127.0.0.1:${port}`]);
      expect({ status, stdout, stderr }).to.deep.equal({
        status: 2,
        stdout: '',
        stderr: `clipscope: redis://127.0.0.1:${port}: nothing listens there; is the server running?\n`,
      });
    });
  }

  describe('with a server', () => {
    const password = 'not-to-be-seen';
    let server: RedisServer;
    before(async function () {
      needsRedis(this);
      server = await startRedis(['--requirepass', password]);
    });
    after(() => server?.close());

    const queue = () => ['--queue', server.url];
    const env = { CLIPSCOPE_QUEUE_PASSWORD: password };
    const work = (...flags: string[]) => run(['worker', ...queue(), '--once', ...flags], { env });

    it('gives the table that one process gives, to the byte, and goes on with and without the queue', () =>
      inTemporaryFolder(async dir => {
        const whole = await succeed(evaluate('--json'));
        const folder = join(dir, 'run');
        const [first, second, table] = await Promise.all([
          work('--json'),
          work('--json', '--workers', '2'),
          run(evaluate('--run', folder, '--json', ...queue()), { env }),
        ]);
        expect(table.stdout).to.equal(whole);
        expect(table.status).to.equal(0);
        const counts = [first, second].map(({ stdout }) => JSON.parse(stdout) as { images: number; shards: number });
        expect(counts[0]!.images + counts[1]!.images).to.equal(6);
        for (const { stderr } of [first, second, table] as Ran[]) expect(stderr).not.to.include(password);
        for (const name of ['run.json', 'log.jsonl']) {
          expect(readFileSync(join(folder, name), 'utf8')).not.to.match(new RegExp(`${password}|redis`));
        }
        truncateSync(join(folder, 'shards', '000001.json'), 40);
        expect((await run(['evaluate', '--run', folder, '--json'])).stdout).to.equal(whole);
        truncateSync(join(folder, 'shards', '000003.json'), 40);
        const [again, helped] = await Promise.all([
          run(['evaluate', '--run', folder, '--json', ...queue()], { env }),
          work('--json'),
        ]);
        expect(again.stdout).to.equal(whole);
        expect(JSON.parse(helped.stdout)).to.deep.equal({ shards: 1, images: 1 });
      }));

    it('finds the data set where it lies here, and tells of images that it cannot read', () =>
      inTemporaryFolder(async dir => {
        const [there, here] = [join(dir, 'there'), join(dir, 'here')];
        await succeed(['scenes', '-o', there, '-n', '3', '--size', '48']);
        cpSync(there, here, { recursive: true });
        truncateSync(join(here, 'SegmentationClass', readdirSync(join(here, 'SegmentationClass')).sort()[1]!), 60);
        const [worker, table] = await Promise.all([
          work('--dataset', `voc21:${here}`, '--quiet', '--json'),
          run(['evaluate', '--dataset', `voc21:${there}`, '--methods', 'sclip', '--json', ...queue()], { env }),
        ]);
        expect(worker).to.deep.include({ status: 0, stderr: '', stdout: '{"shards":3,"images":3}\n' });
        expect(table.status).to.equal(2);
        const { images, failures } = JSON.parse(table.stdout) as { images: number; failures: { failure: string }[] };
        expect({ images, failed: failures.length }).to.deep.equal({ images: 2, failed: 1 });
        expect(failures[0]!.failure).to.include(join(here, 'SegmentationClass'));
      }));

    it('is refused with other weights, in one line, before it takes a shard', () =>
      inTemporaryFolder(async dir => {
        const other = join(dir, 'other');
        cpSync(embedded, other, { recursive: true });
        const weights = join(other, 'model.safetensors');
        const bytes = readFileSync(weights);
        bytes[bytes.length - 2]! ^= 1;
        writeFileSync(weights, bytes);
        const table = run(evaluate('--json', '--quiet', ...queue()), { env });
        const { status, stdout, stderr } = await work('--model', other, '--quiet');
        expect({ status, stdout }).to.deep.equal({ status: 2, stdout: '' });
        expect(stderr).to.match(
          /^clipscope: redis:\S+: the run of 'scenes:n=6' is not for this worker: its weights \(SHA-256 \w{12}…\) are not what is here \(\w{12}…\); see --model\n$/,
        );
        await work('--quiet');
        expect((await table).status).to.equal(0);
      }));

    it('ends when it is told to while it waits', async () => {
      const { signal, stderr } = await run(['worker', ...queue()], {
        env,
        meanwhile(child) {
          child.stderr!.on('data', text => {
            if (/waiting/.test(text)) child.kill('SIGTERM');
          });
        },
      });
      expect({ signal, stderr }).to.deep.equal({
        signal: 'SIGTERM',
        stderr: `clipscope: waiting for a run at ${server.url}\n`,
      });
    });
  });
});
