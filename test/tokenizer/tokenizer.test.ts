import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../src/errors.js';
import { createTokenizer } from '../../src/tokenizer/index.js';
import { goldenPath } from '../goldens.js';

interface GoldenCase {
  kind: string;
  text: string;
  cleaned: string;
  openai: number[];
  openai_decoded: string;
  openai_error_without_truncate?: string;
  openai_truncated_77?: number[];
}

const tokenizer = createTokenizer();
const START = 49406;
const END = 49407;

/** Whole sequences without the limit of 77. */
const unlimited = { contextLength: 1_000_000 };

describe('tokenizer', () => {
  it('agrees with every golden of OpenAI: cleaned text, ids, decoded text, truncation', function () {
    const cases: GoldenCase[] = JSON.parse(readFileSync(goldenPath(this, 'tokenizer/cases.json'), 'utf8'));
    expect(cases.length).to.be.greaterThan(300);
    for (const one of cases) {
      const label = `${one.kind}: ${JSON.stringify(one.text.slice(0, 60))}`;
      expect(tokenizer.clean(one.text), label).to.equal(one.cleaned);
      expect(tokenizer.encode(one.text, unlimited), label).to.deep.equal([START, ...one.openai, END]);
      expect(tokenizer.decode(one.openai), label).to.equal(one.openai_decoded);
      if (one.openai_truncated_77) {
        expect(tokenizer.encode(one.text, { truncate: true }), label).to.deep.equal(one.openai_truncated_77);
      }
      if (one.openai_error_without_truncate) {
        expect(() => tokenizer.encode(one.text), label).to.throw(
          InputError,
          /^encode: expected at most 77 tokens, got/,
        );
      } else {
        expect(tokenizer.encode(one.text), label).to.deep.equal([START, ...one.openai, END]);
      }
    }
    expect(cases.filter(one => one.openai_truncated_77).length).to.be.greaterThan(0);
  });

  it('says what it is', () => {
    expect(tokenizer).to.include({ contextLength: 77, startOfText: START, endOfText: END, vocabularySize: 49408 });
    expect(createTokenizer({ contextLength: 5 }).contextLength).to.equal(5);
  });

  it('ends a truncated text with the end token, at any context length', () => {
    expect(tokenizer.encode('a photo of a cat', { contextLength: 7 })).to.have.length(7);
    expect(() => tokenizer.encode('a photo of a cat', { contextLength: 6 })).to.throw(
      InputError,
      "encode: expected at most 6 tokens, got 7 from 'a photo of a cat'; shorten the text or truncate it",
    );
    const cut = { truncate: true, contextLength: 6 };
    expect(tokenizer.encode('a photo of a cat', cut)).to.deep.equal([START, 320, 1125, 539, 320, END]);
    expect(tokenizer.encode('a photo of a cat', { ...cut, contextLength: 2 })).to.deep.equal([START, END]);
    const short = createTokenizer({ contextLength: 4 });
    expect(short.encode('a photo of a cat', { truncate: true })).to.deep.equal([START, 320, 1125, END]);
  });

  it('encodes batches and pads with zeros', () => {
    const batch = tokenizer.encodeBatch(['a cat', '']);
    expect(batch).to.deep.equal([
      [START, 320, 2368, END],
      [START, END],
    ]);
    expect(tokenizer.pad(batch[0]!, 6)).to.deep.equal(Int32Array.of(START, 320, 2368, END, 0, 0));
    expect(tokenizer.pad([START, END])).to.have.length(77);
    expect(tokenizer.encodeBatch(['a photo of a cat'], { truncate: true, contextLength: 3 })).to.deep.equal([
      [START, 320, END],
    ]);
  });

  it('treats U+0345 as a gap, and the long s after an apostrophe as an s, like the expression of OpenAI', () => {
    const [x, y] = [tokenizer.encode('x'), tokenizer.encode('y')];
    expect(tokenizer.encode('x\u0345y')).to.deep.equal([START, x[1], y[1], END]);
    expect(tokenizer.decode(tokenizer.encode("it'ſx"))).to.equal("<|startoftext|>it 'ſ x <|endoftext|>");
  });

  it('decodes bytes that are no UTF-8 as Python does, one U+FFFD for each ill-formed part', () => {
    const decoded: [number[], string][] = [
      [[94], '\ufffd'],
      [[158, 224], '\ufffd'],
      [[172, 253, 246], '\ufffd'],
      [[169, 254, 222], '\ufffd\ufffd\ufffd'],
      [[127, 7], '\ufffd('],
      [[176, 238, 222, 222], '\ufffd\ufffd\ufffd\ufffd'],
      [[171, 119, 123], '\ufeff'],
      [[27, 14, 86, 29], ' '],
      [[], ''],
      [[0, 0], '!!'],
    ];
    for (const [ids, text] of decoded) expect(tokenizer.decode(ids), String(ids)).to.equal(text);
    expect(tokenizer.decode(Int32Array.of(2368, 1929))).to.equal('cat dog ');
  });

  it('gives back the cleaned text of any input, blanks aside', () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      fc
        .array(fc.constantFrom('a', ' ', "'", '<|endoftext|>', '&amp;', 'Ã©', '\n', '\ud800', '😀', 'Σ', '1'))
        .map(parts => parts.join('')),
    );
    fc.assert(
      fc.property(anyText, text => {
        const cleaned = tokenizer.clean(text);
        const ids = tokenizer.encode(text, unlimited);
        expect(ids[0]).to.equal(START);
        expect(ids.at(-1)).to.equal(END);
        const decoded = tokenizer.decode(ids.slice(1, -1));
        expect(decoded.replaceAll(' ', '')).to.equal(cleaned.replaceAll(' ', '').replaceAll('\u0345', ''));
      }),
      { numRuns: 1000 },
    );
  });

  it('encodes a text the same whatever came before it', () => {
    const busy = createTokenizer();
    const words = Array.from({ length: 40_000 }, (_, i) => `w${i.toString(36)}x`);
    busy.encode(words.join(' '), unlimited);
    for (const text of ['a photo of a cat.', '<|endoftext|> wq9x', words.slice(0, 20).join(' ')]) {
      expect(busy.encode(text)).to.deep.equal(tokenizer.encode(text));
    }
  });

  it('refuses what is not text, ids or a length, in one line', () => {
    const bad = (value: unknown) => value as never;
    const mistakes: [() => unknown, RegExp][] = [
      [() => tokenizer.encode(bad(undefined)), /^encode: expected a text, got undefined$/],
      [() => tokenizer.encode(bad(null)), /^encode: expected a text, got null$/],
      [() => tokenizer.encode(bad(['a'])), /^encode: expected a text, got an array$/],
      [() => tokenizer.clean(bad(7)), /^clean: expected a text, got number$/],
      [() => tokenizer.encodeBatch(bad('a cat')), /^encodeBatch: expected an array of texts, got string$/],
      [() => tokenizer.encodeBatch(['a', bad({})]), /^encodeBatch: text 1: expected a text, got object$/],
      [() => tokenizer.encodeBatch(['a', 'b '.repeat(90)]), /^encodeBatch: text 1: expected at most 77 tokens, got 92/],
      [() => tokenizer.encode('a\n'.repeat(90)), /^[^\n]+…'; shorten the text or truncate it$/],
      [() => tokenizer.encode('a', { contextLength: 1 }), /^encode: expected a context length of at least 2, got 1$/],
      [() => createTokenizer({ contextLength: Number.NaN }), /^createTokenizer: expected a context length .* NaN$/],
      [() => createTokenizer({ contextLength: 7.5 }), /got 7\.5$/],
      [() => tokenizer.pad([1, 2, 3], 2), /^pad: expected at most 2 ids, got 3$/],
      [() => tokenizer.decode([49408]), /^decode: expected ids from 0 to 49407, got 49408$/],
      [() => tokenizer.decode([-1]), /got -1$/],
      [() => tokenizer.decode([0.5]), /got 0\.5$/],
      [() => tokenizer.decode(bad(['cat'])), /got cat$/],
    ];
    for (const [attempt, message] of mistakes) expect(attempt).to.throw(InputError, message);
  });
});
