/** A worker process: opens the plan that it is sent and evaluates the shards that it is asked for. */
import { InputError } from '../../errors.js';
import { type Evaluator, openEvaluator } from '../evaluator.js';
import type { News, Order } from './messages.js';

// Where the parent has ended there is nobody to tell, and this process ends as well.
const tell = (news: News) => void process.send!(news, () => {});

// Ctrl-C reaches every process of a terminal; when to end is the parent's business.
process.on('SIGINT', () => {});
process.on('disconnect', async () => {
  await evaluator?.dispose();
  process.exit();
});

let evaluator: Evaluator | undefined;

async function obey(order: Order): Promise<void> {
  if (order.kind === 'open') {
    // One image at a time, in order, so that the parent knows which one a death was at.
    evaluator = await openEvaluator(order.plan, { identity: order.identity, atOnce: 1 });
    tell({ kind: 'open' });
    return;
  }
  const result = await evaluator!.evaluate(order.shard, {
    known: order.known,
    onImage: record => tell({ kind: 'image', record }),
  });
  tell({ kind: 'done', result });
}

process.on('message', (order: Order) => {
  obey(order).catch((error: unknown) => {
    const isInput = error instanceof InputError;
    const { message, stack = message } = error instanceof Error ? error : new Error(String(error));
    tell({ kind: 'failed', message: isInput ? message : stack, isInput });
  });
});
