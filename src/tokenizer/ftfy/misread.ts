/**
 * Repair of text whose UTF-8 bytes were decoded in a single-byte encoding, as ftfy 6.3 does it: encode the text back
 * and decode the bytes as UTF-8. Bytes are strings with one character 0..255 per byte here, so that expressions apply.
 */
import { binaryText } from '../../files/byteSource.js';
import { looksMisread } from './badness.js';
import { codePages, encodeAs, windows1252 } from './codePages.js';

const SUBSTITUTE = '\x1a';
const REPLACEMENT = '\xef\xbf\xbd';

/** A word "Ã " becomes "à ", unless it begins one of the Portuguese words that contract "a" and the next word. */
const lonelyA = /\xc3 (?! |quele|quela|quilo|s )/g;

/** UTF-8 sequences of likely characters in which byte A0, a no-break space when misread, became a plain space. */
const spacedSequence = new RegExp(
  [
    '[\xc2\xc3\xc5\xce\xd0\xd9] ',
    '[\xe2\xe3] [\x80-\x84\x86-\x9f\xa1-\xbf]',
    '[\xe0-\xe3][\x80-\x84\x86-\x9f\xa1-\xbf] ',
    '\xf0(?: [\x80-\xbf]{2}|[\x80-\xbf] [\x80-\xbf]|[\x80-\xbf]{2} )',
  ].join('|'),
  'g',
);

/** UTF-8 and CESU-8 sequences of which bytes were lost: byte 1A stands for any of them, `?` for at most one. */
const lossySequence = new RegExp(
  [
    '[\xc2-\xdf]L',
    '[\xc2\xc3]\\?',
    '\xed[\xa0-\xaf][L?]\xed[\xb0-\xbf][L?\x80-\xbf]',
    '\xed[\xa0-\xaf][L?\x80-\xbf]\xed[\xb0-\xbf][L?]',
    '[\xe0-\xef](?:[L?][L\x80-\xbf]|[L\x80-\xbf][L?])',
    '[\xf0-\xf4](?:[L?][L\x80-\xbf]{2}|[L\x80-\xbf][L?][L\x80-\xbf]|[L\x80-\xbf]{2}[L?])',
    'L',
  ]
    .join('|')
    .replaceAll('L', SUBSTITUTE),
  'g',
);

/**
 * What two common variants of UTF-8 add to it: Java's two-byte null and CESU-8's pairs of three-byte surrogates. ftfy
 * also takes a final line feed for the last byte of either.
 */
const variantSequence = /\xc0(?:[\x80]|\n$)|\xed([\xa0-\xaf])([\x80-\xbf])\xed([\xb0-\xbf])([\x80-\xbf]|\n$)/g;

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of UTF-8 bytes, allowing those variants, or undefined when they are not valid. */
function decodeUtf8(bytes: string): string | undefined {
  const standard = bytes.replace(variantSequence, (_, ...pair: (string | undefined)[]) => {
    if (pair[0] === undefined) return '\0';
    const [a, b, c, d] = pair.slice(0, 4).map(byte => byte!.charCodeAt(0)) as [number, number, number, number];
    const codePoint = 0x10000 + ((a & 15) << 16) + ((b & 63) << 10) + ((c & 15) << 6) + (d & 63);
    return binaryText(new TextEncoder().encode(String.fromCodePoint(codePoint)));
  });
  const raw = new Uint8Array(standard.length);
  for (let i = 0; i < raw.length; i++) raw[i] = standard.charCodeAt(i);
  try {
    return strict.decode(raw);
  } catch {
    return undefined;
  }
}

/** Which roles a character can play in misread UTF-8, as bits. */
const clue = { firstOf2: 1, firstOf3: 2, firstOf4: 4, next: 8, telling: 16 } as const;

let clueTable: Map<number, number> | undefined;

/** The roles of every character, from the pages that extend Latin-1 or look like it. */
function clues(): Map<number, number> {
  if (clueTable) return clueTable;
  const table = new Map<number, number>();
  const add = (text: string, bits: number) => {
    for (const char of text) table.set(char.charCodeAt(0), (table.get(char.charCodeAt(0)) ?? 0) | bits);
  };
  for (const { name, upper } of codePages) {
    if (name !== 'latin-1' && !name.startsWith('windows')) continue;
    add(upper.slice(0, 64), clue.next | clue.telling);
    add(upper.slice(0x42, 0x60), clue.firstOf2);
    add(upper.slice(0x60, 0x70), clue.firstOf3);
    add(upper[0x70]! + upper[0x73]!, clue.firstOf4);
  }
  // Dashes, quotes, the bullet and the ellipsis stand for themselves even beside misread text.
  for (const char of '–—―‘’‚“”„•…') table.set(char.charCodeAt(0), table.get(char.charCodeAt(0))! & ~clue.telling);
  add(' ', clue.next);
  clueTable = table;
  return table;
}

/** How many characters at `at` may be one misread UTF-8 sequence: 0, 2, 3 or 4. */
function sequenceLength(text: string, at: number, table: Map<number, number>): number {
  const first = table.get(text.charCodeAt(at)) ?? 0;
  if ((first & (clue.firstOf2 | clue.firstOf3 | clue.firstOf4)) === 0) return 0;
  let following = 0;
  while (following < 3 && ((table.get(text.charCodeAt(at + following + 1)) ?? 0) & clue.next) !== 0) following++;
  if (first & clue.firstOf2 && following >= 1) return 2;
  if (first & clue.firstOf3 && following >= 2) return 3;
  return first & clue.firstOf4 && following >= 3 ? 4 : 0;
}

/** Repairs the runs of misread sequences inside a text that as a whole is something else. */
function repairParts(text: string): string {
  const table = clues();
  let out = '';
  let copied = 0;
  let at = 0;
  while (at < text.length) {
    let end = at;
    // Nothing begins behind a telling character: that would repair the end of a garble and spoil its beginning.
    if (at === 0 || ((table.get(text.charCodeAt(at - 1)) ?? 0) & clue.telling) === 0) {
      for (let length = -1; length !== 0; end += length) length = sequenceLength(text, end, table);
    }
    if (end === at) {
      at++;
      continue;
    }
    const part = text.slice(at, end);
    if (part.length < text.length) {
      out += text.slice(copied, at) + repairMisread(part);
      copied = end;
    }
    at = end;
  }
  return out + text.slice(copied);
}

/** C1 control characters as what their bytes mean in Windows-1252. */
function fixC1Controls(text: string): string {
  return text.replace(/[\x80-\x9f]/g, control => windows1252(control.charCodeAt(0)));
}

function repairOnce(text: string): string {
  for (const page of codePages) {
    let bytes = encodeAs(page, text);
    if (bytes === undefined) continue;
    // In MacRoman an en dash and a space would look like a sequence with a lost byte A0.
    if (page.name !== 'macroman') {
      bytes = bytes.replace(lonelyA, '\xc3\xa0 ').replace(spacedSequence, found => found.replace(' ', '\xa0'));
    }
    if (page.keepsLost) bytes = bytes.replace(lossySequence, REPLACEMENT);
    const decoded = decodeUtf8(bytes);
    if (decoded !== undefined) return decoded;
  }
  const repaired = repairParts(text);
  return repaired === text ? fixC1Controls(text) : repaired;
}

/** Repairs text that was decoded in the wrong encoding, perhaps several times; other text comes back as it is. */
export function repairMisread(text: string): string {
  let current = text;
  while (/[\x80-\uffff]/.test(current) && looksMisread(current)) {
    const repaired = repairOnce(current);
    if (repaired === current) break;
    current = repaired;
  }
  return current;
}
