/** What an evaluation of regions found, for people and for programs. */
import { extname } from 'node:path';
import { InputError } from '../../errors.js';
import { writeAtomic } from '../../files/atomic.js';
import type { Runner } from '../../tensor/runner.js';
import type { EvaluationPlan } from '../plan.js';
import { grid } from '../report/markdown.js';
import { percent } from '../report/report.js';
import type { Versions } from '../table.js';
import type { MethodReadings, ReadingScores, RegionAccuracy } from './regionAccuracy.js';
import type { RegionDataset } from './regionDataset.js';

/** One evaluation of regions. */
export interface RegionTable extends RegionAccuracy {
  readonly task: 'regions';
  readonly dataset: Pick<RegionDataset, 'spec' | 'kind' | 'classes'>;
  readonly plan: Pick<EvaluationPlan, 'model' | 'quantize' | 'limit'> & { readonly engine: Runner['name'] };
  readonly versions: Versions;
}

/** Headings of `regionRows`. */
export const regionHeadings = [
  'method',
  'reading',
  'things mAcc1',
  'mAcc5',
  'top-1',
  'stuff mAcc1',
  'mAcc5',
  'top-1',
] as const;

/** A row a method and reading, in percent. What is read off crops is the same for all methods, and stands there once. */
export function regionRows({ methods }: Pick<RegionTable, 'methods'>): string[][] {
  const row = (name: string, reading: string, { thing, stuff }: ReadingScores) => [
    name,
    reading,
    ...[thing.macc1, thing.macc5, thing.top1, stuff.macc1, stuff.macc5, stuff.top1].map(percent),
  ];
  const maps = methods.flatMap(({ name, boxes, masks }: MethodReadings) => [
    ...(boxes ? [row(name, 'boxes', boxes)] : []),
    ...(masks ? [row(name, 'masks', masks)] : []),
  ]);
  const crops = methods[0]?.crops;
  return [...maps, ...(crops ? [row('image tower', 'crops', crops)] : [])];
}

/** What was named, and how, in one line. */
export function regionSummary({ dataset, images, regions, size, against }: RegionTable): string {
  const things = dataset.classes.filter(({ thing }) => thing).length;
  const stuff = dataset.classes.length - things;
  return [
    `${dataset.spec}: ${images} images padded to ${size} pixels`,
    `${regions.thing} things of ${things} classes`,
    `${regions.stuff} regions of stuff of ${stuff}`,
    `each ${against === 'all' ? 'against all classes' : 'against classes of its kind'}`,
  ].join(', ');
}

const writers: Readonly<Record<string, (table: RegionTable) => string>> = {
  '.md': regionMarkdown,
  '.json': table => `${JSON.stringify(table, null, 2)}\n`,
};

/** @throws InputError for a path that ends in nothing that a report of regions is written as */
export function checkRegionReport(path: string): void {
  const extension = extname(path).toLowerCase();
  if (Object.hasOwn(writers, extension)) return;
  const known = Object.keys(writers).join(', ');
  throw new InputError(
    `${path}: expected a name that ends in ${known} for regions, got ${extension || 'no extension'}`,
  );
}

/** Writes a report, whole or not at all. @throws InputError as `checkRegionReport` and `writeAtomic` */
export function writeRegionReport(path: string, table: RegionTable): void {
  checkRegionReport(path);
  writeAtomic(path, Buffer.from(writers[extname(path).toLowerCase()]!(table)));
}

function regionMarkdown(table: RegionTable): string {
  const { plan, failures, versions } = table;
  const { model, engine, quantize, limit } = plan;
  const run = {
    'data set': regionSummary(table),
    model,
    engine,
    ...(quantize && { quantize }),
    ...(limit && { limit }),
    ...versions,
  };
  return [
    '# Regions',
    grid(regionHeadings, regionRows(table)),
    ...(failures.length === 0
      ? []
      : [
          grid(
            ['image that does not count', 'why'],
            failures.map(({ id, failure }) => [id, failure]),
          ),
        ]),
    grid(
      ['', ''],
      Object.entries(run).map(([name, value]) => [name, String(value)]),
    ),
    '',
  ].join('\n\n');
}
