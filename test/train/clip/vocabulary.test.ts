import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { sceneCaption } from '../../../src/scenes/caption.js';
import { sceneAt } from '../../../src/scenes/scene.js';
import { createTokenizer } from '../../../src/tokenizer/index.js';
import { sceneVocabulary } from '../../../src/train/clip/vocabulary.js';

describe('sceneVocabulary', () => {
  const whole = createTokenizer();
  const { ids, tokenizer } = sceneVocabulary(whole);

  it('numbers the word pieces of captions in their order, the end token last', () => {
    expect([...ids]).to.deep.equal([...ids].sort((a, b) => a - b));
    expect(new Set(ids).size).to.equal(ids.length);
    expect(ids.at(-2)).to.equal(whole.startOfText);
    expect(ids.at(-1)).to.equal(whole.endOfText);
    expect([tokenizer.startOfText, tokenizer.endOfText]).to.deep.equal([ids.length - 2, ids.length - 1]);
    expect(tokenizer.vocabularySize).to.equal(ids.length);
    expect(ids.length).to.be.lessThan(60);
  });

  it('encodes every caption to the pieces that the tokenizer gives, and back', () => {
    const used = new Set<number>();
    for (let i = 0; i < 400; i++) {
      const caption = sceneCaption(sceneAt(7, i), 0, { shapeAlone: 0.1 });
      const numbers = tokenizer.encode(caption);
      expect(numbers.map(number => ids[number])).to.deep.equal(whole.encode(caption));
      expect(tokenizer.decode(numbers)).to.equal(whole.decode(whole.encode(caption)));
      for (const number of numbers) used.add(number);
    }
    const unused = Array.from(ids, (_, number) => number).filter(number => !used.has(number));
    expect(unused.map(number => tokenizer.decode([number]).trim())).to.deep.equal([]);
    const captions = ['a red star', 'a ring on night sky'];
    expect(tokenizer.encodeBatch(captions)).to.deep.equal(captions.map(caption => tokenizer.encode(caption)));
  });

  it('names a word that no caption has', () => {
    expect(() => tokenizer.encode('a red zebra')).to.throw(InputError, "got 'zebra' in 'a red zebra'");
  });
});
