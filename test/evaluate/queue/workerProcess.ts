/** A worker as a process of its own, which tests pause and kill: says on standard output what it does. */
import { serveQueue } from '../../../src/evaluate/queue/worker.js';
import { quick, stubPlan, stubServed } from './stub.js';

const { url, ids, shardSize, imageMs } = JSON.parse(process.argv[2]!);
const say = (text: string) => void process.stdout.write(`${text}\n`);
const open = stubPlan(ids, shardSize);
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());

await serveQueue(url, async () => stubServed(open, imageMs, id => say(`image ${id}`)), {
  signal: stop.signal,
  times: quick,
  warn: text => say(`warning ${text}`),
  onShard: ({ shard }) => say(`shard ${shard}`),
});
say('end');
