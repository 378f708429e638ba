import { InputError } from '../../errors.js';
import { percent } from '../../evaluate/report/report.js';
import type { EvaluationTable, TableMethod } from '../../evaluate/table.js';

/** A table for a terminal: a row a method, and below it whose constants each ran with. */
export function tableLines({ dataset, images, methods }: EvaluationTable): string[] {
  const head = ['method', 'mIoU', '95 % interval', 'mAcc', 'aAcc', 'boundary'];
  const rows = methods.map(({ name, mIoU, interval, mAcc, aAcc, boundaryIoU }) => [
    name,
    percent(mIoU),
    interval.map(percent).join(' to '),
    ...[mAcc, aAcc, boundaryIoU].map(percent),
  ]);
  return [
    ...alignedRows([head, ...rows], 1),
    '',
    `${dataset.spec}: ${images} images, ${dataset.classes.length} classes`,
    ...settings(methods),
  ];
}

/** Rows under each other, the first columns of words, the others of figures. */
export function alignedRows(rows: readonly (readonly string[])[], words: number): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)));
  return rows.map(row =>
    row.map((cell, i) => (i < words ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
  );
}

/** @throws InputError where images do not count */
export function sayFailures({ failures, images }: Pick<EvaluationTable, 'failures' | 'images'>): void {
  if (failures.length === 0) return;
  const some = failures.slice(0, 3).map(({ failure }) => failure);
  const more = failures.length > 3 ? `; and ${failures.length - 3} more` : '';
  const count = `${failures.length} of ${images + failures.length} images`;
  throw new InputError(`evaluate: the table leaves out ${count}: ${some.join('; ')}${more}`);
}

/** What methods ran with, those with the same in one line. */
function settings(methods: readonly TableMethod[]): string[] {
  const sharing = new Map<string, string[]>();
  for (const { name, record } of methods) {
    const line = constants(record);
    sharing.set(line, [...(sharing.get(line) ?? []), name]);
  }
  const named = (names: string[]) => (sharing.size === 1 && names.length > 3 ? 'all methods' : names.join(', '));
  return [...sharing].map(([line, names]) => `${named(names)}: ${line}`);
}

/** The constants that decide most, in one line. */
function constants({ protocol, wording, templates }: TableMethod['record']): string {
  const { window, stride, shortSide, scale, probThreshold, areaThreshold, pamr, source } = protocol;
  const parts = [
    `short side ${shortSide}`,
    window > 0 ? `windows ${window}/${stride}` : 'whole images',
    `scale ${scale}`,
    ...(probThreshold > 0 ? [`threshold ${probThreshold}`] : []),
    ...(areaThreshold > 0 ? [`area ${areaThreshold}`] : []),
    ...(pamr.steps > 0 ? [`PAMR ${pamr.steps}`] : []),
    `prompts ${typeof templates === 'string' ? templates : 'of the model'}`,
    wording === 'folder' || wording === 'user' ? `names of the ${wording}` : `names as ${wording}`,
  ];
  return `${parts.join(', ')}; ${source}`;
}
