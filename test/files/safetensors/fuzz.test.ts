import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../../src/errors.js';
import { dtypeWidths, tensorBytes } from '../../../src/files/dtype.js';
import { safetensorsBytes } from '../../../src/files/safetensors/write.js';
import { f32, open } from './craft.js';

const seed = safetensorsBytes(
  new Map([
    ['a', f32(1, 2, 3)],
    ['b', { dtype: 'F16', shape: [2, 1], bytes: Uint8Array.of(0, 60, 0, 64) }],
    ['é', { dtype: 'I64', shape: [0, 3], bytes: new Uint8Array(0) }],
    ['d', { dtype: 'BOOL', shape: [], bytes: Uint8Array.of(1) }],
  ]),
  new Map([['format', 'pt']]),
);
// Pieces of the header's own language, so that some mutants are still JSON and some still files.
const pieces = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '0',
  '9',
  '-',
  'e1',
  '.5',
  ' ',
  '\n',
  '\\',
  '\\u0061',
  'null',
  'F32',
  '[2]',
  '{}',
]
  .concat('"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},', '"__metadata__":{},', '\u0000', '\ud83d\ude00')
  .map(piece => Buffer.from(piece));

type Change = (bytes: Buffer) => Buffer;
const spliced = (bytes: Buffer, at: number, removed: number, inserted: Uint8Array) =>
  Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + removed)]);

const at = fc.nat(seed.length);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(at, fc.nat(7)).map(
    ([at, bit]): Change =>
      bytes =>
        spliced(bytes, at, 1, Buffer.of((bytes[at] ?? 0) ^ (1 << bit))),
  ),
  fc.tuple(at, fc.nat(255)).map(
    ([at, byte]): Change =>
      bytes =>
        spliced(bytes, at, 0, Buffer.of(byte)),
  ),
  fc.tuple(at, fc.constantFrom(...pieces)).map(
    ([at, piece]): Change =>
      bytes =>
        spliced(bytes, at, 0, piece),
  ),
  fc.tuple(at, fc.nat(5)).map(
    ([at, count]): Change =>
      bytes =>
        spliced(bytes, at, count, Buffer.alloc(0)),
  ),
  at.map(
    (at): Change =>
      bytes =>
        bytes.subarray(0, at),
  ),
);

/** The seed with changes, mostly with the header's length brought along; without, nearly all would fail there. */
const mutant = fc.tuple(fc.array(change, { minLength: 1, maxLength: 3 }), fc.nat(7)).map(([changes, stale]) => {
  const bytes = changes.reduce<Buffer>((bytes, change) => change(bytes), Buffer.from(seed));
  const length = Buffer.from(seed).readBigInt64LE() + BigInt(bytes.length - seed.length);
  if (bytes.length >= 8 && stale > 0) bytes.writeBigInt64LE(length);
  return new Uint8Array(bytes);
});

describe('files/safetensors fuzz', () => {
  it('gives every mutant of a small file an InputError or tensors of the right sizes', () => {
    let taken = 0;
    const messages = new Set<string>();
    const holds = fc.property(mutant, bytes => {
      try {
        const file = open(bytes);
        let total = 0;
        for (const { name, dtype, shape } of file.tensors.values()) {
          const size = file.read(name).bytes.length;
          expect(size).to.equal(tensorBytes(dtype, shape));
          expect(file.readFloat32(name)).to.have.length(size / dtypeWidths[dtype]);
          total += size;
        }
        expect(total).to.be.below(bytes.length);
        taken++;
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        expect(error.message).to.match(/^x\.safetensors: .*$/);
        messages.add(error.message.replace(/'.*?'|\d+/g, '_'));
      }
    });
    fc.assert(holds, { seed: 20260512, numRuns: 5000 });
    // The mutants reach far into the reader: some are files, the others fail in many ways.
    expect(taken).to.be.above(50);
    expect(messages.size).to.be.above(30);
  });
});
