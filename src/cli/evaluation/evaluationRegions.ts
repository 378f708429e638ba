/** `evaluate --task regions`. */
import { InputError, suggestion } from '../../errors.js';
import { checkLabels, plannedMethod } from '../../evaluate/methods/resolve.js';
import { isOnlyRegions, openRegions } from '../../evaluate/regions/openRegions.js';
import { regionAccuracy } from '../../evaluate/regions/regionAccuracy.js';
import { type Reading, type Rivals, readings } from '../../evaluate/regions/regionReader.js';
import {
  checkRegionReport,
  type RegionTable,
  regionHeadings,
  regionRows,
  regionSummary,
  writeRegionReport,
} from '../../evaluate/regions/regionReport.js';
import { regionPrompts, regionSize, usualMethod } from '../../evaluate/regions/settings.js';
import { checkWritable } from '../../files/atomic.js';
import { quoted } from '../../files/quote.js';
import type { Method } from '../../segment/methods.js';
import { versionsHere } from '../../train/runFile.js';
import type { CommonFlags } from '../flags.js';
import { modelFrom, withClip } from '../model.js';
import { print, withProgress } from '../output.js';
import { fulfilTexts, requestTexts, towersFor } from '../texts.js';
import { alignedRows, sayFailures } from './evaluationLines.js';
import { flagOf, type PlanFlags, specsFrom } from './evaluationPlan.js';

/** What may be evaluated. */
export const tasks = ['segmentation', 'regions'] as const;

/** What `evaluate` takes for regions beside the plan. */
export interface RegionFlags {
  task?: (typeof tasks)[number];
  size?: number;
  readings?: string;
  against?: Rivals;
  output?: string;
}

/** Whether the flags ask for regions, by name or by a data set that has nothing else. */
export const isForRegions = ({ task, dataset }: RegionFlags & PlanFlags): boolean =>
  task === undefined ? dataset !== undefined && isOnlyRegions(dataset) : task === 'regions';

/** @throws InputError for flags and data sets of regions where pixels are named */
export function refuseRegionFlags({ size, readings, against, dataset }: RegionFlags & PlanFlags): void {
  const [stray] = Object.entries({ size, readings, against }).filter(([, value]) => value !== undefined);
  if (stray) throw new InputError(`evaluate: ${flagOf(stray[0])} is for regions; add --task regions`);
  if (dataset !== undefined && isOnlyRegions(dataset)) {
    throw new InputError(`evaluate: ${quoted(dataset)} holds regions; say --task regions`);
  }
}

/** Flags of runs over many shards, and of pictures of pixels. */
const foreign = [
  ...['protocol', 'run', 'workers', 'queue', 'shardSize'],
  ...['prefixCache', 'prefixCacheSize', 'grid', 'check'],
];

/** Names the regions of a data set and prints how well. @throws InputError for flags that make no sense with regions */
export async function evaluateRegions(flags: CommonFlags & PlanFlags & RegionFlags): Promise<void> {
  const stray = Object.entries(flags).find(([name, value]) => value !== undefined && foreign.includes(name));
  if (stray) throw new InputError(`evaluate: ${flagOf(stray[0])} is not for regions; leave it out`);
  const { dataset: spec, classesFile, limit, against, quantize, output, model: name } = flags;
  if (spec === undefined) throw new InputError('evaluate: expected a data set of regions, --dataset KIND:PATH');
  const wanted = readingsFrom(flags.readings);
  if (output !== undefined) {
    checkRegionReport(output);
    checkWritable(output);
  }
  const specs = specsFrom(flags, usualMethod, usualMethod);
  checkLabels(specs);
  const dataset = openRegions(spec, classesFile);
  const model = modelFrom(flags);
  const { image } = model.config;
  if (!image) throw new InputError('evaluate: expected a model with an image tower; this one has none');
  const size = regionSize(image, dataset, flags.size);
  const methods: Method[] = [];
  for (const one of specs) methods.push(await plannedMethod(one, image));
  const request = await requestTexts(model, dataset.vocabulary.queries, regionPrompts(model), flags);
  const images = Math.min(limit ?? dataset.ids.length, dataset.ids.length);
  const [found, engine] = await withClip(flags, { towers: towersFor(request), runs: images }, async (clip, runner) => {
    const texts = await fulfilTexts(clip, runner, request, flags);
    const options = { methods, readings: wanted, size, texts, limit: images, ...(against && { against }) };
    const found = await withProgress('images', flags, onProgress =>
      regionAccuracy(clip, dataset, { ...options, onProgress }, runner),
    );
    return [found, runner.name] as const;
  });
  const table: RegionTable = {
    task: 'regions',
    dataset: { spec: dataset.spec, kind: dataset.kind, classes: dataset.classes },
    ...found,
    plan: {
      model: name,
      engine,
      ...(quantize !== undefined && { quantize }),
      ...(limit !== undefined && { limit }),
    },
    versions: versionsHere(),
  };
  print(flags, table, () => [...alignedRows([regionHeadings, ...regionRows(table)], 2), '', regionSummary(table)]);
  if (output !== undefined) writeRegionReport(output, table);
  sayFailures(table);
}

/** @throws InputError for other readings, or one that is named twice */
function readingsFrom(text?: string): readonly Reading[] {
  if (text === undefined) return readings;
  const names = text.split(',').map(name => name.trim());
  const wrong = names.find(name => !readings.some(known => known === name));
  if (wrong !== undefined) {
    throw new InputError(`--readings: no reading is called ${quoted(wrong)}${suggestion(wrong, readings)}`);
  }
  if (new Set(names).size < names.length) throw new InputError(`--readings: expected each once, got ${quoted(text)}`);
  return readings.filter(reading => names.includes(reading));
}
