import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { npyBytes } from '../../src/files/npy.js';

const bytesOf = (values: ArrayBufferView) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

describe('files/npy', () => {
  // numpy.save of numpy.arange(6, dtype='f4').reshape(2, 3), numpy.array([1, -2]) and numpy.array(True), NumPy 2.4.6.
  const saved = {
    matrix:
      'k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAACAPwAAAEAAAEBAAACAQAAAoEA=',
    vector:
      'k05VTVBZAQB2AHsnZGVzY3InOiAnPGk4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoBAAAAAAAAAP7/////////',
    scalar:
      'k05VTVBZAQB2AHsnZGVzY3InOiAnfGIxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoB',
  };

  it('writes the bytes that NumPy writes', () => {
    const matrix = npyBytes({ dtype: 'F32', shape: [2, 3], bytes: bytesOf(Float32Array.of(0, 1, 2, 3, 4, 5)) });
    const vector = npyBytes({ dtype: 'I64', shape: [2], bytes: bytesOf(BigInt64Array.of(1n, -2n)) });
    const scalar = npyBytes({ dtype: 'BOOL', shape: [], bytes: Uint8Array.of(1) });
    expect(Buffer.from(matrix).toString('base64')).to.equal(saved.matrix);
    expect(Buffer.from(vector).toString('base64')).to.equal(saved.vector);
    expect(Buffer.from(scalar).toString('base64')).to.equal(saved.scalar);
  });

  it('begins the values at a multiple of 64 bytes, however long the header', () => {
    for (let axes = 0; axes <= 64; axes++) {
      const file = npyBytes({ dtype: 'F16', shape: Array(axes).fill(1), bytes: Uint8Array.of(1, 2) });
      const start = 10 + file[8]! + 256 * file[9]!;
      expect(start % 64).to.equal(0);
      expect(file.length).to.equal(start + 2);
      expect(file[start - 1]).to.equal(0x0a);
    }
  });

  it('writes a tensor without elements', () => {
    const file = npyBytes({ dtype: 'U8', shape: [0, 3], bytes: new Uint8Array(0) });
    expect(Buffer.from(file.subarray(10)).toString('latin1'))
      .to.include("'shape': (0, 3), }")
      .and.have.length(118);
  });

  it('refuses what NumPy cannot hold', () => {
    const bytes = new Uint8Array(2);
    expect(() => npyBytes({ dtype: 'BF16', shape: [1], bytes })).to.throw(InputError, 'bfloat16');
    expect(() => npyBytes({ dtype: 'F16', shape: Array(65).fill(1), bytes })).to.throw(InputError, '64 axes');
    expect(() => npyBytes({ dtype: 'F16', shape: [2], bytes })).to.throw(InputError, 'takes 4 bytes, got 2');
    expect(() => npyBytes({ dtype: 'F16', shape: [2 ** 53, 2], bytes })).to.throw(InputError, 'got 2');
  });
});
