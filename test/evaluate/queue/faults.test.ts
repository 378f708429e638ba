/** Workers that die or freeze and a server that goes away, with processes that are really killed and stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { type QueuedPlan, queueShards } from '../../../src/evaluate/queue/coordinator.js';
import { openRedis } from '../../../src/evaluate/queue/redis.js';
import type { ShardResult } from '../../../src/evaluate/records.js';
import { needsRedis, type RedisServer, startRedis } from './redisServer.js';
import { names, quick, range, stubPlan, stubTable } from './stub.js';

interface WorkerProcess {
  readonly child: ChildProcess;
  /** All that it said, a line each. */
  readonly lines: string[];
  /** Waits until it says a line that matches. */
  said(pattern: RegExp): Promise<void>;
}

describe('a queue whose workers and server fail', function () {
  this.timeout(120_000);
  let server: RedisServer;
  let children: ChildProcess[];
  beforeEach(async function () {
    needsRedis(this);
    children = [];
    server = await startRedis();
  });
  afterEach(async () => {
    for (const child of children ?? []) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    await server?.close();
  });

  function startWorker({ plan, dataset }: QueuedPlan, imageMs: number): WorkerProcess {
    const script = fileURLToPath(new URL('./workerProcess.ts', import.meta.url));
    const setup = JSON.stringify({ url: server.url, ids: dataset.ids, shardSize: plan.shardSize, imageMs });
    const child = spawn(process.execPath, ['--import=tsx', script, setup], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const lines: string[] = [];
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const parts = `${rest}${text}`.split('\n');
      rest = parts.pop()!;
      lines.push(...parts);
      child.emit('line');
    });
    return {
      child,
      lines,
      async said(pattern) {
        while (!lines.some(line => pattern.test(line))) await once(child, 'line');
      },
    };
  }

  /** Coordinates all shards of a plan; `onResult` is called with their number so far. */
  async function coordinate(open: QueuedPlan, shards: number, onResult: (count: number) => void = () => {}) {
    const results: ShardResult[] = [];
    const said: string[] = [];
    await queueShards(server.url, open, range(shards), {
      times: quick,
      warn: text => said.push(text),
      onResult(result) {
        results.push(result);
        onResult(results.length);
      },
    });
    return { table: JSON.stringify(results.sort((a, b) => a.shard - b.shard)), results, said };
  }

  async function keysLeft(): Promise<string[]> {
    const { redis, close } = await openRedis(server.url, { times: quick });
    const found = await redis.keys('*');
    close();
    return found;
  }

  it('gives what one process gives: one worker killed, one paused, Redis away for a while', async () => {
    const open = stubPlan(names(120), 4);
    const workers = [0, 1, 2].map(() => startWorker(open, 25));
    const [killed, paused, steady] = workers as [WorkerProcess, WorkerProcess, WorkerProcess];
    const run = coordinate(open, 30);

    await Promise.all(workers.map(({ said }) => said(/^image/)));
    killed.child.kill('SIGKILL');
    paused.child.kill('SIGSTOP');
    const held = paused.lines.filter(line => line.startsWith('image')).length;
    await steady.said(/^shard/);
    await server.restart(500);

    const { table, said } = await run;
    expect(table).to.equal(stubTable(open, range(30)));
    expect(paused.lines.filter(line => line.startsWith('image'))).to.have.length(held);
    expect(said.filter(line => !/no worker/.test(line))).to.deep.equal([
      `${server.url}: the connection is lost; trying again until it is back`,
      `${server.url}: the connection is back`,
    ]);

    // It wakes when all is over: its result is nobody's, and it waits for the next run.
    paused.child.kill('SIGCONT');
    await Promise.race([paused.said(/^shard/), new Promise(done => setTimeout(done, 2000))]);
    for (const { child } of [paused, steady]) {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
      expect(child.exitCode).to.equal(0);
    }
    expect(await keysLeft()).to.deep.equal([]);
  });

  it('takes what a worker that was paused delivers late, without counting it twice', async () => {
    const open = stubPlan(names(8), 2);
    const paused = startWorker(open, 300);
    const run = coordinate(open, 4, count => {
      // The shard it froze at has come from another; now it brings its own.
      if (count === 1) paused.child.kill('SIGCONT');
    });
    await paused.said(/^image/);
    paused.child.kill('SIGSTOP');
    const other = startWorker(open, 300);
    const late = paused.said(/^shard/);
    const { table } = await run;
    await late;
    expect(table).to.equal(stubTable(open, range(4)));
    expect(other.lines.filter(line => line.startsWith('shard'))).to.have.length.greaterThan(1);
  });

  it('goes on after Redis came back with nothing', async () => {
    const open = stubPlan(names(30), 1);
    const worker = startWorker(open, 40);
    const { redis, close } = await openRedis(server.url, { times: quick });
    const run = coordinate(open, 30);
    await worker.said(/^shard/);
    await redis.flushall();
    close();
    expect((await run).table).to.equal(stubTable(open, range(30)));
  });

  it('goes on after its coordinator died: what workers did meanwhile is not done again', async () => {
    const open = stubPlan(names(12), 1);
    const script = fileURLToPath(new URL('./coordinatorProcess.ts', import.meta.url));
    const setup = JSON.stringify({ url: server.url, ids: open.dataset.ids, shardSize: 1 });
    const first = spawn(process.execPath, ['--import=tsx', script, setup], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(first);
    const worker = startWorker(open, 30);
    let text = '';
    first.stdout.setEncoding('utf8').on('data', part => {
      text += part;
    });
    await once(first.stdout, 'data');
    first.kill('SIGKILL');
    await once(first, 'close');
    const kept = text.trim().split('\n').map(Number);
    const left = range(12).filter(shard => !kept.includes(shard));

    const results: ShardResult[] = [];
    const said: string[] = [];
    await queueShards(server.url, open, left, {
      times: quick,
      warn: line => said.push(line),
      onResult: result => void results.push(result),
    });
    expect(JSON.stringify(results.sort((a, b) => a.shard - b.shard))).to.equal(stubTable(open, left));
    expect(said.join()).to.match(/another process \(.+, process \d+\) coordinates this very plan there, or did/);
    // One that was finished just as the second looked may be done again.
    expect(worker.lines.filter(line => line.startsWith('image')).length).to.be.within(12, 13);
  });

  it('gives an image up that kills every worker that looks at it', async () => {
    const open = stubPlan(['image-0', 'deadly-1', 'image-2'], 1);
    let isDone = false;
    const run = coordinate(open, 3).finally(() => {
      isDone = true;
    });
    const fleet = [0, 1].map(async () => {
      while (!isDone) {
        const { child } = startWorker(open, 1);
        await Promise.race([once(child, 'exit'), run]);
      }
    });
    const { results } = await run;
    await Promise.all(fleet);
    const reason = '4 workers were lost at its shard';
    expect(results[1]!.images).to.deep.equal([{ id: 'deadly-1', height: 0, width: 0, methods: [], failure: reason }]);
    expect(JSON.stringify([results[0], results[2]])).to.equal(stubTable(open, [0, 2]));
  });
});
