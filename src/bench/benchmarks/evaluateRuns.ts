/** What runs of `evaluate` cost beyond one image: from a prefix cache, in several processes, of many images and classes. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EvaluationPlan, MethodSpec } from '../../evaluate/plan.js';
import { type Bench, isAbsent, ours, race, raceFresh, versus } from '../bench.js';
import type { Timing } from '../interleave.js';
import { writeMadeUp } from '../madeUpDataset.js';
import { type Row, timed } from '../report.js';
import { median, medianRatio, sameShare } from '../statistics.js';
import { sclipPlan } from './evaluate.js';

const cacheRow = 'evaluate/prefix-cache';
const workersRow = 'evaluate/workers';
const countRow = 'evaluate/images';
const memoryRow = 'evaluate/memory';

export const rows = [cacheRow, workersRow, countRow, memoryRow];

const measures: Readonly<Record<string, (bench: Bench) => Promise<Row>>> = {
  [cacheRow]: cached,
  [workersRow]: inWorkers,
  [countRow]: ofMany,
  [memoryRow]: memory,
};

export async function run(bench: Bench): Promise<void> {
  for (const row of rows) if (bench.wants(row)) bench.add(await measures[row]!(bench));
}

const photo = { kind: 'voc21', width: 500, height: 375 } as const;

/** A new attention over windows whose shared blocks another one has been over. */
async function cached(bench: Bench): Promise<Row> {
  const images = 4;
  const { spec } = await writeMadeUp(join(bench.folder, 'cached'), { ...photo, images });
  const plan = sclipPlan(bench, spec);
  const fill = plan.methods;
  const methods: MethodSpec[] = fill.map(method => ({ ...method, attention: 'qq' }));
  const kept = { ...plan, methods, prefixCache: { path: join(bench.folder, 'prefixes'), bytes: 2 ** 30 } };
  const { cache, pixels } = (await race(bench, {
    cache: ours({ task: 'evaluate', plan: kept, fill, looks: true }),
    pixels: ours({ task: 'evaluate', plan: { ...plan, methods }, looks: true }),
  })) as Record<'cache' | 'pixels', Timing>;
  return {
    ...timed(cacheRow, cache),
    ratio: medianRatio(cache.cpu, pixels.cpu),
    asked: 1 / 6,
    peer: 'from pixels',
    agreement: sameShare(cache.output, pixels.output, 0, images * photo.width * photo.height),
  };
}

/** By the clock: what matters of processes is how soon they are done. */
async function inWorkers(bench: Bench): Promise<Row> {
  const { spec } = await writeMadeUp(join(bench.folder, 'workers'), { ...photo, images: 12 });
  const plan = { ...sclipPlan(bench, spec), threads: 1, shardSize: 1 };
  const { two, one } = (await race(bench, {
    two: ours({ task: 'evaluate', plan, workers: 2 }),
    one: ours({ task: 'evaluate', plan, workers: 1 }),
  })) as Record<'two' | 'one', Timing>;
  const byTheClock = ({ wall, ...rest }: Timing): Timing => ({ ...rest, cpu: wall, wall });
  const terms = { peer: 'one worker', asked: 1 / 1.7, allowed: 0 };
  return { ...versus(workersRow, byTheClock(two), byTheClock(one), terms), note: 'by the clock' };
}

/** The embedded model: the less a network costs, the more shows of what is around it. */
const smallModel = fileURLToPath(new URL('../../../weights/scenes', import.meta.url));

/** Figures of one image, in a data set of many and of few. */
async function ofMany(bench: Bench): Promise<Row> {
  const counts = { many: 300, few: 10 };
  const { spec } = await writeMadeUp(join(bench.folder, 'many'), { ...photo, images: counts.many });
  const plan = { ...sclipPlan({ ...bench, model: smallModel }, spec), shardSize: 5 };
  const lane = (limit: number) => ours({ task: 'evaluate', plan: { ...plan, limit } });
  const timings = (await race(bench, { many: lane(counts.many), few: lane(counts.few) })) as Record<
    keyof typeof counts,
    Timing
  >;
  const perImage = (name: keyof typeof counts): Timing => {
    const { cpu, wall, output } = timings[name];
    const each = (times: readonly number[]) => times.map(time => time / counts[name]);
    return { cpu: each(cpu), wall: each(wall), output };
  };
  const [many, few] = [perImage('many'), perImage('few')];
  const ratio = medianRatio(many.cpu, few.cpu);
  return { ...timed(countRow, many), ratio, asked: 1.05, peer: `${counts.few} images`, note: `of ${counts.many}` };
}

/** What a run may take at most, in MB. */
const memoryLimit = 1500;

/** Large pictures of many classes, in a process of its own. */
async function memory(bench: Bench): Promise<Row> {
  const size = { width: 2048, height: 1024 };
  const { spec } = await writeMadeUp(join(bench.folder, 'large'), { kind: 'coco-stuff', images: 3, ...size });
  const plan: EvaluationPlan = sclipPlan(bench, spec);
  // Texts are encoded once and kept; that is not what is measured.
  const { peaks, timings } = await raceFresh(bench, { mine: ours({ task: 'evaluate', plan, fresh: true }) });
  if (isAbsent(timings.mine)) throw new Error(timings.mine.reason);
  const middle = median(peaks.mine) / 1e6;
  return {
    name: memoryRow,
    median: middle,
    min: Math.min(...peaks.mine) / 1e6,
    unit: 'MB',
    ratio: middle / memoryLimit,
    asked: 1,
    peer: `${memoryLimit} MB`,
    note: 'largest resident size, 171 classes at 2048 x 1024',
  };
}
