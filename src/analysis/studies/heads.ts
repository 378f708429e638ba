import type { Grid } from '../../attention/attention.js';
import { blockAxis, numbers, panelPage } from '../draw/panels.js';
import { best, figure, percent, perModel } from '../draw/words.js';
import { meanOf } from '../reduce/averages.js';
import { patchDistances } from '../reduce/heads.js';
import { blocksOf, modelsOf, type OfModels, type Study } from '../study.js';

/** Where a head's patches look, as means over patches and windows. */
export interface HeadRow {
  readonly block: number;
  readonly head: number;
  /** How far a patch looks, in patches. */
  readonly distance: number;
  /** The same in pixels of the model's input. */
  readonly pixels: number;
  /** How evenly it looks at all tokens, 0 to 1. */
  readonly entropy: number;
  /** How much of its look goes to the class token, 0 to 1. */
  readonly classToken: number;
}

/** What the same measures would be of a head that looks everywhere alike. */
export interface EvenHead {
  readonly distance: number;
  readonly pixels: number;
  readonly classToken: number;
}

export interface HeadTables {
  readonly [list: string]: readonly object[];
  readonly heads: readonly HeadRow[];
  readonly even: readonly EvenHead[];
}

/**
 * How far, how evenly and how much at the class token the patches look, for every head of every block of plain CLIP: mean
 * attention distance of Dosovitskiy et al. 2021, and the entropy of the attention over the logarithm of the tokens.
 */
export const heads: Study<HeadTables> = {
  name: 'heads',
  title: 'Where each head looks (a dot a head; dashed: everywhere alike)',
  needs: () => ({ gauges: { 'attn.pattern': ['heads'] } }),
  open(config) {
    const { heads: count, layers, patch } = config;
    const sums = Array.from({ length: layers * count }, () => ({ distance: 0, entropy: 0, classToken: 0 }));
    const even = { distance: 0, classToken: 0 };
    let known: { readonly grid: Grid; readonly distance: number } | undefined;
    let windows = 0;
    return {
      add({ grid, values }) {
        windows++;
        if (known?.grid.rows !== grid.rows || known.grid.columns !== grid.columns) {
          known = { grid, distance: meanOf(patchDistances(grid)) };
        }
        even.distance += known.distance;
        even.classToken += 1 / (1 + grid.rows * grid.columns);
        for (const i of blocksOf(config)) {
          for (const part of ['distance', 'entropy', 'classToken'] as const) {
            values(`blocks.${i}.attn.pattern.${part}`).forEach((value, h) => {
              sums[i * count + h]![part] += value;
            });
          }
        }
      },
      tables: () => ({
        heads: sums.map(({ distance, entropy, classToken }, at) => ({
          block: Math.floor(at / count),
          head: at % count,
          distance: distance / windows,
          pixels: (patch * distance) / windows,
          entropy: entropy / windows,
          classToken: classToken / windows,
        })),
        even: [
          {
            distance: even.distance / windows,
            pixels: (patch * even.distance) / windows,
            classToken: even.classToken / windows,
          },
        ],
      }),
    };
  },
  plot: ({ heads: rows, even }) =>
    panelPage(
      heads.title,
      modelsOf(rows).flatMap(model => {
        const values = rows.filter(row => row.model === model);
        const level = even.find(row => row.model === model)!.distance;
        const dots = (y: object) => ({
          mark: { type: 'point', filled: true, size: 44, opacity: 0.7 },
          encoding: { x: blockAxis, y },
        });
        const line = (y: number) => ({
          mark: { type: 'rule', strokeDash: [5, 4], color: '#777777' },
          encoding: { y: { datum: y } },
        });
        return [
          {
            title: `${model}: distance`,
            values,
            drawing: { layer: [dots(numbers('distance', 'distance (patches)')), line(level)] },
          },
          {
            title: `${model}: entropy`,
            values,
            drawing: dots(numbers('entropy', 'normalised entropy', { scale: { domain: [0, 1] } })),
          },
          {
            title: `${model}: class token`,
            values: values.map(row => ({ ...row, percent: 100 * row.classToken })),
            drawing: dots(numbers('percent', 'attention to it (%)')),
          },
        ].map(panel => ({ ...panel, width: 300 }));
      }),
      3,
    ),
  paragraph: tables => perModel(modelsOf(tables.heads), model => say(model, tables)),
};

function say(model: string, { heads: rows, even }: OfModels<HeadTables>): string {
  const own = rows.filter(row => row.model === model);
  const level = even.find(row => row.model === model)!;
  const end = Math.max(...own.map(({ block }) => block));
  const mean = (block: number, of: (row: HeadRow) => number) => meanOf(own.filter(row => row.block === block).map(of));
  const nearest = best(own, ({ distance }) => -distance)!;
  const drawn = best(own, ({ classToken }) => classToken)!;
  return (
    `A patch looks ${figure(mean(0, row => row.distance))} patches far on average in the first block and ` +
    `${figure(mean(end, row => row.distance))} in the last (${figure(mean(end, row => row.pixels))} pixels; looking ` +
    `everywhere alike would be ${figure(level.distance)}). The nearest-sighted head is ${nearest.head} of block ` +
    `${nearest.block} (${figure(nearest.distance)} patches). Entropy goes from ${figure(mean(0, row => row.entropy))} to ` +
    `${figure(mean(end, row => row.entropy))}. The class token gets most from head ${drawn.head} of block ` +
    `${drawn.block}: ${percent(drawn.classToken)} of the attention.`
  );
}
