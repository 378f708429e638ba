import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { parseJson } from '../../src/files/json.js';

const parse = (text: string) => parseJson(Buffer.from(text), 'x.json');

describe('small JSON files', () => {
  for (const text of ['{"a":[1,-2.5e3,true,null,"\\u00e9"],"b":{}}', ' [] ', '"text"', '0']) {
    it(`${text} is what JSON.parse makes of it`, () => {
      expect(parse(text)).to.deep.equal(JSON.parse(text));
    });
  }

  for (const [text, message] of [
    ['', 'x.json: not valid JSON: expected a value, got the end of the text at character 0'],
    ['{"a":1,"a":2}', 'x.json: not valid JSON: expected each key once, got \'"a":2}\' at character 7'],
    ['[1] 2', "x.json: not valid JSON: expected the end of the text, got '2' at character 4"],
    [`${'['.repeat(100_000)}`, 'x.json: not valid JSON: expected at most 64 levels'],
    ['{"a":nul}', 'x.json: not valid JSON: expected a value'],
  ] as const) {
    it(`refuses ${text.slice(0, 20)}`, () => {
      expect(() => parse(text)).to.throw(InputError, message);
    });
  }

  it('refuses what is not UTF-8', () => {
    expect(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22), 'x.json')).to.throw(InputError, 'expected UTF-8 text');
  });
});
