/** What a study is: what it wants to see, how it sums that up, and how it tells what it found. */
import type { TopLevelSpec } from 'vega-lite';
import type { Grid } from '../attention/attention.js';
import type { Score } from '../evaluate/table.js';
import type { ImageConfig } from '../model/config.js';
import type { GaugeName } from './gauges.js';
import type { Setting } from './settings.js';

/** What a study wants of every window. */
export interface Needs {
  /** Last blocks to be scored against the labels. */
  readonly scores?: readonly Setting[];
  /** What is measured of points of every block of plain CLIP: `{ attn_out: ['norms'] }`. */
  readonly gauges?: Readonly<Record<string, readonly GaugeName[]>>;
  /** Attentions whose output in the last block is measured by `norms`. */
  readonly attentions?: readonly string[];
}

/** One window, as plain CLIP sees it. */
export interface Look {
  /** The image's name in the data set. */
  readonly image: string;
  /** Which of the image's windows. */
  readonly window: number;
  readonly grid: Grid;
  /** What a gauge gave of a point, as `blocks.3.attn_out.norm`; of an attention in the last block, `last.qq.norm`. */
  values(name: string): Float32Array;
}

/** Scores of a last block. */
export interface SettingScores {
  readonly mIoU: Score;
  readonly mAcc: Score;
  readonly aAcc: Score;
}

/** Lists of rows, plain data. */
export type Tables = { readonly [list: string]: readonly object[] };

/** Sums windows up; holds nothing that grows with their number. */
export interface Reducer<T extends Tables> {
  add(look: Look): void;
  /** @param scoreOf of a setting that the study needs */
  tables(scoreOf: (setting: Setting) => SettingScores): T;
}

/** Rows that say which model they are of. */
export type OfModel<Row> = { readonly model: string } & Row;

/** Lists of several models. */
export type OfModels<T extends Tables> = { readonly [List in keyof T]: readonly OfModel<T[List][number]>[] };

/** A label map as a picture: its setting, and what it is called. */
export interface Pictured {
  readonly title: string;
  readonly setting: Setting;
}

/** A study. */
export interface Study<T extends Tables = Tables> {
  readonly name: string;
  /** What it looks at, in a few words. */
  readonly title: string;
  needs(config: ImageConfig): Needs;
  /** Label maps to draw of the first images. */
  readonly pictures?: readonly Pictured[];
  open(config: ImageConfig): Reducer<T>;
  plot(tables: OfModels<T>): TopLevelSpec;
  /** What the numbers show, from the numbers. */
  paragraph(tables: OfModels<T>): string;
}

/** The names of the models, in their order. */
export const modelsOf = (rows: readonly { readonly model: string }[]): string[] => [
  ...new Set(rows.map(({ model }) => model)),
];

/** `0 .. layers - 1`. */
export const blocksOf = ({ layers }: ImageConfig): number[] => Array.from({ length: layers }, (_, i) => i);
