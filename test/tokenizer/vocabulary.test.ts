import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { createTokenizer } from '../../src/tokenizer/index.js';
import { appendTokenBytes, readVocabulary } from '../../src/tokenizer/vocabulary.js';

const shipped = fileURLToPath(new URL('../../data/bpe_simple_vocab_16e6.txt.gz', import.meta.url));
const packed = readFileSync(shipped);
/** The header and the 48,894 lines that count. */
const lines = gunzipSync(packed).toString().split('\n').slice(0, 48_895);

const asBytes = (text: string) => new Uint8Array(Buffer.from(text));
/** The list with line `number`, counted from 1, replaced. */
const withLine = (number: number, line: string) => asBytes(`${lines.with(number - 1, line).join('\n')}\n`);

describe('vocabulary', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'clipscope-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('reads the list packed or plain, whole or only the lines that count, from a file or from memory', () => {
    const plain = asBytes(`${lines.join('\n')}\n`);
    const path = join(folder, 'merges.txt');
    writeFileSync(path, plain);
    const expected = readVocabulary();
    for (const file of [shipped, packed, plain, gzipSync(plain), path]) {
      expect(readVocabulary(file)).to.deep.equal(expected);
    }
    const ids = createTokenizer({ vocabulary: path }).encode('a photo of a cat.');
    expect(ids).to.deep.equal([49406, 320, 1125, 539, 320, 2368, 269, 49407]);
  });

  it('spells out a token however deep its merges nest', () => {
    // Every merge takes the one before it, and one byte more.
    const lefts = Uint16Array.from({ length: 48_894 }, (_, i) => (i === 0 ? 0 : 511 + i));
    const out: number[] = [];
    appendTokenBytes({ ...readVocabulary(), lefts, rights: new Uint16Array(48_894).fill(1) }, 49_405, out);
    expect(Buffer.from(out).toString()).to.equal(`!${'"'.repeat(48_894)}`);
  });

  it('refuses a list that is not sound, naming file and line', () => {
    const path = join(folder, 'cut.gz');
    writeFileSync(path, packed.subarray(0, 200_000));
    const mistakes: [string | Uint8Array, RegExp][] = [
      [join(folder, 'missing.gz'), /missing\.gz: cannot be read: no such file/],
      [folder, /expected a file, got a directory$/],
      [path, /cut\.gz: expected a vocabulary packed by gzip: unexpected end of file$/],
      [new Uint8Array(), /^vocabulary: expected a header line and 48894 merges, got fewer lines$/],
      [Uint8Array.of(0x1f, 0x8b, 8, 0, 1), /^vocabulary: expected a vocabulary packed by gzip: /],
      [asBytes(lines.slice(0, -1).join('\n')), /got fewer lines$/],
      [new Uint8Array(16 * 2 ** 20 + 1), /^vocabulary: expected a list of merges, got a file of 16777217 bytes$/],
      [gzipSync(new Uint8Array(65 * 2 ** 20)), /packed by gzip: /],
      [withLine(2, 'i'), /^vocabulary: line 2: expected two symbols of earlier lines, got 'i '$/],
      [withLine(9, 'i zebra'), /line 9: expected two symbols of earlier lines, got 'i zebra'$/],
      [withLine(9, 'i n o'), /line 9: expected two symbols/],
      [withLine(9, 'i n'), /line 9: expected a new symbol, got 'i n'$/],
      [withLine(48_895, `${'x'.repeat(5000)} y`), /line 48895: .{1,160}$/],
    ];
    for (const [file, message] of mistakes)
      expect(() => readVocabulary(file), String(message)).to.throw(InputError, message);
  });
});
