/** What reports are made from. */
import type { EvaluationTable, Score } from '../table.js';
import type { SettingNorms } from './norms.js';
import type { ReportImage } from './reportImage.js';

/** A table and what may be shown beside it. */
export interface Report {
  readonly table: EvaluationTable;
  /** Lengths of tokens in each method's last block. */
  readonly norms?: readonly SettingNorms[];
  /** Images that stand out, with every method's labels. */
  readonly images?: readonly ReportImage[];
}

/** A score in percent, two digits after the point as papers print it; a dash where there is none. */
export const percent = (score: Score): string => (score === null ? '–' : (100 * score).toFixed(2));

/** The constants of every method, by name, in the order of their records. */
export function settingsOf({ methods }: EvaluationTable): { name: string; values: string[] }[] {
  const flat = methods.map(({ record }) => new Map(flattened(record)));
  const names = [...new Set(flat.flatMap(settings => [...settings.keys()]))];
  return names.map(name => ({ name, values: flat.map(settings => settings.get(name) ?? '–') }));
}

/** Records one name deep, so that `protocol.pamr.steps` stands beside `wording`; lists stay on one line. */
function flattened(value: object, prefix = ''): [name: string, value: string][] {
  return Object.entries(value).flatMap(([key, inner]): [string, string][] => {
    if (inner === undefined) return [];
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner))
      return flattened(inner, `${prefix}${key}.`);
    return [[prefix + key, typeof inner === 'string' ? inner : JSON.stringify(inner)]];
  });
}

/** What the run was of: hashes, versions, files. */
export function provenanceOf({ dataset, images, plan, identity, versions }: EvaluationTable): [string, string][] {
  const { quantize, limit, prefixCache } = plan;
  return [
    ['data set', `${dataset.spec}: ${images} images, ${dataset.classes.length} classes`],
    ['hash of the data set', identity.dataset],
    ['model', plan.model],
    ['hash of the weights', identity.weights],
    ['engine', `${plan.engine}${quantize === undefined ? '' : `, linears in ${quantize}`}`],
    ...(limit === undefined ? [] : [['images asked for', `the first ${limit}`] as [string, string]]),
    ...(prefixCache
      ? [['prefix cache', `${prefixCache.path}, at most ${prefixCache.bytes} bytes`] as [string, string]]
      : []),
    ['hash of the plan', identity.hash],
    [
      'versions',
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    ],
  ];
}
