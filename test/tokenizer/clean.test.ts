import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { cleanText, createTokenizer, fixText } from '../../src/tokenizer/index.js';
import { cpuTime } from '../cpuTime.js';

interface FtfyCase {
  text: string;
  fixed: string;
  cleaned: string;
  ids: number[];
}

const fixture: { cases: FtfyCase[] } = JSON.parse(
  readFileSync(new URL('../fixtures/tokenizer-ftfy.json', import.meta.url), 'utf8'),
);

describe('cleaning of text', () => {
  it('repairs and encodes as ftfy and OpenAI do', () => {
    expect(fixture.cases.length).to.be.greaterThan(500);
    const { encode } = createTokenizer({ contextLength: 1000 });
    for (const { text, fixed, cleaned, ids } of fixture.cases) {
      const label = JSON.stringify(text);
      expect(fixText(text), label).to.equal(fixed);
      expect(cleanText(text), label).to.equal(cleaned);
      expect(encode(text).slice(1, -1), label).to.deep.equal(ids);
    }
  });

  it('leaves nothing to repair', () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.array(fc.constantFrom(...'ÃÂâ€™©ÐŸ\x80\x9d\xa0\x1a\ufffd <&;a\n')).map(parts => parts.join('')),
    );
    fc.assert(
      fc.property(anyText, text => {
        const [line] = fixText(text.replaceAll('\n', ' ')).split('\n');
        expect(fixText(line!)).to.equal(line);
      }),
      { numRuns: 500 },
    );
  });

  it('repairs text that was misread any number of times', () => {
    const misread = (text: string) => Buffer.from(text).toString('latin1');
    let text = 'smörgåsbord';
    for (let times = 0; times < 5; times++) {
      text = misread(text);
      expect(fixText(text), `${times + 1} times`).to.equal('smörgåsbord');
    }
  });

  it('undoes nested references to an ampersand, however deep', () => {
    for (const depth of [1, 7, 8, 9, 20, 60_000]) {
      expect(fixText(`&${'amp;'.repeat(depth)}lt;b é`), String(depth)).to.equal('<b é');
      expect(fixText(`&${'#38;#x026;AMP;'.repeat(depth)}eacute;`), String(depth)).to.equal('é');
    }
  });

  it('repairs segments of a million characters by themselves', () => {
    // The first half of a misread letter is the millionth character, so that neither half is repaired.
    const text = `${'😀'.repeat(999_999)}Ã©`;
    expect(fixText(text)).to.equal(text);
    expect(fixText(text.slice(2))).to.equal(`${'😀'.repeat(999_998)}é`);
  });

  it('normalises long runs of marks as the engine does, in time', async () => {
    const mark = fc.constantFrom(...'\u0300\u0301\u0308\u0316\u0323\u0327\u0334\u0344\u0345\u0903\u0f73\u20dd\u3099');
    const run = fc.string({ unit: mark, minLength: 240, maxLength: 700 });
    fc.assert(
      fc.property(fc.constantFrom('', 'a', 'é', 'α', 'か'), run, (letter, marks) => {
        expect(fixText(`${letter}${marks}b`)).to.equal(`${letter}${marks}b`.normalize('NFC'));
      }),
      { numRuns: 100 },
    );
    const time = await cpuTime(() => {
      const hostile = fixText(`a${'\u0316\u0300'.repeat(100_000)}`);
      expect(hostile.slice(0, 2)).to.equal('à\u0316');
    });
    expect(time).to.be.lessThan(5000);
  });

  it('takes little time over large texts', async function () {
    this.timeout(60_000);
    const length = 500_000;
    for (const part of ['a photo of a cat, ', 'cafÃ© ', 'é\n', '&eacute;', '&', '\x1b[', 'Ã', 'Σ', ' ']) {
      const time = await cpuTime(() => cleanText(part.repeat(length / part.length)));
      expect(time, JSON.stringify(part)).to.be.lessThan(5000);
    }
  });
});
