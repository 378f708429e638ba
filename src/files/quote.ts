import { suggestion } from '../errors.js';

/** A text fit for one line of a terminal: control, format and unassigned characters are spelled out. */
export function printable(text: string): string {
  return text.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    character => `\\u{${character.codePointAt(0)!.toString(16).padStart(4, '0')}}`,
  );
}

/** A name out of a file or from the user, fit for a message: printable, cut where it is longer than `limit`. */
function oneLine(text: string, limit: number): string {
  return printable(text.length > limit ? `${text.slice(0, limit)}…` : text);
}

/** A name in single quotes, its unprintable characters spelled out, cut after `limit` characters. */
export function quoted(text: string, limit = 80): string {
  return `'${oneLine(text, limit)}'`;
}

// A search for the nearest among more names than this would take longer than reading the file.
const namesSearched = 10_000;

/** What to add to "there is no such name", as printable as `quoted`: the nearest of `known`, see `suggestion`. */
export function nearestPrintable(word: string, known: Iterable<string>): string {
  const names: string[] = [];
  for (const name of known) {
    if (names.length === namesSearched) break;
    names.push(oneLine(name, 80));
  }
  return suggestion(word, names);
}
