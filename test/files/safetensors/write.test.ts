import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../../src/errors.js';
import { openBytes } from '../../../src/files/bytes.js';
import { type Dtype, dtypeWidths, tensorBytes, toFloat32 } from '../../../src/files/dtype.js';
import { openSafetensors } from '../../../src/files/safetensors/read.js';
import { safetensorsBytes, type TensorToWrite, writeSafetensors } from '../../../src/files/safetensors/write.js';
import type { TensorData } from '../../../src/files/tensorFile.js';
import { expectClose } from '../../goldens.js';
import { f32, open } from './craft.js';

const dtypes = Object.keys(dtypeWidths) as Dtype[];
const shape = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.nat(4), { maxLength: 4 }) },
  { weight: 1, arbitrary: fc.array(fc.constantFrom(0, 1), { maxLength: 64 }) },
);
const tensor = fc.tuple(fc.constantFrom(...dtypes), shape).chain(([dtype, shape]): fc.Arbitrary<TensorData> => {
  const size = tensorBytes(dtype, shape)!;
  return fc.uint8Array({ minLength: size, maxLength: size }).map(bytes => ({ dtype, shape, bytes }));
});
const text = fc.string({ unit: 'binary', maxLength: 12 });
const name = fc
  .oneof(text, fc.constantFrom('__proto__', 'constructor', '\u2028', '😀', 'ﬁ'))
  .filter(n => n !== '__metadata__');
const named = fc.uniqueArray(fc.tuple(name, tensor), { maxLength: 8, selector: ([name]) => name });
const metadata = fc
  .uniqueArray(fc.tuple(text, text), { maxLength: 4, selector: ([key]) => key })
  .map(all => new Map(all));

