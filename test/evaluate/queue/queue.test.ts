import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { type QueuedPlan, queueShards } from '../../../src/evaluate/queue/coordinator.js';
import { openRedis } from '../../../src/evaluate/queue/redis.js';
import { announce, keysOf, runName, withdraw } from '../../../src/evaluate/queue/registry.js';
import { deliver } from '../../../src/evaluate/queue/results.js';
import { type ServedPlan, serveQueue } from '../../../src/evaluate/queue/worker.js';
import type { ShardResult } from '../../../src/evaluate/records.js';
import { needsRedis, type RedisServer, startRedis } from './redisServer.js';
import { names, quick, range, stubLane, stubPlan, stubServed, stubTable } from './stub.js';

const pause = (ms: number) => new Promise(done => setTimeout(done, ms));

describe('a queue', () => {
  let server: RedisServer;
  before(async function () {
    needsRedis(this);
    server = await startRedis();
  });
  after(() => server?.close());
  afterEach(async () => {
    const { redis, close } = await openRedis(server.url, { times: quick });
    await redis.flushall();
    close();
  });

  /** Starts a worker of this process, which is stopped by what it returns. */
  function startWorker(open: (dataset: string) => ServedPlan, once = false) {
    const stop = new AbortController();
    const said: string[] = [];
    const ended = serveQueue(server.url, async plan => open(plan.dataset), {
      signal: stop.signal,
      times: quick,
      once,
      warn: text => said.push(text),
    });
    ended.catch(() => {});
    return {
      said,
      ended,
      stop: () => {
        stop.abort();
        return ended;
      },
    };
  }

  /** Coordinates a plan; the results come in the plan's order, as JSON. */
  async function coordinate(open: QueuedPlan, shards: readonly number[], signal?: AbortSignal): Promise<string> {
    const results: ShardResult[] = [];
    await queueShards(server.url, open, shards, {
      times: quick,
      onResult: result => void results.push(result),
      ...(signal && { signal }),
    });
    return JSON.stringify(results.sort((a, b) => a.shard - b.shard));
  }

  async function keys(): Promise<string[]> {
    const { redis, close } = await openRedis(server.url, { times: quick });
    const found = await redis.keys('*');
    close();
    return found.sort();
  }

  it('gives what one process gives, and leaves nothing on the server', async () => {
    const open = stubPlan(names(23), 4);
    const workers = range(3).map(() => startWorker(() => stubServed(open, 5)));
    expect(await coordinate(open, range(6))).to.equal(stubTable(open, range(6)));
    await pause(4 * quick.poll);
    for (const worker of workers) await worker.stop();
    expect(await keys()).to.deep.equal([]);
    expect(workers.flatMap(({ said }) => said)).to.deep.equal([]);
  });

  it('asks only for the shards that are left', async () => {
    const open = stubPlan(names(20), 2);
    const seen: string[] = [];
    const worker = startWorker(() => stubServed(open, 1, id => seen.push(id)), true);
    expect(await coordinate(open, [3, 7])).to.equal(stubTable(open, [3, 7]));
    await worker.ended;
    expect(seen.sort()).to.deep.equal(['image-14', 'image-15', 'image-6', 'image-7']);
  });

  it('serves several runs, each with its own', async () => {
    const opens = [stubPlan(names(8), 2), stubPlan(names(10), 2)].map((open, i) => ({
      ...open,
      plan: { ...open.plan, dataset: `stub:${i}` },
    }));
    const worker = startWorker(dataset => stubServed(opens[Number(dataset.at(-1))]!, 5));
    const tables = await Promise.all(opens.map(open => coordinate(open, range(4))));
    expect(tables).to.deep.equal(opens.map(open => stubTable(open, range(4))));
    await worker.stop();
  });

  it('tells of images that fail, after a second look', async () => {
    const open = stubPlan(['image-0', 'bad-1', 'image-2'], 2);
    const seen: string[] = [];
    const worker = startWorker(() => stubServed(open, 1, id => seen.push(id)), true);
    const [first, second] = JSON.parse(await coordinate(open, [0, 1]));
    await worker.ended;
    expect(first.images[1]).to.deep.include({ id: 'bad-1', methods: [], failure: 'bad-1: no picture' });
    expect(first.images[0]).to.not.have.property('failure');
    expect(second.images).to.have.length(1);
    expect(seen.filter(id => id === 'bad-1')).to.have.length(2);
  });

  it('gives a shard up whose evaluation breaks time and again, and ends each worker that it breaks', async () => {
    const open = stubPlan(['image-0', 'fault-1', 'image-2', 'image-3'], 1);
    const ends: string[] = [];
    const stop = new AbortController();
    const workers = (async () => {
      while (!stop.signal.aborted) {
        const worker = startWorker(() => stubServed(open, 1), true);
        await Promise.race([
          worker.ended.catch((error: Error) => ends.push(error.message)),
          new Promise(done => stop.signal.addEventListener('abort', done)),
        ]);
        if (stop.signal.aborted) await worker.stop();
      }
    })();
    const results = JSON.parse(await coordinate(open, range(4)));
    stop.abort();
    await workers;
    expect(results[1].images).to.deep.equal([
      { id: 'fault-1', height: 0, width: 0, methods: [], failure: 'fault-1: the runtime broke' },
    ]);
    expect(JSON.stringify([results[0], results[2], results[3]])).to.equal(stubTable(open, [0, 2, 3]));
    expect(ends).to.deep.equal(Array(5).fill('fault-1: the runtime broke'));
  });

  const differences: [what: string, served: Parameters<typeof stubPlan>[2], line: RegExp][] = [
    [
      'other weights',
      { weights: 'f'.repeat(64) },
      /its weights \(SHA-256 \w{12}…\) are not what is here \(ffffffffffff…\)/,
    ],
    [
      'another data set',
      { dataset: 'e'.repeat(64) },
      /its data set \(SHA-256 \w{12}…\) is not what is here \(eeeeeeeeeeee…\)/,
    ],
    [
      'other methods',
      { hash: 'd'.repeat(64) },
      /its methods \(SHA-256 \w{12}…\) are not what is here \(dddddddddddd…\)/,
    ],
    ['another version', { version: '2' }, /it is of clipscope 1, and this is 2; install the same/],
  ];
  for (const [what, changes, line] of differences) {
    it(`refuses a worker with ${what}, which takes no shard`, async () => {
      const open = stubPlan(names(4), 2);
      const other = stubPlan(names(4), 2, changes);
      const stop = new AbortController();
      const run = coordinate(open, [0, 1], stop.signal).catch(() => 'stopped');
      const seen: string[] = [];
      const worker = startWorker(() => stubServed(other, 1, id => seen.push(id)));
      const refused = await worker.ended.then(
        () => undefined,
        (error: Error) => error,
      );
      expect(refused).to.be.instanceOf(InputError);
      expect(refused!.message)
        .to.match(line)
        .and.match(/^redis:\/\/127\.0\.0\.1:\d+: the run of 'stub:here' is not for this worker: [^\n]*$/);
      expect(seen).to.deep.equal([]);
      stop.abort();
      expect(await run).to.equal('stopped');
    });
  }

  it("refuses a worker of another program's version before it reads the plan", async () => {
    const { redis, close } = await openRedis(server.url, { times: quick });
    const { plan, identity } = stubPlan(names(4), 2);
    await announce(redis, { clipscope: '99.0.0', plan, identity }, quick);
    await redis.set(keysOf(runName(identity)).coordinator, 'somebody');
    const worker = startWorker(() => {
      throw new Error('it was read');
    });
    const refused = await worker.ended.then(
      () => '',
      (error: Error) => error.message,
    );
    expect(refused).to.match(/it is of clipscope 99\.0\.0, and this is \d+\.\d+\.\d+; install the same$/);
    close();
  });

  it('passes over a run that it cannot serve for one that it can', async () => {
    const [mine, foreign] = [stubPlan(names(4), 2), stubPlan(names(6), 2)];
    const opens = [foreign, mine].map((open, i) => ({ ...open, plan: { ...open.plan, dataset: `stub:${i}` } }));
    const stop = new AbortController();
    const left = coordinate(opens[0]!, [0, 1, 2], stop.signal).catch(() => 'stopped');
    const served = coordinate(opens[1]!, [0, 1]);
    await pause(4 * quick.poll);
    const worker = startWorker(dataset => {
      if (dataset === 'stub:0') throw new InputError('/data/0: no such folder');
      return stubServed(mine, 1);
    }, true);
    expect(await served).to.equal(stubTable(mine, [0, 1]));
    await worker.ended;
    stop.abort();
    expect(await left).to.equal('stopped');
  });

  it('has one coordinator for a run; the second is refused, the first goes on', async () => {
    const open = stubPlan(names(4), 2);
    const first = coordinate(open, [0, 1]);
    await pause(4 * quick.poll);
    const refused = await coordinate(open, [0, 1]).catch((error: Error) => error);
    expect(refused).to.be.instanceOf(InputError);
    expect((refused as Error).message).to.match(
      /^redis:\/\/127\.0\.0\.1:\d+: another process \(.+, process \d+\) coordinates this very plan there; let it finish, or end it$/,
    );
    const worker = startWorker(() => stubServed(open, 1), true);
    expect(await first).to.equal(stubTable(open, [0, 1]));
    await worker.ended;
  });

  it('is taken back when its coordinator is stopped, and goes on with the next', async () => {
    const open = stubPlan(names(20), 1);
    const worker = startWorker(() => stubServed(open, 30));
    const kept: ShardResult[] = [];
    const stop = new AbortController();
    const options = { times: quick, signal: stop.signal };
    const stopped = await queueShards(server.url, open, range(20), {
      ...options,
      onResult(result) {
        kept.push(result);
        if (kept.length === 3) stop.abort(new Error('enough'));
      },
    }).catch((error: Error) => error.message);
    expect(stopped).to.equal('enough');
    expect(await keys()).to.deep.equal([]);
    const done = kept.map(({ shard }) => shard);
    expect(done.length).to.be.within(3, 19);
    const left = range(20).filter(shard => !done.includes(shard));
    expect(await coordinate(open, left)).to.equal(stubTable(open, left));
    await worker.stop();
  });

  it('keeps what is done when a result cannot be kept, for the next coordinator', async () => {
    const open = stubPlan(names(3), 1);
    const seen: string[] = [];
    const worker = startWorker(() => stubServed(open, 1, id => seen.push(id)));
    const failed = queueShards(server.url, open, range(3), {
      times: quick,
      async onResult() {
        await pause(300);
        throw new InputError('run/shards/000000.json: cannot be written: no space left');
      },
    });
    expect(await failed.catch((error: Error) => error.message)).to.match(/no space left$/);
    expect(await coordinate(open, range(3))).to.equal(stubTable(open, range(3)));
    expect(seen).to.have.length(3);
    await worker.stop();
  });

  it('takes no result that is damaged, and none that nobody asked for', async () => {
    const open = stubPlan(names(2), 1);
    const { redis, close } = await openRedis(server.url, { times: quick });
    await redis.hset(keysOf(runName(open.identity)).results, '0', 'damaged', '7', 'nobody asked');
    const worker = startWorker(() => stubServed(open, 1));
    expect(await coordinate(open, [0, 1])).to.equal(stubTable(open, [0, 1]));
    await worker.stop();
    close();
  });

  it('keeps the first of two results, and none of a run that is over', async () => {
    const { plan, identity } = stubPlan(names(2), 1);
    const name = runName(identity);
    const { redis, close } = await openRedis(server.url, { times: quick });
    await announce(redis, { clipscope: '1', plan, identity }, quick);
    for (const text of ['first', 'second']) await deliver(redis, name, 0, Buffer.from(text), quick);
    const { results } = keysOf(name);
    expect(await redis.hgetall(results)).to.deep.equal({ 0: 'first' });
    expect(await redis.pttl(results)).to.be.within(1, quick.kept);
    await redis.del(results);
    await withdraw(redis, name);
    await deliver(redis, name, 0, Buffer.from('late'), quick);
    expect(await redis.keys('*')).to.deep.equal([]);
    close();
  });

  it('gives the shard at hand back when a worker is stopped', async () => {
    const open = stubPlan(names(2), 2);
    const table = coordinate(open, [0]);
    let begun: () => void;
    const started = new Promise<void>(done => {
      begun = done;
    });
    const slow = startWorker(() => stubServed(open, 10_000, () => begun()));
    await started;
    await slow.stop();
    const lanes = async () => [stubLane(open, 1), stubLane(open, 1)];
    const worker = startWorker(() => ({ identity: open.identity, lanes }));
    expect(await table).to.equal(stubTable(open, [0]));
    await worker.stop();
  });
});
