import { fixText } from './ftfy/fixText.js';
import { BLANKS } from './ftfy/whitespace.js';
import { unescapeHtml } from './html.js';

const blanks = new RegExp(`[${BLANKS}]+`, 'g');

/**
 * Text as OpenAI's CLIP sees it: repaired as by ftfy, HTML character references replaced (twice, for those that were
 * escaped twice), runs of blanks made one space, none at the ends, in lower case. What letters and their lower case are
 * is for the JavaScript engine's version of Unicode to say.
 * Source: `basic_clean` and `whitespace_clean` of OpenAI's `clip/simple_tokenizer.py`.
 */
export function cleanText(text: string): string {
  const repaired = unescapeHtml(unescapeHtml(fixText(text)));
  return repaired.replace(blanks, ' ').replace(/^ | $/g, '').toLowerCase();
}
