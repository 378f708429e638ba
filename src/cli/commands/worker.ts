import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { InputError } from '../../errors.js';
import { encodeTexts } from '../../evaluate/methods/encodeTexts.js';
import { groupMethods } from '../../evaluate/methods/groups.js';
import { moduleSpec } from '../../evaluate/methods/specs.js';
import type { EvaluationPlan } from '../../evaluate/plan.js';
import { parseQueueUrl } from '../../evaluate/queue/queueUrl.js';
import { serveQueue } from '../../evaluate/queue/worker.js';
import { openPlan } from '../../evaluate/run/openPlan.js';
import { openWorkers } from '../../evaluate/workers/pool.js';
import { quoted } from '../../files/quote.js';
import { threadCount, wholeNumber, withOutput } from '../flags.js';
import { print, warn } from '../output.js';
import { stopOnSignal } from '../stop.js';

interface Flags {
  queue: string;
  dataset?: string[];
  model?: string;
  method?: string[];
  classesFile?: string;
  prefixCache?: string;
  workers: number;
  threads?: number;
  once?: boolean;
  quiet?: boolean;
  json?: boolean;
}

export function command(description: string): Command {
  return withOutput(new Command('worker'))
    .description(description)
    .requiredOption('--queue <url>', 'redis://[user:password@]host[:port][/database]; rediss:// for TLS')
    .option('--dataset <kind:path...>', "where data sets lie here (default: where the run's own machine has them)")
    .option('--model <dir|file|hub-id>', "weights here (default: where the run's own machine has them)")
    .option('--method <file...>', "modules of the run's methods, where they lie elsewhere here")
    .option('--classes-file <file>', 'the file of class names, where it lies elsewhere here')
    .option('--prefix-cache <dir>', 'the prefix cache, where it lies elsewhere here')
    .option('--workers <n>', 'processes that evaluate', wholeNumber(1, 1024), 1)
    .option('--threads <n>', 'threads of each (default: the cores, shared out)', threadCount)
    .option('--once', 'end when the run is done, instead of waiting for the next')
    .addHelpText(
      'after',
      '\nIt takes shards only of runs with its own version, weights, data set and methods. CLIPSCOPE_QUEUE_PASSWORD holds\n' +
        'the password where the address has none. Ctrl-C gives the shards at hand back.',
    )
    .action(work);
}

async function work(flags: Flags): Promise<void> {
  const { shown } = parseQueueUrl(flags.queue);
  const here = localPaths(flags);
  const say = (text: string) => {
    if (!flags.quiet) warn(text);
  };
  const done = { shards: 0, images: 0 };
  const stop = stopOnSignal();
  try {
    await serveQueue(
      flags.queue,
      async plan => {
        const open = await openPlan(here(plan));
        const lanes = async () => {
          // Several find the names as vectors where this process leaves them.
          if (flags.workers > 1) await encodeTexts(groupMethods(open.methods, open.model), open);
          return openWorkers(open, flags.workers);
        };
        return { identity: open.identity, lanes };
      },
      {
        signal: stop.signal,
        ...(flags.once && { once: true }),
        warn: say,
        onPlan: plan =>
          say(plan ? `evaluating ${plan.dataset}, methods: ${plan.methods.length}` : `waiting for a run at ${shown}`),
        onShard({ shard, images }, seconds) {
          done.shards++;
          done.images += images.length;
          say(`shard ${shard}: ${images.length} images in ${seconds.toFixed(1)} s`);
        },
      },
    );
    if (stop.caught()) return stop.raise();
    print(flags, done, () => [`evaluated ${done.images} images in ${done.shards} shards`]);
  } finally {
    stop.release();
  }
}

/** @returns what makes of a run's plan one with the paths of this machine */
function localPaths(flags: Flags): (plan: EvaluationPlan) => EvaluationPlan {
  const kindOf = (spec: string) => spec.split(':', 1)[0]!;
  const datasets = new Map<string, string>();
  for (const spec of flags.dataset ?? []) {
    if (!spec.includes(':')) throw new InputError(`worker: --dataset: expected KIND:PATH, got ${quoted(spec)}`);
    datasets.set(kindOf(spec), spec);
  }
  const modules = new Map<string, string>();
  for (const path of flags.method ?? []) modules.set(moduleSpec(path, 'clip').module!.sha256, resolve(path));
  const threads = flags.threads ?? Math.max(1, Math.floor(availableParallelism() / flags.workers));
  return plan => ({
    ...plan,
    threads,
    dataset: datasets.get(kindOf(plan.dataset)) ?? plan.dataset,
    model: flags.model ?? plan.model,
    methods: plan.methods.map(method => {
      const path = method.module && modules.get(method.module.sha256);
      return path === undefined ? method : { ...method, module: { ...method.module!, path } };
    }),
    ...(flags.classesFile !== undefined && plan.classesFile !== undefined && { classesFile: flags.classesFile }),
    ...(plan.prefixCache && { prefixCache: { ...plan.prefixCache, path: flags.prefixCache ?? plan.prefixCache.path } }),
  });
}
