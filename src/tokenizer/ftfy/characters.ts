/** Repairs of single characters, each as ftfy 6.3 does it. */

const ligatures: Readonly<Record<string, string>> = {
  ĳ: 'ij',
  Ĳ: 'IJ',
  // U+02BC, an apostrophe that is straightened next.
  ŉ: '\u02bcn',
  ǆ: 'dž',
  ǅ: 'Dž',
  Ǆ: 'DŽ',
  ǉ: 'lj',
  ǈ: 'Lj',
  Ǉ: 'LJ',
  ǌ: 'nj',
  ǋ: 'Nj',
  Ǌ: 'NJ',
  ǳ: 'dz',
  ǲ: 'Dz',
  Ǳ: 'DZ',
  ﬀ: 'ff',
  ﬁ: 'fi',
  ﬂ: 'fl',
  ﬃ: 'ffi',
  ﬄ: 'ffl',
  ﬅ: 'ſt',
  ﬆ: 'st',
};

/** Latin ligatures and digraphs as the letters they stand for. */
export function splitLigatures(text: string): string {
  return text.replace(/[ĲĳŉǄ-ǌǱ-ǳﬀ-ﬆ]/g, char => ligatures[char]!);
}

/** Half-width and full-width forms, and the ideographic space, as the ordinary characters. */
export function fixWidth(text: string): string {
  return text.replace(/[\uff01-\uffef\u3000]/g, char => char.normalize('NFKC'));
}

/** Curly quotation marks as straight ones. */
export function straightenQuotes(text: string): string {
  return text.replace(/[\u201c-\u201f]/g, '"').replace(/[\u02bc\u2018-\u201b]/g, "'");
}

/** Every kind of line break as a line feed. */
export function fixLineBreaks(text: string): string {
  return text.replace(/\r\n|[\r\u0085\u2028\u2029]/g, '\n');
}

/** Half a surrogate pair as U+FFFD. */
export function replaceLoneSurrogates(text: string): string {
  return text.replace(/\p{Cs}/gu, '\ufffd');
}

const terminalEscape = new RegExp(`${'\x1b'}\\[[\\p{Nd};]*[a-zA-Z]`, 'gu');

/** Drops the escape sequences that colour a terminal. */
export function removeTerminalEscapes(text: string): string {
  return text.replace(terminalEscape, '');
}

/**
 * Drops control characters without an effect on the text: ASCII's but for blanks, deprecated Arabic ones, annotation
 * and object marks, and the byte order mark. C1 controls stay; what could be repaired of them has been.
 */
export function removeControls(text: string): string {
  return text.replace(/(?![\t\n\f\r\x80-\x9f])\p{Cc}|[\u206a-\u206f\ufeff\ufff9-\ufffc]/gu, '');
}
