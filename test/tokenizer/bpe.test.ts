import { expect } from 'chai';
import fc from 'fast-check';
import { createWorkspace, encodeWord } from '../../src/tokenizer/bpe.js';
import { mergeOf, readVocabulary } from '../../src/tokenizer/vocabulary.js';
import { cpuTime } from '../cpuTime.js';

const vocabulary = readVocabulary();
const workspace = createWorkspace(4096);

/** The definition, word for word: find the first pair of the list, merge it everywhere, again. */
function byDefinition(bytes: Uint8Array): number[] {
  let symbols = [...bytes].map(byte => vocabulary.symbolOfByte[byte]!);
  symbols.push(symbols.pop()! + 256);
  for (;;) {
    const merges = symbols.slice(1).map((right, i) => mergeOf(vocabulary, symbols[i]!, right));
    const first = Math.min(...merges.filter(merged => merged > 0));
    if (first === Number.POSITIVE_INFINITY) return symbols;
    const merged: number[] = [];
    for (let i = 0; i < symbols.length; i++) {
      const isPair = i + 1 < symbols.length && mergeOf(vocabulary, symbols[i]!, symbols[i + 1]!) === first;
      merged.push(isPair ? first : symbols[i]!);
      if (isPair) i++;
    }
    symbols = merged;
  }
}

describe('byte-pair encoding', () => {
  it('merges as its definition says', () => {
    const word = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 24 }),
      fc
        .string({ unit: fc.constantFrom(...'aaehilnostr'), minLength: 1, maxLength: 60 })
        .map(text => Buffer.from(text)),
      fc
        .string({ unit: fc.constantFrom('a', 'h', 'l', '!', '.', '😀', 'é'), minLength: 1 })
        .map(text => Buffer.from(text)),
    );
    fc.assert(
      fc.property(word, bytes => {
        expect(encodeWord(vocabulary, bytes, workspace)).to.deep.equal(byDefinition(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  it('takes time in proportion to the length of a word, nearly', async () => {
    const length = 200_000;
    const large = createWorkspace(length);
    const random = new Uint8Array(length);
    for (let i = 0, state = 1; i < length; i++) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      random[i] = 97 + ((state >>> 16) % 26);
    }
    const time = await cpuTime(() => {
      for (const bytes of [random, new Uint8Array(length).fill(97)]) {
        const tokens = encodeWord(vocabulary, bytes, large);
        expect(tokens.length).to.be.lessThan(length);
      }
    });
    expect(time).to.be.lessThan(2000);
  });
});