describe('files/safetensors/write', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'safetensors-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('gives back every tensor of every dtype and shape, and the metadata, in one order and aligned', () => {
    fc.assert(
      fc.property(named, metadata, (tensors, metadata) => {
        const bytes = safetensorsBytes(tensors, metadata);
        const file = open(bytes);
        expect(file.tensors.size).to.equal(tensors.length);
        for (const [name, tensor] of tensors) {
          const read = file.read(name);
          expect(read).to.deep.equal(tensor);
          expect(read.bytes.byteOffset % dtypeWidths[tensor.dtype]).to.equal(0);
          expectClose(file.readFloat32(name), toFloat32(tensor.dtype, tensor.bytes), { maxAbs: 0 });
        }
        expect(file.metadata).to.deep.equal(metadata);
        const otherOrder = [...tensors].reverse().map(([name, tensor]) => [name, lazy(tensor)] as const);
        expect(safetensorsBytes(new Map(otherOrder), new Map([...metadata].reverse()))).to.deep.equal(bytes);
      }),
      { numRuns: 300 },
    );
  });

  it('writes the bytes that the Python package writes', () => {
    // safetensors 0.8.0, safetensors.numpy.save: each dtype of NumPy, names that need escapes or sort apart in UTF-16.
    const saved = Buffer.from(
      'OAMAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJwdCJ9LCJ1Ijp7ImR0eXBlIjoiVTY0Iiwic2hhcGUiOlsxXSwiZGF0YV9vZmZzZXRzIjpbMCw4XX0sImkiOnsiZHR5cGUiOiJJNjQiLCJzaGFwZSI6W10sImRhdGFfb2Zmc2V0cyI6WzgsMTZdfSwiZCI6eyJkdHlwZSI6IkY2NCIsInNoYXBlIjpbMV0sImRhdGFfb2Zmc2V0cyI6WzE2LDI0XX0sInoiOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6WzAsMl0sImRhdGFfb2Zmc2V0cyI6WzI0LDI0XX0sImsiOnsiZHR5cGUiOiJVMzIiLCJzaGFwZSI6WzFdLCJkYXRhX29mZnNldHMiOlsyNCwyOF19LCJqIjp7ImR0eXBlIjoiSTMyIiwic2hhcGUiOlsxXSwiZGF0YV9vZmZzZXRzIjpbMjgsMzJdfSwiYSI6eyJkdHlwZSI6IkYxNiIsInNoYXBlIjpbMSwyXSwiZGF0YV9vZmZzZXRzIjpbMzIsMzZdfSwiYiI6eyJkdHlwZSI6IkYxNiIsInNoYXBlIjpbMl0sImRhdGFfb2Zmc2V0cyI6WzM2LDQwXX0sInciOnsiZHR5cGUiOiJVMTYiLCJzaGFwZSI6WzFdLCJkYXRhX29mZnNldHMiOls0MCw0Ml19LCJzIjp7ImR0eXBlIjoiSTE2Iiwic2hhcGUiOlsxXSwiZGF0YV9vZmZzZXRzIjpbNDIsNDRdfSwiYyI6eyJkdHlwZSI6Ikk4Iiwic2hhcGUiOlsxXSwiZGF0YV9vZmZzZXRzIjpbNDQsNDVdfSwi76yBIjp7ImR0eXBlIjoiVTgiLCJzaGFwZSI6WzFdLCJkYXRhX29mZnNldHMiOls0NSw0Nl19LCLwn5iAIjp7ImR0eXBlIjoiVTgiLCJzaGFwZSI6WzFdLCJkYXRhX29mZnNldHMiOls0Niw0N119LCJxXCJcXFxuXHUwMDAxIjp7ImR0eXBlIjoiQk9PTCIsInNoYXBlIjpbMl0sImRhdGFfb2Zmc2V0cyI6WzQ3LDQ5XX19ICAgICAgIAkAAAAAAAAA/f////////8AAAAAAADgPwYAAAAGAAAAADwAQAA+AMAFAP///AcIAQA=',
      'base64',
    );
    const tensors: [string, Dtype, number[], number[]][] = [
      ['b', 'F16', [2], [0x00, 0x3e, 0x00, 0xc0]],
      ['a', 'F16', [1, 2], [0x00, 0x3c, 0x00, 0x40]],
      ['i', 'I64', [], [253, 255, 255, 255, 255, 255, 255, 255]],
      ['z', 'F32', [0, 2], []],
      ['ﬁ', 'U8', [1], [7]],
      ['😀', 'U8', [1], [8]],
      ['q"\\\n\u0001', 'BOOL', [2], [1, 0]],
      ['u', 'U64', [1], [9, 0, 0, 0, 0, 0, 0, 0]],
      ['d', 'F64', [1], [0, 0, 0, 0, 0, 0, 0xe0, 0x3f]],
      ['s', 'I16', [1], [255, 255]],
      ['w', 'U16', [1], [5, 0]],
      ['c', 'I8', [1], [252]],
      ['j', 'I32', [1], [6, 0, 0, 0]],
      ['k', 'U32', [1], [6, 0, 0, 0]],
    ];
    const ours = safetensorsBytes(
      tensors.map(([name, dtype, shape, bytes]) => [name, { dtype, shape, bytes: Uint8Array.from(bytes) }]),
      new Map([['format', 'pt']]),
    );
    expect(Buffer.from(ours).toString('latin1')).to.equal(saved.toString('latin1'));
  });

  it('writes to a file what it writes to memory, one tensor at a time', () => {
    const path = join(folder, 'lazy.safetensors');
    const asked: string[] = [];
    const later = (name: string, tensor: TensorData) => ({
      ...tensor,
      bytes: () => {
        asked.push(name);
        return tensor.bytes;
      },
    });
    const one = f32(1, 2);
    const two: TensorData = { dtype: 'I64', shape: [1], bytes: new Uint8Array(8).fill(1) };
    writeSafetensors(path, [
      ['one', later('one', one)],
      ['two', later('two', two)],
    ]);
    expect(asked).to.deep.equal(['two', 'one']);
    const both = new Map([
      ['one', one],
      ['two', two],
    ]);
    expect(new Uint8Array(readFileSync(path))).to.deep.equal(safetensorsBytes(both));
    const file = openSafetensors(openBytes(path));
    expect([...file.tensors.keys()]).to.deep.equal(['two', 'one']);
    expect([...file.readFloat32('one')]).to.deep.equal([1, 2]);
    file.close();
  });

  it('looks at the tensors before it looks at the disk', () => {
    const path = join(folder, 'missing', 'a.safetensors');
    expect(() => writeSafetensors(path, [['a', { ...f32(1), shape: [2] }]])).to.throw(
      InputError,
      'takes 8 bytes, got 4',
    );
    expect(() => writeSafetensors(path, [['a', f32(1)]])).to.throw(
      InputError,
      `${path}: cannot be written: no such file`,
    );
  });

  const surrogate = String.fromCharCode(0xd800);
  const bad: [what: string, tensors: [string, TensorToWrite][], message: string, metadata?: Map<string, string>][] = [
    [
      'a name given twice',
      [
        ['a', f32(1)],
        ['a', f32(2)],
      ],
      "tensor 'a': given twice",
    ],
    ['the reserved name', [['__metadata__', f32(1)]], 'reserved'],
    ['a name that is not Unicode', [[surrogate, f32(1)]], 'lone surrogate'],
    ['metadata that is not Unicode', [], 'lone surrogate', new Map([['k', surrogate]])],
    ['bytes too few', [['a', { ...f32(1), shape: [2] }]], "tensor 'a': shape [2] of F32 takes 8 bytes, got 4"],
    [
      'bytes too many, made late',
      [['a', lazy({ ...f32(1), shape: [0] })]],
      "tensor 'a': shape [0] of F32 takes 0 bytes, got 4",
    ],
    ['a fraction in a shape', [['a', { ...f32(1), shape: [0.5, 2] }]], 'non-negative integers, got [0.5,2]'],
    ['a negative axis', [['a', { ...f32(1), shape: [-1, -1] }]], 'non-negative integers, got [-1,-1]'],
    ['65 axes', [['a', { ...f32(1), shape: Array(65).fill(1) }]], 'at most 64 axes'],
    ['a size beyond 2^53', [['a', { ...f32(), shape: [2 ** 40, 2 ** 40] }]], 'overflows'],
    ['an unknown dtype', [['a', { ...f32(1), dtype: 'F8_E4M3' as Dtype }]], "tensor 'a': unknown dtype 'F8_E4M3'"],
  ];
  for (const [what, tensors, message, metadata] of bad) {
    it(`refuses ${what} and leaves the old file`, () => {
      const path = join(folder, 'old.safetensors');
      writeFileSync(path, 'old');
      expect(() => writeSafetensors(path, tensors, metadata)).to.throw(InputError, message);
      expect(() => safetensorsBytes(tensors, metadata)).to.throw(InputError, message);
      expect(readFileSync(path, 'utf8')).to.equal('old');
      expect(readdirSync(folder).filter(file => file.endsWith('.tmp'))).to.deep.equal([]);
    });
  }

  it('refuses a header over 100 MB and leaves the old file', () => {
    const path = join(folder, 'old.safetensors');
    writeFileSync(path, 'old');
    const metadata = new Map([['k', 'v'.repeat(1e8)]]);
    expect(() => writeSafetensors(path, [], metadata)).to.throw(InputError, 'fit 100000000 bytes, got 100000032');
    expect(readFileSync(path, 'utf8')).to.equal('old');
  });
});

function lazy(tensor: TensorData): TensorToWrite {
  return { ...tensor, bytes: () => tensor.bytes };
}
