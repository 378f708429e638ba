/** Character references of HTML: `&eacute;`, `&#233;`, `&#xE9;`. */
import { shippedJson } from '../files/shipped.js';
import { windows1252 } from './ftfy/codePages.js';

interface Entities {
  /** The text of every name, without `&` and `;`. */
  readonly named: ReadonlyMap<string, string>;
  /** Names that browsers accept without the semicolon. */
  readonly withoutSemicolon: ReadonlySet<string>;
}

let table: Entities | undefined;

/** The 2125 named references of the HTML standard, read when a text first needs them. */
function entities(): Entities {
  if (table) return table;
  const data = shippedJson('html-entities') as { entities: Record<string, string>; withoutSemicolon: string };
  table = {
    named: new Map(Object.entries(data.entities)),
    withoutSemicolon: new Set(data.withoutSemicolon.split(' ')),
  };
  return table;
}

/** The text of a numeric reference; the standard gives a meaning to every number. */
function fromNumber(code: number): string {
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return '\ufffd';
  if (code >= 0x80 && code <= 0x9f) return windows1252(code);
  const isControl = code < 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0c && code !== 0x0d;
  const isNoncharacter = (code & 0xfffe) === 0xfffe || (code >= 0xfdd0 && code <= 0xfdef);
  return isControl || code === 0x7f || isNoncharacter ? '' : String.fromCodePoint(code);
}

/** The text of a name, or of its longest beginning that needs no semicolon, with what follows that. */
function fromName(name: string): string | undefined {
  const { named, withoutSemicolon } = entities();
  if (name.endsWith(';')) {
    const exact = named.get(name.slice(0, -1));
    if (exact !== undefined) return exact;
  }
  for (let length = name.length; length > 1; length--) {
    const part = name.slice(0, length);
    if (withoutSemicolon.has(part)) return named.get(part)! + name.slice(length);
  }
  return undefined;
}

/**
 * Replaces the character references in `text` as Python's `html.unescape` does: the names of the HTML standard, numbers
 * of any kind, and names that need no semicolon even where letters follow (`&notit;` is `¬it;`). What is no reference
 * stays.
 */
export function unescapeHtml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(
    /&(?:#([0-9]+);?|#[xX]([0-9a-fA-F]+);?|([^\t\n\f <&#;]{1,32};?))/gu,
    (whole, decimal?: string, hexadecimal?: string, name?: string) => {
      if (decimal !== undefined) return fromNumber(Number.parseInt(decimal, 10));
      if (hexadecimal !== undefined) return fromNumber(Number.parseInt(hexadecimal, 16));
      return fromName(name!) ?? whole;
    },
  );
}

/** How many `amp;` in a row are kept: enough for all that is written on purpose. */
const nesting = 8;
const nestedAmpersands = new RegExp(`&(?:(?:amp|AMP|#0{0,9}38|#[xX]0{0,9}26);){${nesting},}`, 'g');

/**
 * Replaces only what is surely a reference, as ftfy does: names and numbers that end in a semicolon, and the names of
 * lower-case letters in capitals (`&EACUTE;`). References to an ampersand, nested beyond eight, count as eight: ftfy
 * undoes one level a pass, which takes for ever on a hostile text.
 */
export function unescapeSureHtml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(nestedAmpersands, `&${'amp;'.repeat(nesting)}`).replace(/&#?[0-9A-Za-z]{1,24};/g, whole => {
    if (whole[1] === '#') {
      const character = unescapeHtml(whole);
      return character.includes(';') ? whole : character;
    }
    const { named } = entities();
    const name = whole.slice(1, -1);
    const exact = named.get(name);
    if (exact !== undefined) return exact;
    const lower = name.toLowerCase();
    const shouted = name === name.toUpperCase() && unescapeHtml(whole) === whole;
    return (shouted ? named.get(lower)?.toUpperCase() : undefined) ?? whole;
  });
}
