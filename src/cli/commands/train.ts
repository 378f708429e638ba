import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Argument, Command } from 'commander';
import { InputError } from '../../errors.js';
import { readJson } from '../../files/jsonFile.js';
import { faultOf } from '../../train/configFile.js';
import type { StepReport } from '../../train/loop.js';
import { readRunFile } from '../../train/runFile.js';
import { threadCount, wholeNumber, withOutput } from '../flags.js';
import { print, showsProgress, warn } from '../output.js';
import { stopOnSignal } from '../stop.js';
import { clipTraining } from '../training/clip.js';
import { clipselfTraining } from '../training/clipself.js';
import type { TrainingKind } from '../training/training.js';

interface Flags {
  config?: string;
  output?: string;
  resume?: string;
  steps?: number;
  threads?: number;
  quiet?: boolean;
  json?: boolean;
}

const kinds: Readonly<Record<string, TrainingKind>> = { clip: clipTraining, clipself: clipselfTraining };

export function command(description: string): Command {
  const about = Object.values(kinds)
    .map(kind => kind.about)
    .join('; ');
  return withOutput(new Command('train'))
    .description(description)
    .addArgument(new Argument('<what>', about).choices(Object.keys(kinds)))
    .option('--config <file>', "the run as JSON (default with --resume: that run's own)")
    .option('-o, --output <dir>', 'folder of the run (default with --resume: the same)')
    .option('--resume <dir>', 'go on with the run in this folder from its last checkpoint')
    .option('--steps <n>', 'stop after step n, to go on later; the schedule stays as configured', wholeNumber(1))
    .option('--threads <n>', 'threads that compute (default: one for each core)', threadCount)
    .addHelpText('after', '\nCtrl-C ends it after the step under way, with a checkpoint; again, at once.')
    .action((what: string, flags: Flags) => runTrain(what, flags));
}

async function runTrain(what: string, flags: Flags): Promise<void> {
  const { output, resume, steps: until, threads } = flags;
  for (const [flag, path] of Object.entries({ '-o': output, '--resume': resume })) {
    if (path === '') throw new InputError(`train: ${flag}: expected the path of a folder, got an empty one`);
  }
  const folder = output ?? resume;
  if (folder === undefined) throw new InputError('train: expected a folder for the run, -o DIR');
  if (resume !== undefined) checkKind(what, resume);
  const [json, name] = configFrom(flags);
  const training = await kinds[what]!.open(json, name, { model: join(folder, 'model'), threads });
  const stop = stopOnSignal();
  const bar = stepBar(training, flags);
  try {
    const result = await training.run({
      folder,
      signal: stop.signal,
      warn: text => {
        if (!flags.quiet) warn(text);
      },
      onStep: report => bar.update(report),
      ...(resume !== undefined && { resume }),
      ...(until !== undefined && { until }),
      ...(threads !== undefined && { threads }),
    });
    bar.end();
    const { step, last, evaluation } = result;
    if (result.stopped && !flags.quiet) {
      warn(`stopped after step ${step} of ${training.steps}; 'clipscope train ${what} --resume ${folder}' goes on`);
    }
    if (stop.caught()) return stop.raise();
    await result.save();
    const metrics = { ...last?.metrics, ...evaluation };
    print(flags, { steps: step, loss: last?.loss, metrics }, () => [
      `step ${step}, loss ${last?.loss.toFixed(4)} -> ${folder}`,
      ...Object.entries(metrics).map(([name, value]) => `  ${name.padEnd(12)} ${value.toFixed(4)}`),
    ]);
  } finally {
    bar.end();
    stop.release();
    training.close();
  }
}

/** @throws InputError when there is no run in a folder, or one of another kind */
function checkKind(what: string, folder: string): void {
  const { config } = readRunFile(folder);
  const there = Object.keys(kinds).find(name => faultOf(() => kinds[name]!.check(config, folder)) === undefined);
  if (there === undefined || there === what) return;
  throw new InputError(
    `${folder}: a run of 'train ${there}'; 'clipscope train ${there} --resume ${folder}' goes on with it`,
  );
}

/** The configuration that is named, or that of the run to go on with; and what to call it. */
function configFrom({ config, resume }: Flags): [json: unknown, name: string] {
  if (config !== undefined) return [readJson(config), config];
  if (resume === undefined) throw new InputError('train: expected a configuration, --config FILE');
  return [readRunFile(resume).config, join(resume, 'run.json')];
}

/** A bar of steps with loss, speed and the time that is left; nothing without a terminal or with `--quiet`. */
function stepBar(
  { steps }: { readonly steps: number },
  flags: Flags,
): { update(report: StepReport): void; end(): void } {
  if (!showsProgress(flags)) return { update() {}, end() {} };
  const { SingleBar, Presets } = createRequire(import.meta.url)('cli-progress') as typeof import('cli-progress');
  const format = 'step {value}/{total} {bar} loss {loss} | {speed} images/s | {eta_formatted} left';
  // Narrow enough for a terminal of 80 columns.
  const look = { format, barsize: 18, clearOnComplete: true, linewrap: true };
  const bar = new SingleBar({ ...look, stream: process.stderr, gracefulExit: false }, Presets.shades_grey);
  return {
    update({ step, loss, imagesPerSecond }) {
      const shown = { loss: loss.toFixed(4), speed: imagesPerSecond.toFixed(0) };
      if (bar.isActive) bar.update(step, shown);
      else bar.start(steps, step, shown);
    },
    end: () => bar.stop(),
  };
}
