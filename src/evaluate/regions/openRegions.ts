/** Data sets of regions by their specification. */
import { InputError, suggestion } from '../../errors.js';
import { printable, quoted } from '../../files/quote.js';
import { classesFrom } from '../datasets/classNames.js';
import { parseScenes } from '../datasets/scenes.js';
import { openPanoptic } from './panoptic.js';
import type { RegionDataset } from './regionDataset.js';
import { sceneRegions } from './scenes.js';

const kinds = ['coco-panoptic', 'scenes'] as const;

/** Whether a specification is that of regions and nothing else. */
export const isOnlyRegions = (spec: string): boolean => /^coco-panoptic(?::|$)/.test(spec);

/**
 * Opens `coco-panoptic:DIR` (see `openPanoptic`) or `scenes:n=N,…`, with the settings that `openDataset` takes.
 * @param classesFile names to ask for in place of the data set's, a class a line
 * @throws InputError for another kind, and as these do
 */
export function openRegions(spec: string, classesFile?: string): RegionDataset {
  const dataset = opened(spec);
  if (classesFile === undefined) return dataset;
  return { ...dataset, vocabulary: classesFrom(classesFile, dataset.classes.length, printable(spec)) };
}

function opened(spec: string): RegionDataset {
  const [kind, ...rest] = spec.split(':');
  const settings = rest.join(':');
  if (kind === 'coco-panoptic') return openPanoptic(spec, settings);
  if (kind === 'scenes') {
    const { seed, count, classes, scenes } = parseScenes(printable(spec), settings);
    return sceneRegions({ seed, count }, { classes, scenes, spec });
  }
  throw new InputError(`regions: expected a data set of regions, got ${quoted(spec)}${suggestion(kind ?? '', kinds)}`);
}
