/** Conclusions as files: what to read, what to look at, what to compute with. */
import { join } from 'node:path';
import { writeAtomic } from '../files/atomic.js';
import { makeFolder } from '../files/folder.js';
import { printable } from '../files/quote.js';
import { writePicture } from '../image/encode.js';
import type { Conclusion } from './conclude.js';
import { drawPlot } from './draw/plot.js';
import type { Measured } from './measure.js';

/** Rows of a list that are shown; the rest is in the JSON file. */
const shownRows = 60;

/** Rows as text, their columns' names first: numbers with four figures, `-` where there is none. */
export function textRows(rows: readonly object[]): string[][] {
  const [first] = rows;
  if (!first) return [];
  return [Object.keys(first), ...rows.map(row => Object.values(row).map(cell))];
}

function cell(value: unknown): string {
  if (value === null || Number.isNaN(value)) return '-';
  return String(typeof value === 'number' ? Number(value.toPrecision(Number.isInteger(value) ? 15 : 4)) : value);
}

/** A list of a conclusion as text, and how many rows were left out. */
export function shownTable(rows: readonly object[]): { lines: string[][]; more: number } {
  return { lines: textRows(rows.slice(0, shownRows)), more: Math.max(0, rows.length - shownRows) };
}

/**
 * Writes `NAME.svg`, `NAME.png` and `NAME.json` of every study, its label maps where it has some (`NAME-MODEL.png`),
 * and `report.md` over all of them, into a folder that is made where it is not there.
 * @returns the files, `report.md` first
 * @throws InputError when the folder cannot be made or written to
 */
export async function writeStudies(
  folder: string,
  conclusions: readonly Conclusion[],
  measured: readonly Measured[],
): Promise<string[]> {
  makeFolder(folder);
  const sections: string[] = [];
  const files: string[] = [];
  const fileNamed = (name: string) => {
    files.push(join(folder, name));
    return files.at(-1)!;
  };
  for (const { study, title, tables, plot, paragraph } of conclusions) {
    const { svg, picture } = await drawPlot(plot);
    writeAtomic(fileNamed(`${study}.svg`), Buffer.from(svg));
    await writePicture(fileNamed(`${study}.png`), picture);
    const record = { study, title, paragraph, tables, models: measured.map(described) };
    writeAtomic(fileNamed(`${study}.json`), Buffer.from(`${JSON.stringify(record, null, 1)}\n`));
    const maps: string[] = [];
    for (const { model, pictures } of measured) {
      const drawn = pictures[study];
      if (!drawn) continue;
      const name = `${study}-${model.replace(/[^\w.-]+/g, '-')}.png`;
      await writePicture(fileNamed(name), drawn);
      maps.push(`![Label maps of ${escaped(model)}](${name})`);
    }
    const lists = Object.entries(tables).map(([list, rows]) => markdownTable(list, rows, study));
    sections.push(`## ${escaped(title)}`, escaped(paragraph), `![${title}](${study}.svg)`, ...maps, ...lists);
  }
  const report = join(folder, 'report.md');
  writeAtomic(report, Buffer.from(`${['# Inside CLIP', ...sections].join('\n\n')}\n`));
  return [report, ...files];
}

/** What was measured, and how: all but the numbers. */
export const described = ({ model, dataset, images, windows, protocol }: Measured) => ({
  model,
  dataset,
  images,
  windows,
  protocol,
});

function markdownTable(list: string, rows: readonly object[], study: string): string {
  const { lines, more } = shownTable(rows);
  const [head, ...body] = lines;
  if (!head) return `${list}: none.`;
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(' | ')} |`;
  const rest = more > 0 ? [`\n${more} more rows in ${study}.json.`] : [];
  return [`### ${list}`, '', line(head), `|${head.map(() => '---').join('|')}|`, ...body.map(line), ...rest].join('\n');
}

/** Nothing of it is markup or the end of a cell. */
const escaped = (text: string): string =>
  printable(text)
    .replace(/[\\`*_[\]#|~]/g, '\\$&')
    .replace(/[&<>]/g, character => `&#${character.charCodeAt(0)};`);
