import { blockAxis, lineWithPoints, numbers, panelPage, termColour } from '../draw/panels.js';
import { figure, perModel } from '../draw/words.js';
import { entropyOf } from '../reduce/entropy.js';
import { blocksOf, modelsOf, type OfModels, type Study } from '../study.js';

/** How even a term of a block is. */
export interface TermEntropy {
  readonly block: number;
  readonly term: 'X_res' | 'X_attn' | 'X_sum';
  /** Mean over windows, 0 to 1. */
  readonly entropy: number;
}

export interface EntropyTables {
  readonly [list: string]: readonly object[];
  readonly blocks: readonly TermEntropy[];
}

const points = { X_res: 'resid_pre', X_attn: 'attn_out', X_sum: 'resid_mid' } as const;
const terms = Object.keys(points) as (keyof typeof points)[];

/**
 * How even the values of each block's terms are: the entropy of the softmax over all values of all patches, patches and
 * channels as one distribution, over the logarithm of their number. Near 1 no value stands out; near 0 few outweigh all.
 */
export const entropy: Study<EntropyTables> = {
  name: 'entropy',
  title: 'How even the values of each block are',
  needs: () => ({ gauges: Object.fromEntries(Object.values(points).map(point => [point, ['evenness' as const]])) }),
  open(config) {
    const sums = new Map<string, number>();
    let windows = 0;
    return {
      add({ values, grid }) {
        windows++;
        for (const i of blocksOf(config)) {
          for (const term of terms) {
            const part = (name: string) => values(`blocks.${i}.${points[term]}.${name}`);
            const parts = { largest: part('largest'), total: part('total'), weighted: part('weighted') };
            const found = entropyOf(parts, grid.rows * grid.columns * config.width);
            sums.set(`${term} ${i}`, (sums.get(`${term} ${i}`) ?? 0) + found);
          }
        }
      },
      tables: () => ({
        blocks: blocksOf(config).flatMap(block =>
          terms.map(term => ({ block, term, entropy: sums.get(`${term} ${block}`)! / windows })),
        ),
      }),
    };
  },
  plot: ({ blocks }) =>
    panelPage(
      entropy.title,
      modelsOf(blocks).map(model => ({
        title: model,
        values: blocks.filter(row => row.model === model),
        drawing: {
          mark: lineWithPoints,
          encoding: {
            x: blockAxis,
            y: numbers('entropy', 'normalised entropy', { scale: { domain: [0, 1] } }),
            color: termColour(terms),
          },
        },
      })),
      2,
    ),
  paragraph: tables => perModel(modelsOf(tables.blocks), model => say(model, tables)),
};

function say(model: string, { blocks }: OfModels<EntropyTables>): string {
  const own = (term: string) => blocks.filter(row => row.model === model && row.term === term);
  const [residual, attention] = [own('X_res'), own('X_attn')];
  const lowest = residual.reduce((low, row) => (row.entropy < low.entropy ? row : low));
  return (
    `The entropy of X_res goes from ${figure(residual[0]!.entropy)} at the first block to ` +
    `${figure(residual.at(-1)!.entropy)} at the last, lowest at block ${lowest.block} (${figure(lowest.entropy)}); ` +
    `that of X_attn from ${figure(attention[0]!.entropy)} to ${figure(attention.at(-1)!.entropy)}.`
  );
}
