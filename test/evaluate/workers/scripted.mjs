// A worker that answers as it is told by the names of images: it dies at `dies`, fails at `fails`, and once at `once`.
import { existsSync, writeFileSync } from 'node:fs';

let plan;
process.on('disconnect', () => process.exit());
process.on('message', order => {
  if (order.kind === 'open') {
    plan = order.plan;
    if (plan.model === 'dies') process.exit(7);
    process.send({ kind: 'open' });
    return;
  }
  const images = plan.methods
    .map(({ label }) => label)
    .slice(plan.shardSize * order.shard, plan.shardSize * (order.shard + 1));
  const records = [];
  for (const id of images) {
    const known = order.known.find(record => record.id === id);
    if (!known && id.startsWith('dies')) process.kill(process.pid, 'SIGKILL');
    if (!known && id.startsWith('once') && !existsSync(`${plan.model}/${id}`)) {
      writeFileSync(`${plan.model}/${id}`, '');
      process.exit(3);
    }
    if (id.startsWith('fails')) {
      process.send({ kind: 'failed', message: `${id}: wrong`, isInput: id === 'failsByInput' });
      return;
    }
    const record = known ?? { id, height: 1, width: 1, methods: [] };
    records.push(record);
    if (!known) process.send({ kind: 'image', record });
  }
  process.send({ kind: 'done', result: { shard: order.shard, images: records } });
});
