import { Command, Option } from 'commander';
import { InputError } from '../../errors.js';
import { openDataset } from '../../evaluate/datasets/openDataset.js';
import { parseQueueUrl } from '../../evaluate/queue/queueUrl.js';
import type { ShardResult } from '../../evaluate/records.js';
import { rivals } from '../../evaluate/regions/regionReader.js';
import { evaluatePlan } from '../../evaluate/run/evaluatePlan.js';
import { type OpenPlan, openPlan } from '../../evaluate/run/openPlan.js';
import { planOfRun } from '../../evaluate/run/runFolder.js';
import { tableOf } from '../../evaluate/table.js';
import { methodNames } from '../../segment/protocols.js';
import { holdsRun } from '../../train/runFile.js';
import { evaluationBar } from '../evaluation/evaluationBar.js';
import { checkFiles } from '../evaluation/evaluationCheck.js';
import { sayFailures, tableLines } from '../evaluation/evaluationLines.js';
import { checkOutputs, writeOutputs } from '../evaluation/evaluationOutputs.js';
import { type PlanFlags, planFrom, refusePlanFlags } from '../evaluation/evaluationPlan.js';
import {
  evaluateRegions,
  isForRegions,
  type RegionFlags,
  refuseRegionFlags,
  tasks,
} from '../evaluation/evaluationRegions.js';
import { type CommonFlags, numberWithin, wholeNumber, withModel } from '../flags.js';
import { print, warn } from '../output.js';
import { stopOnSignal } from '../stop.js';

interface Flags extends CommonFlags, PlanFlags, RegionFlags {
  run?: string;
  workers?: number;
  queue?: string;
  check?: boolean;
  grid?: string;
}

export function command(description: string): Command {
  const protocol = new Option(
    '--protocol <name>',
    'sizes, windows, names and prompts of one method for all, so that they share one run',
  );
  return withModel(new Command('evaluate'))
    .description(description)
    .option(
      '--dataset <kind:path>',
      'voc21:DIR, voc20:, context60:, context59:, coco-stuff:, coco-stuff10k:, coco-object:, cityscapes:, ade20k:, scenes:n=N, or coco-panoptic:DIR (regions)',
    )
    .addOption(
      new Option('--task <name>', 'what is named: every pixel, or regions (default: by the data set)').choices(tasks),
    )
    .option('--classes-file <file>', "class names to ask for in place of the data set's, one class a line")
    .option(
      '--methods <a,b>',
      'published methods, or attentions put into the first of them (default: clearclip; for regions clipself)',
    )
    .option('--method <file>', 'a module of your own: a method or an attention; may be repeated', collected)
    .option(
      '--sweep <grid>',
      '"attention=qk,kk residual=on,off,2 ffn=on,off": every combination, over the first method or clip',
    )
    .addOption(protocol.choices(methodNames))
    .option('--limit <n>', 'only the first n images', wholeNumber(1))
    .option('--run <dir>', 'folder that keeps what is finished; with it alone, goes on with the run there')
    .option('--workers <n>', 'processes that share the images (default: 1)', wholeNumber(1, 256))
    .addOption(
      new Option(
        '--queue <url>',
        'shares the images among workers at redis://[user:password@]host[:port][/database]',
      ).conflicts('workers'),
    )
    .option(
      '--shard-size <n>',
      'images that are finished together (default: by the data set, at most 16)',
      wholeNumber(1, 10_000),
    )
    .option(
      '--prefix-cache <dir>',
      'keeps what methods share, so that the next ones on the same images run their last block alone',
    )
    .option('--prefix-cache-size <gigabytes>', 'what it may take (default: 20)', numberWithin(0.001, 1e6))
    .option('-o, --output <file>', 'a report as .html, .md or .json; of regions .md or .json')
    .option('--grid <file>', 'a picture of the images where the methods differ most')
    .option('--size <pixels>', "regions: what a picture's longest side is brought to", wholeNumber(1))
    .option('--readings <a,b>', 'regions: boxes and masks of the dense map, crops of the picture (default: all three)')
    .addOption(
      new Option(
        '--against <classes>',
        'regions: a class is held against all, or things against things alone and stuff against stuff (default: by the data set)',
      ).choices(rivals),
    )
    .option('--check', 'only look for missing, mismatched and unreadable files')
    .addHelpText('after', '\nCtrl-C ends it after the images under way; --run DIR goes on from there.')
    .action(runEvaluate);
}

const collected = (path: string, before: readonly string[] = []): string[] => [...before, ...path.split(',')];

async function runEvaluate(flags: Flags): Promise<void> {
  if (isForRegions(flags)) return evaluateRegions(flags);
  refuseRegionFlags(flags);
  if (flags.check) return checkFiles(flags);
  if (flags.queue !== undefined) parseQueueUrl(flags.queue);
  checkOutputs(flags);
  const open = await openFrom(flags);
  if (flags.grid !== undefined && open.methods.length < 2) {
    throw new InputError('evaluate: --grid shows where methods differ; name several');
  }
  const results = await evaluated(open, flags);
  if (!results) return;
  const table = tableOf(open, results);
  // First, so that an output that cannot be written takes no table with it.
  print(flags, table, () => tableLines(table));
  await writeOutputs(open, table, results, flags);
  sayFailures(table);
}

/** The plan that the flags say, or that of the run to go on with. */
async function openFrom(flags: Flags): Promise<OpenPlan> {
  const { dataset: spec, run, classesFile, threads, quiet } = flags;
  if (run === '') throw new InputError('evaluate: --run: expected the path of a folder, got an empty one');
  if (spec !== undefined) {
    const dataset = await openDataset(spec, { classesFile, warn: quiet ? undefined : warn });
    return openPlan(await planFrom(flags, dataset), { dataset });
  }
  if (run === undefined || !holdsRun(run)) {
    throw new InputError('evaluate: expected a data set, --dataset KIND:PATH');
  }
  refusePlanFlags(flags);
  return openPlan({ ...planOfRun(run), ...(threads !== undefined && { threads }) });
}

/** All shards; undefined when a signal ends the work, and soon the process. */
async function evaluated(open: OpenPlan, flags: Flags): Promise<ShardResult[] | undefined> {
  const { run: folder, workers, queue, quiet } = flags;
  const stop = stopOnSignal();
  const bar = evaluationBar(open, flags);
  try {
    return await evaluatePlan(open, {
      signal: stop.signal,
      onKept: bar.kept,
      onImage: bar.image,
      onWorkers: bar.workers,
      onTexts: bar.texts,
      warn: text => {
        if (!quiet) warn(text);
      },
      ...(folder !== undefined && { folder }),
      ...(workers !== undefined && { workers }),
      ...(queue !== undefined && { queue }),
    });
  } catch (error) {
    if (!stop.caught()) throw error;
    bar.end();
    const advice =
      folder === undefined ? 'nothing is kept without --run DIR' : `'clipscope evaluate --run ${folder}' goes on`;
    if (!quiet) warn(`stopped; ${advice}`);
    stop.raise();
    return undefined;
  } finally {
    bar.end();
    stop.release();
  }
}
