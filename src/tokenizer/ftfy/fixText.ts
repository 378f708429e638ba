/**
 * What `ftfy.fix_text` (version 6.3, default settings; by Robyn Speer) does to a text, written anew. Its separate step
 * for C1 controls is missing here, since the repair of misread text ends in it.
 */
import { unescapeSureHtml } from '../html.js';
import {
  fixLineBreaks,
  fixWidth,
  removeControls,
  removeTerminalEscapes,
  replaceLoneSurrogates,
  splitLigatures,
  straightenQuotes,
} from './characters.js';
import { repairMisread } from './misread.js';
import { toNfc } from './normalise.js';

const repairs: readonly ((text: string) => string)[] = [
  repairMisread,
  splitLigatures,
  fixWidth,
  straightenQuotes,
  fixLineBreaks,
  replaceLoneSurrogates,
  removeTerminalEscapes,
  removeControls,
  toNfc,
];

/** Text that no repair changes. */
const plain = /^[\t\n\f -%'-~]*$/;

/** Applies all repairs in their order until none changes anything. */
function fixSegment(segment: string, hasReferences: boolean): string {
  if (plain.test(segment)) return segment;
  let text = segment;
  for (;;) {
    const before = text;
    if (hasReferences) text = unescapeSureHtml(text);
    for (const repair of repairs) text = repair(text);
    if (text === before) return text;
  }
}

const longestSegment = 1_000_000;

/** The end of the segment that begins at `start`: behind its line feed, or after a million characters. */
function segmentEnd(text: string, start: number): number {
  const lineFeed = text.indexOf('\n', start);
  const end = lineFeed < 0 ? text.length : lineFeed + 1;
  if (end - start <= longestSegment) return end;
  let at = start;
  for (let count = 0; count < longestSegment && at < end; count++) at += text.codePointAt(at)! > 0xffff ? 2 : 1;
  return at;
}

/**
 * Repairs the usual damage of text: wrong decoding, HTML character references, ligatures, character widths, curly quotes,
 * line breaks, control characters; and normalises to NFC. Lines are repaired one by one. References stay from the first
 * line that has a `<`, since that text may be HTML.
 */
export function fixText(text: string): string {
  if (plain.test(text)) return text;
  let out = '';
  let hasReferences = true;
  for (let start = 0; start < text.length; ) {
    const end = segmentEnd(text, start);
    const segment = text.slice(start, end);
    if (segment.includes('<')) hasReferences = false;
    out += fixSegment(segment, hasReferences);
    start = end;
  }
  return out;
}
