import type { Score } from '../../evaluate/table.js';
import { numbers, panelPage, termColour } from '../draw/panels.js';
import { percent, perModel } from '../draw/words.js';
import { type Setting, trained } from '../settings.js';
import { modelsOf, type OfModels, type Study } from '../study.js';

/** What the labels are made from. */
export type Part = 'X_res' | 'X_attn' | 'X_sum' | 'X_out';

/** A part and what it scores. */
export interface PartScore {
  readonly term: Part;
  readonly mIoU: Score;
  readonly mAcc: Score;
  readonly aAcc: Score;
}

export interface PartTables {
  readonly [list: string]: readonly object[];
  readonly parts: readonly PartScore[];
}

const settings: Readonly<Record<Part, Setting>> = {
  X_res: { attention: 'qk', alpha: 0, ffn: false },
  X_attn: { attention: 'qk', alpha: Number.POSITIVE_INFINITY, ffn: false },
  X_sum: { attention: 'qk', alpha: 1, ffn: false },
  X_out: trained,
};
const terms = Object.keys(settings) as Part[];

/**
 * Which term of the last block carries the result: labels from X_res, X_attn and X_sum alone, each through the last
 * normalisation and the projection, with the trained attention (qk) and no feed-forward layer; and from X_out, plain CLIP.
 */
export const parts: Study<PartTables> = {
  name: 'parts',
  title: 'What the terms of the last block say alone',
  needs: () => ({ scores: Object.values(settings) }),
  pictures: terms.map(title => ({ title, setting: settings[title] })),
  open: () => ({
    add() {},
    tables: scoreOf => ({ parts: terms.map(term => ({ term, ...scoreOf(settings[term]) })) }),
  }),
  plot: ({ parts: rows }) =>
    panelPage(
      parts.title,
      modelsOf(rows).map(model => ({
        title: `${model}: the last block, attention qk`,
        values: rows.flatMap(({ mIoU, ...row }) =>
          row.model === model ? [{ ...row, percent: 100 * (mIoU ?? 0) }] : [],
        ),
        drawing: {
          encoding: {
            x: { field: 'term', type: 'nominal', title: 'labels from', sort: terms, axis: { labelAngle: 0 } },
            y: numbers('percent', 'mIoU (%)'),
          },
          layer: [
            { mark: 'bar', encoding: { color: { ...termColour(terms), legend: null } } },
            {
              mark: { type: 'text', dy: -8, fontSize: 12 },
              encoding: { text: { field: 'percent', type: 'quantitative', format: '.1f' } },
            },
          ],
        },
      })),
      2,
    ),
  paragraph: tables => perModel(modelsOf(tables.parts), model => say(model, tables)),
};

function say(model: string, { parts: rows }: OfModels<PartTables>): string {
  const score = (term: Part) => rows.find(row => row.model === model && row.term === term)!.mIoU;
  const [residual, attention, sum, out] = terms.map(score) as [Score, Score, Score, Score];
  const gain = (attention ?? 0) - (sum ?? 0);
  return (
    `From X_attn alone the labels reach ${percent(attention)} mIoU, from X_res alone ${percent(residual)}, ` +
    `from their sum ${percent(sum)}, and with the feed-forward layer, as CLIP was trained, ${percent(out)}. ` +
    `Taking the residual away ${gain >= 0 ? 'gains' : 'costs'} ${Math.abs(100 * gain).toFixed(1)} points.`
  );
}
