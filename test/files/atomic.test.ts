import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { checkWritable, writeAtomic } from '../../src/files/atomic.js';
import { unprivileged } from '../unprivileged.js';

describe('files/atomic', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'atomic-'));
  });
  afterEach(() => {
    chmodSync(folder, 0o755);
    rmSync(folder, { recursive: true });
  });

  it('writes bytes, or pieces whose memory is used again, and replaces what was there', () => {
    const path = join(folder, 'a.bin');
    writeAtomic(path, Uint8Array.of(1, 2, 3));
    expect([...readFileSync(path)]).to.deep.equal([1, 2, 3]);
    const piece = new Uint8Array(2);
    writeAtomic(path, write => {
      for (let i = 0; i < 3; i++) write(piece.fill(i));
      write(new Uint8Array(0));
    });
    expect([...readFileSync(path)]).to.deep.equal([0, 0, 1, 1, 2, 2]);
    expect(readdirSync(folder)).to.deep.equal(['a.bin']);
  });

  it('leaves the old file and nothing else when the writing fails', () => {
    const path = join(folder, 'a.bin');
    writeFileSync(path, 'old');
    const fault = new Error('half way');
    const failing = () =>
      writeAtomic(path, write => {
        write(Uint8Array.of(1));
        expect(readFileSync(path, 'utf8')).to.equal('old');
        expect(readdirSync(folder)).to.have.length(2);
        throw fault;
      });
    expect(failing).to.throw(fault);
    expect(readFileSync(path, 'utf8')).to.equal('old');
    expect(readdirSync(folder)).to.deep.equal(['a.bin']);
  });

  it('removes its temporary file when the rename fails', () => {
    const path = join(folder, 'a.bin');
    expect(() => writeAtomic(path, () => mkdirSync(path))).to.throw(InputError, `${path}: cannot be written: `);
    expect(readdirSync(folder)).to.deep.equal(['a.bin']);
  });

  it('writes through a symbolic link', () => {
    mkdirSync(join(folder, 'there'));
    const target = join(folder, 'there', 'a.bin');
    writeFileSync(target, 'old');
    symlinkSync(target, join(folder, 'link'));
    writeAtomic(join(folder, 'link'), Buffer.from('new'));
    expect(readFileSync(target, 'utf8')).to.equal('new');
    expect(readFileSync(join(folder, 'link'), 'utf8')).to.equal('new');
  });

  it('takes a name as long as the file system allows', () => {
    const path = join(folder, 'n'.repeat(255));
    checkWritable(path);
    writeAtomic(path, Uint8Array.of(1));
    expect(existsSync(path)).to.equal(true);
  });

  const refused: [what: string, path: () => string, reason: string][] = [
    ['a missing folder', () => join(folder, 'missing', 'a.bin'), 'no such file or folder'],
    ['a folder', () => folder, 'it is a folder'],
    ['a path that ends like a folder', () => `${folder}/new/`, 'expected the name of a file'],
    ['no path', () => '', 'expected the name of a file'],
    ['a file used as a folder', () => join(folder, 'file', 'a.bin'), 'a part of the path is not a folder'],
    ['a link to nothing', () => join(folder, 'dangling'), 'no such file or folder'],
    ['a name that is too long', () => join(folder, 'n'.repeat(300)), 'the name is too long'],
    ['a name with a zero byte', () => join(folder, 'a\0b'), 'null bytes'],
    ['a named pipe', () => join(folder, 'pipe'), 'it is a special file'],
  ];
  for (const [what, path, reason] of refused) {
    it(`refuses ${what} before and at writing, naming it and the reason`, function () {
      if (what === 'a named pipe') {
        if (process.platform === 'win32') this.skip();
        execFileSync('mkfifo', [path()]);
      }
      writeFileSync(join(folder, 'file'), '');
      symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling'));
      const before = readdirSync(folder);
      let called = false;
      const write = () => {
        called = true;
      };
      for (const attempt of [() => checkWritable(path()), () => writeAtomic(path(), write)]) {
        expect(attempt)
          .to.throw(InputError, reason)
          .with.property('message')
          .that.match(/^[^\n]*: cannot be written: [^\n]*$/);
      }
      expect(called, 'the work was begun').to.equal(false);
      expect(readdirSync(folder)).to.deep.equal(before);
    });
  }

  it('refuses a read-only folder', async function () {
    if (process.platform === 'win32') this.skip();
    chmodSync(folder, 0o555);
    await unprivileged(() => {
      const path = join(folder, 'a.bin');
      expect(() => checkWritable(path)).to.throw(InputError, `${path}: cannot be written: permission denied`);
      expect(() => writeAtomic(path, Uint8Array.of(1))).to.throw(InputError, 'permission denied');
    });
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('finds a writable path writable, and leaves no trace', () => {
    writeFileSync(join(folder, 'a.bin'), 'old');
    checkWritable(join(folder, 'a.bin'));
    checkWritable(join(folder, 'b.bin'));
    expect(readdirSync(folder)).to.deep.equal(['a.bin']);
    expect(readFileSync(join(folder, 'a.bin'), 'utf8')).to.equal('old');
  });
});
