import { blockAxis, lineWithPoints, numbers, panelPage } from '../draw/panels.js';
import { best, figure, percent, perModel } from '../draw/words.js';
import { medianOf } from '../reduce/averages.js';
import { outlierPlaces, outlierRule } from '../reduce/outliers.js';
import { blocksOf, modelsOf, type OfModels, type Study } from '../study.js';

/** Outliers among what leaves a block. */
export interface BlockOutliers {
  readonly block: number;
  /** Patches that are outliers, of all, 0 to 1. */
  readonly patches: number;
  /** Windows with at least one, of all, 0 to 1. */
  readonly windows: number;
  /** Mean over windows of the longest patch over the median one. */
  readonly longest: number;
}

/** An outlier in what leaves the last block but one: what the last block is given. */
export interface OutlierToken {
  readonly image: string;
  readonly window: number;
  readonly row: number;
  readonly column: number;
  readonly norm: number;
  /** The median norm of its window's patches. */
  readonly median: number;
}

export interface OutlierTables {
  readonly [list: string]: readonly object[];
  readonly blocks: readonly BlockOutliers[];
  readonly tokens: readonly OutlierToken[];
}

/** Tokens that are listed one by one; all are counted. */
const listed = 200;

/**
 * Patches whose vectors are far longer than the others of their window, which large ViTs use as registers (Darcet et al.
 * 2024): the L2 norm of what leaves each block, by `outlierRule`. The first 200 that enter the last block are listed with
 * their places.
 */
export const outliers: Study<OutlierTables> = {
  name: 'outliers',
  title: 'Patches far longer than the others',
  needs: () => ({ gauges: { resid_post: ['norms'] } }),
  open(config) {
    const sums = blocksOf(config).map(() => ({ found: 0, patches: 0, windows: 0, longest: 0 }));
    const tokens: OutlierToken[] = [];
    let seen = 0;
    return {
      add({ image, window, grid, values }) {
        seen++;
        for (const i of blocksOf(config)) {
          const norms = values(`blocks.${i}.resid_post.norm`);
          const [places, median, sum] = [outlierPlaces(norms), medianOf(norms), sums[i]!];
          sum.found += places.length;
          sum.patches += norms.length;
          sum.windows += places.length > 0 ? 1 : 0;
          sum.longest += norms.reduce((a, b) => Math.max(a, b)) / median;
          if (i !== config.layers - 2) continue;
          for (const place of places.slice(0, listed - tokens.length)) {
            const [row, column] = [Math.floor(place / grid.columns), place % grid.columns];
            tokens.push({ image, window, row, column, norm: norms[place]!, median });
          }
        }
      },
      tables: () => ({
        blocks: sums.map(({ found, patches, windows, longest }, block) => ({
          block,
          patches: found / patches,
          windows: windows / seen,
          longest: longest / seen,
        })),
        tokens,
      }),
    };
  },
  plot: ({ blocks }) =>
    panelPage(
      outliers.title,
      modelsOf(blocks).flatMap(model => {
        // Without any, the axis still has a length.
        const most = Math.max(...blocks.map(row => 100 * row.patches)) || 1;
        const values = blocks.flatMap(row => (row.model === model ? [{ ...row, percent: 100 * row.patches }] : []));
        return [
          {
            title: `${model}: outliers`,
            values,
            drawing: {
              mark: 'bar',
              encoding: {
                x: { field: 'block', type: 'ordinal', title: 'block', axis: { labelAngle: 0, labelOverlap: true } },
                y: numbers('percent', 'patches (%)', { scale: { domain: [0, most] } }),
              },
            },
          },
          {
            title: `${model}: the longest patch`,
            values,
            drawing: {
              mark: lineWithPoints,
              encoding: {
                x: blockAxis,
                y: numbers('longest', 'norm / median norm', { scale: { zero: false } }),
              },
            },
          },
        ];
      }),
      2,
    ),
  paragraph: tables => perModel(modelsOf(tables.blocks), model => say(model, tables)),
};

function say(model: string, { blocks }: OfModels<OutlierTables>): string {
  const own = blocks.filter(row => row.model === model);
  const most = best(own, ({ patches }) => patches)!;
  const end = own.at(-1)!;
  const rule = `norm above ${outlierRule.factor} times the median and a modified z-score above ${outlierRule.score}`;
  return most.patches === 0
    ? `No patch of any block is an outlier (${rule}); the longest patch is ${figure(end.longest)} times the median after the last block.`
    : `Outliers (${rule}) are most frequent after block ${most.block}: ${percent(most.patches)} of the patches, in ` +
        `${percent(most.windows)} of the windows, the longest patch ${figure(most.longest)} times the median; after the ` +
        `last block ${percent(end.patches)}.`;
}
