import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { makeFolder, namesIn } from '../../src/files/folder.js';
import { inTemporaryFolder } from './temporary.js';

describe('makeFolder', () => {
  it('makes a folder and those it lies in, and leaves what is there', () =>
    inTemporaryFolder(dir => {
      const deep = join(dir, 'a', 'b', 'c');
      makeFolder(deep);
      writeFileSync(join(deep, 'kept'), '');
      makeFolder(deep);
      makeFolder(`${deep}/`);
      makeFolder(relative(process.cwd(), join(dir, 'd', 'e')));
      expect(existsSync(join(deep, 'kept'))).to.equal(true);
      expect(statSync(join(dir, 'd', 'e')).isDirectory()).to.equal(true);
    }));

  it('says why it cannot', () =>
    inTemporaryFolder(dir => {
      const file = join(dir, 'file');
      writeFileSync(file, '');
      mkdirSync(join(dir, 'folder'));
      expect(() => makeFolder(file)).to.throw(
        InputError,
        `${file}: the folder cannot be made: there is something else`,
      );
      expect(() => makeFolder(join(file, 'b'))).to.throw(InputError, 'a part of the path is not a folder');
      expect(() => makeFolder(join(dir, 'x'.repeat(300)))).to.throw(InputError, 'the name is too long');
    }));

  it('ends where nothing can be made, though the folder above is there', function () {
    if (!existsSync('/proc/self')) {
      console.log('      skipped: there is no /proc on this system');
      this.skip();
    }
    expect(() => makeFolder('/proc/clipscope/model')).to.throw(InputError, '/proc/clipscope/model: the folder cannot');
  });
});

describe('namesIn', () => {
  it('lists a folder, or says why it cannot', () =>
    inTemporaryFolder(dir => {
      expect(namesIn(dir)).to.deep.equal([]);
      writeFileSync(join(dir, '.hidden'), '');
      mkdirSync(join(dir, 'folder'));
      expect(namesIn(dir).sort()).to.deep.equal(['.hidden', 'folder']);
      expect(() => namesIn(join(dir, 'none'))).to.throw(InputError, 'none: cannot be read: no such file or folder');
      expect(() => namesIn(join(dir, '.hidden'))).to.throw(InputError, 'cannot be read');
    }));
});
