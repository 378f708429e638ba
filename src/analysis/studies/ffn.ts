import type { Score } from '../../evaluate/table.js';
import { blockAxis, lineWithPoints, numbers, panelPage, termColour } from '../draw/panels.js';
import { best, percent, perModel } from '../draw/words.js';
import { angleOf } from '../reduce/angles.js';
import { meanOf } from '../reduce/averages.js';
import type { Setting } from '../settings.js';
import { blocksOf, modelsOf, type OfModels, type Study } from '../study.js';

/** How far a module's output points away from the final feature. */
export interface ModuleAngle {
  readonly block: number;
  readonly term: 'X_attn' | 'FFN';
  /** Mean angle in degrees between the class token's output and its final feature. */
  readonly classToken: number;
  /** The same from the patches' outputs to that final feature. */
  readonly patches: number;
}

/** A cell of the grid. */
export interface GridScore {
  readonly attention: string;
  readonly residual: 'on' | 'off';
  readonly ffn: 'on' | 'off';
  readonly mIoU: Score;
}

export interface FfnTables {
  readonly [list: string]: readonly object[];
  readonly angles: readonly ModuleAngle[];
  readonly grid: readonly GridScore[];
}

const points = { X_attn: 'attn_out', FFN: 'mlp_out' } as const;
const terms = ['X_attn', 'FFN'] as const;
const gridAttentions = ['qk', 'qq', 'kk', 'identity'];
const onOff = ['on', 'off'] as const;

const cells = gridAttentions.flatMap(attention =>
  onOff.flatMap(residual => onOff.map(ffn => ({ attention, residual, ffn }))),
);
const settingOf = ({ attention, residual, ffn }: Omit<GridScore, 'mIoU'>): Setting => ({
  attention,
  alpha: residual === 'on' ? 1 : Number.POSITIVE_INFINITY,
  ffn: ffn === 'on',
});

/**
 * Whether the feed-forward layer belongs to what CLIP says: the angle between each module's output, taken through the last
 * normalisation and the projection, and the class token's final feature (CLIP Surgery's measure, which ClearCLIP argues
 * from); and mIoU for attention x residual x feed-forward layer of the last block.
 */
export const ffn: Study<FfnTables> = {
  name: 'ffn',
  title: 'Feed-forward layers: where they point, and what the last block does without its parts',
  needs: () => ({ scores: cells.map(settingOf), gauges: { attn_out: ['angles'], mlp_out: ['angles'] } }),
  open(config) {
    const sums = new Map<string, { classToken: number; patches: number }>();
    let windows = 0;
    return {
      add({ values }) {
        windows++;
        for (const i of blocksOf(config)) {
          for (const term of terms) {
            const part = (name: string) => values(`blocks.${i}.${points[term]}.${name}`);
            const [apart, together] = [part('apart'), part('together')];
            const angles = Array.from(apart, (length, token) => angleOf(length, together[token]!));
            const sum = sums.get(`${term} ${i}`) ?? { classToken: 0, patches: 0 };
            sum.classToken += angles[0]!;
            sum.patches += meanOf(angles.slice(1));
            sums.set(`${term} ${i}`, sum);
          }
        }
      },
      tables: scoreOf => ({
        angles: blocksOf(config).flatMap(block =>
          terms.map(term => {
            const { classToken, patches } = sums.get(`${term} ${block}`)!;
            return { block, term, classToken: classToken / windows, patches: patches / windows };
          }),
        ),
        grid: cells.map(cell => ({ ...cell, mIoU: scoreOf(settingOf(cell)).mIoU })),
      }),
    };
  },
  plot: ({ angles, grid }) =>
    panelPage(
      ffn.title,
      modelsOf(angles).flatMap(model => [
        {
          title: `${model}: angle to the class feature`,
          values: angles.flatMap(({ classToken, patches, ...row }) =>
            row.model === model
              ? [
                  { ...row, of: 'class token', angle: classToken },
                  { ...row, of: 'patches', angle: patches },
                ]
              : [],
          ),
          drawing: {
            mark: lineWithPoints,
            encoding: {
              x: blockAxis,
              y: numbers('angle', 'angle (degrees)', { scale: { zero: false } }),
              color: termColour(terms),
              strokeDash: {
                field: 'of',
                type: 'nominal',
                title: null,
                scale: {
                  domain: ['class token', 'patches'],
                  range: [
                    [1, 0],
                    [6, 6],
                  ],
                },
                legend: { symbolType: 'stroke', symbolSize: 500 },
              },
            },
          },
        },
        { title: `${model}: mIoU (%) of the last block`, values: gridValues(model, grid), drawing: gridDrawing },
      ]),
      2,
    ),
  paragraph: tables => perModel(modelsOf(tables.angles), model => say(model, tables)),
};

const gridValues = (model: string, grid: OfModels<FfnTables>['grid']) =>
  grid.flatMap(row =>
    row.model === model && row.mIoU !== null
      ? [{ ...row, percent: 100 * row.mIoU, parts: `res. ${row.residual}, FFN ${row.ffn}` }]
      : [],
  );

const gridDrawing = {
  encoding: {
    x: {
      field: 'attention',
      type: 'nominal',
      title: 'attention',
      sort: null,
      axis: { labelAngle: 0, orient: 'bottom' },
    },
    y: { field: 'parts', type: 'nominal', title: 'residual, FFN', sort: null },
  },
  layer: [
    {
      mark: 'rect',
      encoding: {
        color: { ...numbers('percent', 'mIoU (%)'), scale: { range: ['#eef4fa', '#6aa5d8'] }, legend: null },
      },
    },
    {
      mark: { type: 'text', fontSize: 13 },
      encoding: { text: { field: 'percent', type: 'quantitative', format: '.1f' } },
    },
  ],
};

function say(model: string, { angles, grid }: OfModels<FfnTables>): string {
  const own = angles.filter(row => row.model === model);
  const end = Math.max(...own.map(({ block }) => block));
  const last = (term: ModuleAngle['term']) => own.find(row => row.block === end && row.term === term)!;
  const cell = (attention: string, residual: string, layer: string) =>
    grid.find(
      row => row.model === model && row.attention === attention && row.residual === residual && row.ffn === layer,
    )!.mIoU;
  const top = best(
    grid.filter(row => row.model === model),
    ({ mIoU }) => mIoU,
  );
  return (
    `In the last block the feed-forward layer's output stands at ${last('FFN').classToken.toFixed(0)} degrees to the ` +
    `final class feature for the class token and at ${last('FFN').patches.toFixed(0)} for patches; the attention's at ` +
    `${last('X_attn').classToken.toFixed(0)} and ${last('X_attn').patches.toFixed(0)}. ` +
    `With the trained attention (qk) mIoU is ${percent(cell('qk', 'on', 'on'))} as trained, ` +
    `${percent(cell('qk', 'on', 'off'))} without the feed-forward layer, ${percent(cell('qk', 'off', 'on'))} without the ` +
    `residual, and ${percent(cell('qk', 'off', 'off'))} without both. ` +
    (top
      ? `The best of the grid is ${percent(top.mIoU)}: attention ${top.attention}, residual ${top.residual}, ` +
        `feed-forward layer ${top.ffn}.`
      : 'Nothing in the grid has a score.')
  );
}
