import { attentions } from '../../attention/index.js';
import type { Score } from '../../evaluate/table.js';
import { blockAxis, lineWithPoints, numbers, panelPage, termColour } from '../draw/panels.js';
import { best, figure, percent, perModel } from '../draw/words.js';
import { meanOf } from '../reduce/averages.js';
import { trained } from '../settings.js';
import { blocksOf, modelsOf, type OfModels, type Study } from '../study.js';

/** A term of a block and how long its tokens are. */
export interface TermNorm {
  readonly block: number;
  readonly term: 'X_res' | 'X_attn' | 'X_sum' | 'FFN';
  /** Mean L2 norm over patches. */
  readonly norm: number;
}

/** An attention in the last block. */
export interface AttentionNorm {
  readonly attention: string;
  /** Mean L2 norms over patches. */
  readonly X_res: number;
  readonly X_attn: number;
  /** With the residual and the feed-forward layer as trained. */
  readonly mIoU: Score;
}

export interface NormTables {
  readonly [list: string]: readonly object[];
  readonly blocks: readonly TermNorm[];
  readonly attentions: readonly AttentionNorm[];
}

const points = { X_res: 'resid_pre', X_attn: 'attn_out', X_sum: 'resid_mid', FFN: 'mlp_out' } as const;
const terms = Object.keys(points) as (keyof typeof points)[];
const names = Object.keys(attentions);

/**
 * ClearCLIP's first figure: how long X_res and X_attn are in the last block, for each attention put there, beside the mIoU
 * it gives with the block's residual and feed-forward layer as trained; and all terms of every block as trained. The norm
 * is the L2 norm of a patch's vector, averaged over patches and windows.
 */
export const norms: Study<NormTables> = {
  name: 'norms',
  title: 'Lengths of what each block adds up',
  needs: () => ({
    scores: names.map(attention => ({ ...trained, attention })),
    gauges: Object.fromEntries(Object.values(points).map(point => [point, ['norms' as const]])),
    attentions: names,
  }),
  open(config) {
    const { layers } = config;
    const sums = new Map<string, number>();
    let windows = 0;
    const add = (name: string, values: ArrayLike<number>) => sums.set(name, (sums.get(name) ?? 0) + meanOf(values));
    const mean = (name: string) => sums.get(name)! / windows;
    return {
      add({ values }) {
        windows++;
        for (const i of blocksOf(config)) {
          for (const term of terms) add(`${term} ${i}`, values(`blocks.${i}.${points[term]}.norm`));
        }
        for (const name of names) add(name, values(`last.${name}.norm`));
      },
      tables: scoreOf => ({
        blocks: blocksOf(config).flatMap(block => terms.map(term => ({ block, term, norm: mean(`${term} ${block}`) }))),
        attentions: names.map(attention => ({
          attention,
          X_res: mean(`X_res ${layers - 1}`),
          X_attn: mean(attention),
          mIoU: scoreOf({ ...trained, attention }).mIoU,
        })),
      }),
    };
  },
  plot: ({ blocks, attentions: last }) =>
    panelPage(
      norms.title,
      modelsOf(blocks).flatMap(model => [
        {
          title: `${model}: every block, as trained`,
          values: blocks.filter(row => row.model === model),
          drawing: {
            mark: lineWithPoints,
            encoding: { x: blockAxis, y: numbers('norm', 'mean L2 norm of a patch'), color: termColour(terms) },
          },
        },
        {
          title: `${model}: the last block, by attention`,
          values: last.filter(row => row.model === model),
          drawing: attentionDrawing,
        },
      ]),
      2,
    ),
  paragraph: tables => perModel(modelsOf(tables.blocks), model => say(model, tables)),
};

const attentionX = { field: 'attention', type: 'nominal', title: 'attention', sort: null, axis: { labelAngle: 0 } };

const attentionDrawing = {
  layer: [
    {
      transform: [{ fold: ['X_res', 'X_attn'], as: ['term', 'norm'] }],
      mark: 'bar',
      encoding: {
        x: attentionX,
        xOffset: { field: 'term', sort: ['X_res', 'X_attn'] },
        y: numbers('norm', 'mean L2 norm of a patch'),
        color: termColour(['X_res', 'X_attn']),
      },
    },
    {
      transform: [{ calculate: '100 * datum.mIoU', as: 'percent' }],
      mark: { type: 'line', color: '#222222', point: { filled: true, color: '#222222', size: 40 } },
      encoding: {
        x: attentionX,
        y: numbers('percent', 'line: mIoU (%)', { scale: { zero: true }, axis: { grid: false } }),
      },
    },
  ],
  resolve: { scale: { y: 'independent' } },
};

function say(model: string, { blocks, attentions: last }: OfModels<NormTables>): string {
  const own = last.filter(row => row.model === model);
  const qk = own.find(({ attention }) => attention === 'qk')!;
  const top = best(own, ({ mIoU }) => mIoU);
  const longest = best(own, ({ X_attn }) => X_attn)!;
  const residuals = blocks.filter(row => row.model === model && row.term === 'X_res');
  const [first, end] = [residuals[0]!, residuals.at(-1)!];
  const together = rankCorrelation(
    own.map(({ X_attn }) => X_attn),
    own.map(({ mIoU }) => mIoU ?? 0),
  );
  return (
    `X_res grows from ${figure(first.norm)} at block ${first.block} to ${figure(end.norm)} at block ${end.block}, ` +
    `where the trained attention (qk) adds ${figure(qk.X_attn)}: ${figure(qk.X_attn / qk.X_res)} times as much. ` +
    `X_attn is longest with ${longest.attention} (${figure(longest.X_attn)}); ` +
    `mIoU is highest with ${top ? `${top.attention} (${percent(top.mIoU)}, qk: ${percent(qk.mIoU)})` : 'none'}. ` +
    `Over the ${own.length} attentions, the length of X_attn and mIoU ${
      Math.abs(together) < 0.3 ? 'hardly go together' : together > 0 ? 'rise together' : 'go against each other'
    } (rank correlation ${together.toFixed(2)}).`
  );
}

/** Spearman's, ties sharing their mean rank; 0 where one side is all ties. */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [ranks(a), ranks(b)];
  const middle = (a.length - 1) / 2;
  const covariance = (p: readonly number[], q: readonly number[]) =>
    p.reduce((sum, rank, i) => sum + (rank - middle) * (q[i]! - middle), 0);
  const spread = Math.sqrt(covariance(x, x) * covariance(y, y));
  return spread === 0 ? 0 : covariance(x, y) / spread;
}

const ranks = (values: readonly number[]): number[] =>
  values.map(value => {
    const below = values.filter(other => other < value).length;
    const same = values.filter(other => other === value).length;
    return below + (same - 1) / 2;
  });
