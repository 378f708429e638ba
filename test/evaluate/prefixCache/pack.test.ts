import { expect } from 'chai';
import fc from 'fast-check';
import { pack, unpack } from '../../../src/evaluate/prefixCache/pack.js';

const packed = (...values: number[]) => pack({ data: Float32Array.from(values), shape: [values.length] });

/** Half the distance between the float16 values on both sides of a number. */
const halfStep = (value: number) => 2 ** (Math.max(Math.floor(Math.log2(Math.abs(value))), -14) - 11);

describe('evaluate/prefixCache/pack', () => {
  it('rounds to the nearest float16, or keeps all bits where one value is beyond float16', () => {
    const inRange = fc.float({ min: -65504, max: 65504, noDefaultInfinity: true });
    const anything = fc.float();
    const arrays = fc.oneof(fc.array(inRange), fc.array(anything));
    fc.assert(
      fc.property(arrays, given => {
        const tensor = packed(...given);
        const { data, shape } = unpack(tensor);
        expect(shape).to.deep.equal([given.length]);
        expect(tensor.dtype).to.equal(
          given.some(value => Number.isFinite(value) && Math.abs(value) >= 65520) ? 'F32' : 'F16',
        );
        expect(tensor.bytes.length).to.equal(given.length * (tensor.dtype === 'F16' ? 2 : 4));
        for (const [i, value] of given.entries()) {
          if (tensor.dtype === 'F32' || !Number.isFinite(value) || value === 0) expect(data[i]).to.deep.equal(value);
          else expect(Math.abs(data[i]! - value)).to.be.at.most(halfStep(value));
        }
        expect(pack(unpack(tensor))).to.deep.equal(tensor);
      }),
      { numRuns: 500 },
    );
  });

  it('draws the line where float16 would round to infinity', () => {
    expect(unpack(packed(65519.98828125, -65519.98828125)).data).to.deep.equal(Float32Array.of(65504, -65504));
    expect(packed(1e-9, 65520).dtype).to.equal('F32');
    expect(packed(-65520).dtype).to.equal('F32');
    const { dtype, bytes } = packed(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, -0);
    expect(dtype).to.equal('F16');
    expect([...new Uint16Array(bytes.buffer)]).to.deep.equal([0x7c00, 0xfc00, 0x7e00, 0x8000]);
  });

  it('copies, in both types', () => {
    for (const value of [1, 1e6]) {
      const data = Float32Array.of(value);
      const tensor = pack({ data, shape: [] });
      data[0] = 7;
      const first = unpack(tensor).data;
      expect(first).to.deep.equal(Float32Array.of(value));
      first[0] = 7;
      expect(unpack(tensor).data).to.deep.equal(Float32Array.of(value));
    }
  });

  it('refuses values that are not float32', () => {
    expect(() => pack({ data: Int32Array.of(1), shape: [1] })).to.throw(TypeError, 'expected float32');
  });
});
