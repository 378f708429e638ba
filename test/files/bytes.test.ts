import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { bytesFromMemory } from '../../src/files/byteSource.js';
import { openBytes } from '../../src/files/bytes.js';

describe('byte sources', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'bytes-'));
    writeFileSync(
      join(folder, 'ten'),
      Uint8Array.from({ length: 10 }, (_, i) => i),
    );
  });
  after(() => rmSync(folder, { recursive: true }));

  const both: [string, () => ReturnType<typeof openBytes>][] = [
    ['a file', () => openBytes(join(folder, 'ten'))],
    [
      'memory',
      () =>
        bytesFromMemory(
          Uint8Array.from({ length: 10 }, (_, i) => i),
          'ten',
        ),
    ],
  ];
  for (const [kind, open] of both) {
    it(`${kind} is read by range`, () => {
      const source = open();
      expect(source.size).to.equal(10);
      expect([...source.read(3, 4)]).to.deep.equal([3, 4, 5, 6]);
      expect([...source.read(10, 0)]).to.deep.equal([]);
      const into = new Uint8Array(6);
      expect([...source.read(8, 2, into)]).to.deep.equal([8, 9]);
      expect([...into]).to.deep.equal([8, 9, 0, 0, 0, 0]);
      source.close();
    });

    for (const [offset, length] of [
      [9, 2],
      [-1, 1],
      [0, 11],
      [0.5, 1],
      [0, Number.NaN],
      [2 ** 53, 1],
    ] as const) {
      it(`${kind} refuses ${length} bytes at ${offset}`, () => {
        const source = open();
        expect(() => source.read(offset, length)).to.throw(InputError, /ten: expected .* bytes at offset .* has 10/);
        source.close();
      });
    }
  }

  it('refuses what is no regular file, without waiting', () => {
    expect(() => openBytes(folder)).to.throw(InputError, `${folder}: expected a file, got a directory`);
    expect(() => openBytes(join(folder, 'none'))).to.throw(InputError, 'no such file or folder');
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect(() => openBytes(pipe)).to.throw(InputError, 'expected a file, got a special file');
  });

  it('closes twice without harm', () => {
    const source = openBytes(join(folder, 'ten'));
    source.close();
    source.close();
  });
});
