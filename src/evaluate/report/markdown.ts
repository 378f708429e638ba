/** A report as Markdown, for a README or an issue. */
import { printable } from '../../files/quote.js';
import { percent, provenanceOf, type Report, settingsOf } from './report.js';

/** A report's tables: scores, IoU per class, constants, norms, failures, and what the run was of. */
export function reportMarkdown({ table, norms = [] }: Report): string {
  const { dataset, methods, failures } = table;
  const names = methods.map(({ name }) => name);
  const rows = methods.map(({ name, mIoU, interval, mAcc, aAcc, boundaryIoU }) => [
    name,
    percent(mIoU),
    interval.map(percent).join(' to '),
    ...[mAcc, aAcc, boundaryIoU].map(percent),
  ]);
  const perClass = dataset.classes.map((label, c) => [
    label,
    ...methods.map(({ perClass }) => percent(perClass[c]!.iou)),
  ]);
  const lengths = norms.map(({ name, residual, attention }) => [name, residual.toFixed(2), attention.toFixed(2)]);
  return [
    `# ${escaped(dataset.spec)}`,
    grid(['method', 'mIoU', '95 % interval', 'mAcc', 'aAcc', 'boundary IoU'], rows),
    '## IoU per class',
    grid(['class', ...names], perClass),
    '## Constants',
    grid(
      ['', ...names],
      settingsOf(table).map(({ name, values }) => [name, ...values]),
    ),
    ...(norms.length === 0 ? [] : ['## Norms', grid(['method', 'residual', 'attention'], lengths)]),
    ...(failures.length === 0
      ? []
      : [
          '## Images that do not count',
          grid(
            ['image', 'why'],
            failures.map(({ id, failure }) => [id, failure]),
          ),
        ]),
    '## Run',
    grid(['', ''], provenanceOf(table)),
    '',
  ].join('\n\n');
}

/** A table whose first column is text and whose others are figures. */
export function grid(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(' | ')} |`;
  return [line(headings), `|${headings.map((_, i) => (i === 0 ? '---' : '--:')).join('|')}|`, ...rows.map(line)].join(
    '\n',
  );
}

/** Nothing of it is markup, a link or the end of a cell. */
const escaped = (text: string): string =>
  printable(text)
    .replace(/[&<>]/g, character => `&#${character.charCodeAt(0)};`)
    .replace(/[\\`*_{}[\]()#+!|~:@]/g, '\\$&');
