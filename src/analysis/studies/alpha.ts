import type { Score } from '../../evaluate/table.js';
import { lineWithPoints, numbers, panelPage } from '../draw/panels.js';
import { best, percent, perModel } from '../draw/words.js';
import { type Alpha, alphaOf, type Setting } from '../settings.js';
import { modelsOf, type OfModels, type Study } from '../study.js';

/** A weight of the attention and what it scores. */
export interface AlphaScore {
  readonly alpha: Alpha;
  readonly ffn: 'on' | 'off';
  readonly mIoU: Score;
}

export interface AlphaTables {
  readonly [list: string]: readonly object[];
  readonly alphas: readonly AlphaScore[];
}

const settings: readonly Setting[] = [true, false].flatMap(ffn =>
  [0, 0.5, 1, 2, 4, 8, 16, Number.POSITIVE_INFINITY].map(alpha => ({ attention: 'qk', alpha, ffn })),
);

/**
 * mIoU as a function of alpha in `X_res + alpha X_attn`, in the last block with the trained attention (qk), with the
 * feed-forward layer and without. 1 is the block as trained; infinity is X_attn alone, 0 is X_res alone.
 */
export const alpha: Study<AlphaTables> = {
  name: 'alpha',
  title: 'The last block with X_res + alpha X_attn',
  needs: () => ({ scores: settings }),
  open: () => ({
    add() {},
    tables: scoreOf => ({
      alphas: settings.map(setting => ({
        alpha: alphaOf(setting),
        ffn: setting.ffn ? 'on' : 'off',
        mIoU: scoreOf(setting).mIoU,
      })),
    }),
  }),
  plot: ({ alphas }) =>
    panelPage(
      alpha.title,
      modelsOf(alphas).map(model => ({
        title: `${model}: attention qk`,
        values: alphas.flatMap(row =>
          row.model === model && row.mIoU !== null
            ? [{ ffn: row.ffn, at: row.alpha === 'inf' ? 'inf' : String(row.alpha), percent: 100 * row.mIoU }]
            : [],
        ),
        drawing: {
          mark: lineWithPoints,
          encoding: {
            x: { field: 'at', type: 'ordinal', title: 'alpha', sort: null, axis: { labelAngle: 0 } },
            y: numbers('percent', 'mIoU (%)'),
            color: {
              field: 'ffn',
              type: 'nominal',
              title: 'FFN',
              scale: { domain: ['on', 'off'], range: ['#0072b2', '#d55e00'] },
            },
          },
        },
      })),
      2,
    ),
  paragraph: tables => perModel(modelsOf(tables.alphas), model => say(model, tables)),
};

function say(model: string, { alphas }: OfModels<AlphaTables>): string {
  return (['on', 'off'] as const)
    .map(ffn => {
      const own = alphas.filter(row => row.model === model && row.ffn === ffn);
      const at = (value: Alpha) => percent(own.find(row => row.alpha === value)!.mIoU);
      const top = best(own, ({ mIoU }) => mIoU);
      const where = top ? `${percent(top.mIoU)} at alpha ${top.alpha === 'inf' ? 'infinity' : top.alpha}` : 'none';
      return (
        `${ffn === 'on' ? 'With' : 'Without'} the feed-forward layer mIoU is ${at(1)} at alpha 1, ${at(2)} at 2 and ` +
        `${at('inf')} with the attention alone; the highest is ${where}.`
      );
    })
    .join(' ');
}
