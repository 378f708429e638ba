import { suggestion } from '../errors.js';

/**
 * A name out of a file or from the user, in single quotes and fit for a one-line message: control, format and
 * unassigned characters are spelled out and what is longer than `limit` characters is cut.
 */
export function quoted(text: string, limit = 80): string {
  const short = text.length > limit ? `${text.slice(0, limit)}…` : text;
  const visible = short.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    character => `\\u{${character.codePointAt(0)!.toString(16).padStart(4, '0')}}`,
  );
  return `'${visible}'`;
}

// A search for the nearest among more names than this would take longer than reading the file.
const namesSearched = 10_000;

/** What to add to "there is no such name": the nearest of `known`, each quoted; see `suggestion`. */
export function nearestQuoted(word: string, known: Iterable<string>): string {
  const names: string[] = [];
  for (const name of known) {
    if (names.length === namesSearched) break;
    names.push(quoted(name));
  }
  return suggestion(word, names);
}
