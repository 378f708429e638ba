import { expect } from 'chai';
import fc from 'fast-check';
import {
  type Dtype,
  dtypeWidths,
  fromFloat32,
  tensorBytes,
  toBfloat16Bits,
  toFloat16Bits,
  toFloat32,
} from '../../src/files/dtype.js';
import { expectClose } from '../goldens.js';

const bytesOf = (values: ArrayBufferView) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
const everyPattern = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
const isNaNPattern = (dtype: 'F16' | 'BF16', bits: number) =>
  dtype === 'F16' ? (bits & 0x7fff) > 0x7c00 : (bits & 0x7fff) > 0x7f80;

describe('files/dtype', () => {
  for (const dtype of ['F16', 'BF16'] as const) {
    it(`${dtype}: every one of the 65536 patterns survives the way to float32 and back`, () => {
      const values = toFloat32(dtype, bytesOf(everyPattern));
      const back = new Uint16Array(fromFloat32(dtype, values).buffer);
      for (let bits = 0; bits < 65536; bits++) {
        if (isNaNPattern(dtype, bits)) {
          expect(values[bits]).to.be.NaN;
          expect(isNaNPattern(dtype, back[bits]!), `0x${bits.toString(16)}`).to.equal(true);
        } else if (back[bits] !== bits)
          expect.fail(`0x${bits.toString(16)} came back as 0x${back[bits]!.toString(16)}`);
      }
    });

    it(`${dtype}: halfway between two neighbours goes to the even one, a hair beside it to the nearer`, () => {
      const toBits = dtype === 'F16' ? toFloat16Bits : toBfloat16Bits;
      const values = toFloat32(dtype, bytesOf(everyPattern));
      const infinity = dtype === 'F16' ? 0x7c00 : 0x7f80;
      const word = new Uint32Array(1);
      const float = new Float32Array(word.buffer);
      for (let bits = 0; bits < infinity - 1; bits++) {
        const halfway = (values[bits]! + values[bits + 1]!) / 2; // exact in float32: one bit more than either
        const even = bits % 2 === 0 ? bits : bits + 1;
        float[0] = halfway;
        expectBits(toBits(halfway), even);
        expectBits(toBits(-halfway), even | 0x8000);
        word[0]! -= 1;
        expectBits(toBits(float[0]!), bits);
        word[0]! += 2;
        expectBits(toBits(float[0]!), bits + 1);
      }
    });
  }

  it('F16 and BF16: values as NumPy 2.4 and the bit lay-outs give them', () => {
    const halves: [value: number, bits: number][] = [
      [1.00048828125, 0x3c00],
      [1.00146484375, 0x3c02],
      [1.0004892349243164, 0x3c01],
      [65504, 0x7bff],
      [65519.98828125, 0x7bff],
      [65520, 0x7c00],
      [2.9802322387695312e-8, 0],
      [2.980232594040899e-8, 1],
      [8.940696716308594e-8, 2],
      [6.102025508880615e-5, 0x400],
      [6.0999998822808266e-5, 0x3ff],
      [0.3333333432674408, 0x3555],
      [-0.10000000149011612, 0xae66],
      [3.1415927410125732, 0x4248],
      [-0, 0x8000],
      [Number.NEGATIVE_INFINITY, 0xfc00],
    ];
    for (const [value, bits] of halves) expectBits(toFloat16Bits(value), bits);
    const brains: [value: number, bits: number][] = [
      [1, 0x3f80],
      [-2, 0xc000],
      [3.4028234663852886e38, 0x7f80], // the largest float32 is nearer to the next power of two
      [3.3895313892515355e38, 0x7f7f],
      [1.401298464324817e-45, 0],
      [9.183549615799121e-41, 1],
      [-0, 0x8000],
    ];
    for (const [value, bits] of brains) expectBits(toBfloat16Bits(value), bits);
    expect([0x7f800001, 0xffffffff].map(bits => toBfloat16Bits(fromBits(bits)))).to.satisfy((all: number[]) =>
      all.every(bits => isNaNPattern('BF16', bits)),
    );
  });

  it('reads every other dtype as float32, rounding 64-bit values once', () => {
    const read = (dtype: Dtype, values: ArrayBufferView) => [...toFloat32(dtype, bytesOf(values))];
    expect(read('BOOL', Uint8Array.of(0, 1))).to.deep.equal([0, 1]);
    expect(read('U8', Uint8Array.of(0, 255))).to.deep.equal([0, 255]);
    expect(read('I8', Int8Array.of(-128, 127))).to.deep.equal([-128, 127]);
    expect(read('U16', Uint16Array.of(65535))).to.deep.equal([65535]);
    expect(read('I16', Int16Array.of(-32768))).to.deep.equal([-32768]);
    expect(read('U32', Uint32Array.of(0xffffffff, 16777217))).to.deep.equal([4294967296, 16777216]);
    expect(read('I32', Int32Array.of(-2147483648, 16777219))).to.deep.equal([-2147483648, 16777220]);
    expect(read('F32', Float32Array.of(0.1))).to.deep.equal([Math.fround(0.1)]);
    expect(read('F64', Float64Array.of(0.1, 1e300, -1e-50))).to.deep.equal([
      Math.fround(0.1),
      Number.POSITIVE_INFINITY,
      -0,
    ]);
    // numpy.array([...]).astype(numpy.float32); the first and third are lost by rounding to a double on the way.
    const signed = [
      2n ** 60n + 2n ** 36n + 1n,
      2n ** 60n + 2n ** 36n,
      -(2n ** 60n + 2n ** 36n + 1n),
      -(2n ** 63n),
      2n ** 24n + 1n,
    ];
    expect(read('I64', BigInt64Array.from(signed))).to.deep.equal([
      1.1529216420458004e18, 1.152921504606847e18, -1.1529216420458004e18, -9.223372036854776e18, 16777216,
    ]);
    const unsigned = [2n ** 64n - 1n, 2n ** 63n + 2n ** 39n, 2n ** 63n + 2n ** 39n + 1n, 2n ** 63n + 2n ** 39n - 1n];
    expect(read('U64', BigUint64Array.from(unsigned))).to.deep.equal([
      1.8446744073709552e19, 9.223372036854776e18, 9.223373136366404e18, 9.223372036854776e18,
    ]);
  });

  it('reads bytes at any alignment, also those of a Buffer, into a given array or a new one', () => {
    const dtypes = Object.keys(dtypeWidths) as Dtype[];
    const anyDtype = fc.constantFrom(...dtypes);
    fc.assert(
      fc.property(anyDtype, fc.uint8Array({ maxLength: 64 }), fc.nat(8), fc.boolean(), (dtype, raw, shift, buffer) => {
        const whole = raw.length - (raw.length % dtypeWidths[dtype]);
        const aligned = raw.slice(0, whole);
        const shifted = new Uint8Array(shift + whole);
        shifted.set(aligned, shift);
        const bytes = buffer ? Buffer.from(shifted.buffer, shift) : shifted.subarray(shift);
        const expected = toFloat32(dtype, aligned);
        expectClose(toFloat32(dtype, bytes), expected, { maxAbs: 0 });
        const into = new Float32Array(expected.length + 1).fill(7);
        expectClose(toFloat32(dtype, bytes, into), expected, { maxAbs: 0 });
        expect(into[expected.length]).to.equal(7);
      }),
    );
  });

  it('refuses half an element and an array that is too short', () => {
    expect(() => toFloat32('F16', new Uint8Array(3))).to.throw(RangeError, 'whole number');
    expect(() => toFloat32('F16', new Uint8Array(4), new Float32Array(1))).to.throw(RangeError, '2 wanted');
  });

  it('multiplies a shape up to 2^53 - 1 bytes', () => {
    expect(tensorBytes('F32', [])).to.equal(4);
    expect(tensorBytes('U8', [2, 0, 3])).to.equal(0);
    expect(tensorBytes('U8', [2 ** 52, 2])).to.equal(undefined);
    expect(tensorBytes('U8', [2 ** 53 - 1])).to.equal(2 ** 53 - 1);
    expect(tensorBytes('U16', [2 ** 52])).to.equal(undefined);
    expect(tensorBytes('U8', [2 ** 40, 2 ** 40, 0])).to.equal(undefined);
    expect(tensorBytes('U8', [0, 2 ** 40, 2 ** 40])).to.equal(0);
  });
});

function expectBits(actual: number, expected: number): void {
  // A plain comparison: chai's is too slow for the loops above.
  if (actual !== expected) expect.fail(`0x${actual.toString(16)} instead of 0x${expected.toString(16)}`);
}

function fromBits(bits: number): number {
  return new Float32Array(Uint32Array.of(bits).buffer)[0]!;
}
