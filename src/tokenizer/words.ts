/**
 * Where a word begins: a special token, an English contraction, a digit, a letter (group 1) or anything else (group 2)
 * but a blank. OpenAI's expression ignores case, which in lower-cased text matters for one letter: the long s counts as
 * an s. No alternative of it matches U+0345, which therefore separates words as a blank does.
 */
const wordStart = /<\|[sſ]tartoftext\|>|<\|endoftext\|>|'(?:[sſtmd]|re|ve|ll)|\p{N}|(\p{L})|((?!\u0345)[^ ])/gu;

/** What ends a run of letters, and a run of other characters. */
const letterEnd = /\P{L}/gu;
const otherEnd = /[\p{L}\p{N} ]|\u0345/gu;

function indexFrom(pattern: RegExp, text: string, start: number): number {
  pattern.lastIndex = start;
  return pattern.exec(text)?.index ?? text.length;
}

/**
 * The words that a cleaned text is split into before byte-pair encoding: special tokens, contractions, runs of letters,
 * single digits, runs of what is none of these. Source: the `pat` expression of OpenAI's `clip/simple_tokenizer.py`,
 * here without loops in the expressions, for which the engine's memory is bounded.
 */
export function* splitWords(text: string): Generator<string> {
  let at = 0;
  for (;;) {
    wordStart.lastIndex = at;
    const found = wordStart.exec(text);
    if (!found) return;
    at = wordStart.lastIndex;
    if (found[1] !== undefined) at = indexFrom(letterEnd, text, at);
    else if (found[2] !== undefined) at = indexFrom(otherEnd, text, at);
    yield text.slice(found.index, at);
  }
}
