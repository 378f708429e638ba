/** Reports as files. */
import { extname } from 'node:path';
import { InputError } from '../../errors.js';
import { writeAtomic } from '../../files/atomic.js';
import { reportMarkdown } from './markdown.js';
import { reportHtml } from './page.js';
import type { Report } from './report.js';

const writers: Readonly<Record<string, (report: Report) => string>> = {
  '.html': reportHtml,
  '.md': reportMarkdown,
  '.json': reportJson,
};

/**
 * Refuses a path whose extension names no form of report: call it before long work whose result goes there.
 * @throws InputError naming the extensions that do.
 */
export function checkReportExtension(path: string): void {
  writerFor(path);
}

function writerFor(path: string): (report: Report) => string {
  const extension = extname(path).toLowerCase();
  if (Object.hasOwn(writers, extension)) return writers[extension]!;
  const known = Object.keys(writers).join(', ');
  throw new InputError(`${path}: expected a name that ends in ${known}, got ${extension || 'no extension'}`);
}

/** The table as JSON, with the norms and the names and scores of the images, where there are some. */
export function reportJson({ table, norms, images }: Report): string {
  const shown = images?.map(({ id, why, scores }) => ({ id, why, scores }));
  return `${JSON.stringify({ ...table, ...(norms && { norms }), ...(shown && { notable: shown }) }, null, 2)}\n`;
}

/**
 * Writes a report, whole or not at all, in the form that its extension names: `.html`, `.md` or `.json`. The same report
 * gives the same bytes.
 * @throws InputError for another extension, and as `writeAtomic`
 */
export function writeReport(path: string, report: Report): void {
  writeAtomic(path, Buffer.from(writerFor(path)(report)));
}
