import { createRequire } from 'node:module';
import { emptyConfusion, scoresOf } from '../../evaluate/confusion.js';
import type { ImageRecord } from '../../evaluate/records.js';
import type { OpenPlan } from '../../evaluate/run/openPlan.js';
import { showsProgress } from '../output.js';

/** Shows how far an evaluation has come. */
export interface EvaluationBar {
  /** Names encoded, of how many. */
  texts(done: number, total: number): void;
  /** Images that an earlier run finished. */
  kept(records: readonly ImageRecord[]): void;
  image(record: ImageRecord): void;
  /** How many work at a queue. */
  workers(count: number): void;
  end(): void;
}

/**
 * A bar of images with speed, time that is left and the first method's mIoU so far; nothing without a terminal or with
 * `--quiet`.
 */
export function evaluationBar({ images, dataset, methods }: OpenPlan, flags: { quiet?: boolean }): EvaluationBar {
  if (!showsProgress(flags)) return { texts() {}, kept() {}, image() {}, workers() {}, end() {} };
  const { SingleBar, Presets } = createRequire(import.meta.url)('cli-progress') as typeof import('cli-progress');
  // Narrow enough for a terminal of 80 columns.
  const look = { barsize: 16, clearOnComplete: true, linewrap: true };
  const barOf = (format: string) =>
    new SingleBar({ ...look, format, stream: process.stderr, gracefulExit: false }, Presets.shades_grey);
  const bar = barOf(`{value}/{total} {bar} {speed} images/s | {left} left | ${methods[0]!.name} mIoU {score}{crew}`);
  const names = barOf('names {value}/{total} {bar} {eta_formatted} left');
  const confusion = emptyConfusion(dataset.classes.length);
  let [done, before, started] = [0, 0, performance.now()];
  const count = ({ methods: [first] }: ImageRecord) => {
    done++;
    const { pairs = [] } = first ?? {};
    for (let i = 0; i < pairs.length; i += 3) {
      confusion.counts[pairs[i]! * confusion.classes + pairs[i + 1]!]! += pairs[i + 2]!;
    }
  };
  let crew = '';
  const shown = () => {
    const speed = (done - before) / ((performance.now() - started) / 1000);
    const { mIoU } = scoresOf(confusion);
    return {
      speed: speed > 0 ? speed.toPrecision(2) : '–',
      left: speed > 0 ? duration((images - done) / speed) : '–',
      crew,
      score: Number.isNaN(mIoU) ? '–' : (100 * mIoU).toFixed(1),
    };
  };
  return {
    texts(encoded, total) {
      if (names.isActive) names.update(encoded);
      else names.start(total, encoded);
      if (encoded === total) names.stop();
    },
    kept: records => records.forEach(count),
    image(record) {
      count(record);
      if (bar.isActive) bar.update(done, shown());
      else {
        // The first one also waited for the model to start.
        [before, started] = [done, performance.now()];
        bar.start(images, done, shown());
      }
    },
    workers(count) {
      crew = ` | ${count} workers`;
      if (bar.isActive) bar.update(done, shown());
      else bar.start(images, done, shown());
    },
    end() {
      names.stop();
      bar.stop();
    },
  };
}

/** `2h05m`, `3m20s`, `12s`. */
function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  if (hours > 0) return `${hours}h${two(minutes)}m`;
  return minutes > 0 ? `${minutes}m${two(rest)}s` : `${rest}s`;
}
