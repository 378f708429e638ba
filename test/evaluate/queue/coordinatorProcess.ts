/** A coordinator as a process of its own, which tests kill: says on standard output which shards it kept. */
import { queueShards } from '../../../src/evaluate/queue/coordinator.js';
import { quick, range, stubPlan } from './stub.js';

const { url, ids, shardSize } = JSON.parse(process.argv[2]!);
const open = stubPlan(ids, shardSize);
await queueShards(url, open, range(Math.ceil(ids.length / shardSize)), {
  times: quick,
  onResult: ({ shard }) => void process.stdout.write(`${shard}\n`),
});
