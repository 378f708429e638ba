import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { readJson } from '../../src/files/jsonFile.js';
import { inTemporaryFolder } from './temporary.js';

describe('small JSON files', () => {
  it('are read, and refused with their cause in one line', () =>
    inTemporaryFolder(dir => {
      const path = join(dir, 'a.json');
      writeFileSync(path, '{"a": [1, 2]}');
      expect(readJson(path)).to.deep.equal({ a: [1, 2] });
      for (const text of ['', '{', '{"a": 1}}', '[1,\n2\n,]', 'nothing']) {
        writeFileSync(path, text);
        expect(() => readJson(path)).to.throw(InputError, /^[^\n]*a\.json: not valid JSON: [^\n]+$/);
      }
      expect(() => readJson(join(dir, 'b.json'))).to.throw(InputError, 'no such file or folder');
      expect(() => readJson(dir)).to.throw(InputError, 'got a directory');
    }));

  it('are small: a large one is refused before it is read', () =>
    inTemporaryFolder(dir => {
      const path = join(dir, 'a.json');
      writeFileSync(path, '');
      truncateSync(path, 8 * 2 ** 30);
      expect(() => readJson(path)).to.throw(InputError, 'expected at most 4 MiB of JSON, got 8589934592 bytes');
    }));
});
