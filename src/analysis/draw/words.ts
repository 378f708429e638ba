/** Numbers as paragraphs say them. */
import type { Score } from '../../evaluate/table.js';

/** A share in percent: `51.0 %`. */
export const percent = (share: Score): string => (share === null ? 'no score' : `${(100 * share).toFixed(1)} %`);

/** Three figures. */
export const figure = (value: number): string =>
  Number(value.toPrecision(3)).toLocaleString('en', { maximumSignificantDigits: 3, useGrouping: false });

/** The row whose number is largest; undefined where none has one. */
export function best<Row>(rows: readonly Row[], of: (row: Row) => number | null): Row | undefined {
  let found: { row: Row; value: number } | undefined;
  for (const row of rows) {
    const value = of(row);
    if (value !== null && !Number.isNaN(value) && (!found || value > found.value)) found = { row, value };
  }
  return found?.row;
}

/** One sentence or more a model, each with its name in front where there are several. */
export function perModel(models: readonly string[], say: (model: string) => string): string {
  return models.map(model => (models.length > 1 ? `${model}: ${say(model)}` : say(model))).join(' ');
}
