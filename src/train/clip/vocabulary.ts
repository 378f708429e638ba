/** The word pieces that captions of scenes are made of, numbered anew, so that training touches no others. */
import { InputError } from '../../errors.js';
import { sceneBackgrounds, sceneColours, sceneShapes, sceneTextures } from '../../scenes/world.js';
import { createTokenizer, type Tokenizer } from '../../tokenizer/tokenizer.js';

/**
 * Some of a tokenizer's word pieces under numbers of their own, in the same order: the end token stays the largest, by
 * which the text tower finds it.
 */
export interface CompactVocabulary {
  /** The tokenizer's id of each, ascending, start and end token last. */
  readonly ids: Int32Array;
  /** The tokenizer with the new numbers for its ids. */
  readonly tokenizer: Tokenizer;
}

let kept: Tokenizer | undefined;

/** CLIP's own tokenizer, made once: it takes its time. */
export function clipTokenizer(): Tokenizer {
  kept ??= createTokenizer();
  return kept;
}

/** Every word of a caption (see `sceneCaption`), which names no texture that is plain. */
const captionWords = `a and on over in front of ${[sceneColours, sceneTextures.slice(1), sceneShapes, sceneBackgrounds]
  .flat()
  .join(' ')}`;

/** The vocabulary of captions of scenes, out of CLIP's. */
export function sceneVocabulary(tokenizer = clipTokenizer()): CompactVocabulary {
  const long = { contextLength: 4 * captionWords.length };
  const ids = Int32Array.from(new Set(tokenizer.encode(captionWords, long))).sort();
  const numbers = new Map(Array.from(ids, (id, number) => [id, number]));
  const encode: Tokenizer['encode'] = (text, options) =>
    tokenizer.encode(text, options).map(id => {
      const number = numbers.get(id);
      if (number !== undefined) return number;
      throw new InputError(
        `scene vocabulary: expected words of scenes, got '${tokenizer.decode([id]).trim()}' in '${text}'`,
      );
    });
  return {
    ids,
    tokenizer: {
      ...tokenizer,
      startOfText: ids.length - 2,
      endOfText: ids.length - 1,
      vocabularySize: ids.length,
      encode,
      encodeBatch: (texts, options) => texts.map(text => encode(text, options)),
      decode: numbers => tokenizer.decode(Array.from(numbers, number => ids[number]!)),
    },
  };
}
