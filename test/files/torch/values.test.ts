import { expect } from 'chai';
import fc from 'fast-check';
import { torchLegacy, torchZip } from './fileBytes.js';
import {
  call,
  dict,
  global,
  int,
  op,
  orderedDict,
  persistentId,
  pickle,
  rowMajor,
  tensor,
  text,
  tuple,
} from './pickleBytes.js';
import { open, openSix, refused } from './reading.js';

const w = tensor({ shape: [2, 3] });

describe('values read by openTorch', () => {
  it('makes strided views contiguous', () => {
    const views: [Parameters<typeof tensor>[0], number[]][] = [
      [{ shape: [3, 2], strides: [1, 3] }, [0, 3, 1, 4, 2, 5]],
      [{ shape: [2, 2], strides: [3, 1], offset: 1, claims: 6 }, [1, 2, 4, 5]],
      [{ shape: [3], strides: [2], offset: 1, claims: 6 }, [1, 3, 5]],
      [{ shape: [2, 3], strides: [0, 2], claims: 6 }, [0, 2, 4, 0, 2, 4]],
      [{ shape: [3, 1, 2], strides: [1, 99, 3], claims: 6 }, [0, 3, 1, 4, 2, 5]],
      [{ shape: [1, 3], strides: [99, 1], offset: 3, claims: 6 }, [3, 4, 5]],
      [{ shape: [], offset: 5, claims: 6 }, [5]],
      [{ shape: [0, 7], offset: 6, claims: 6 }, []],
    ];
    for (const [spec, expected] of views) {
      const file = openSix(pickle(dict(['w', tensor(spec)])));
      expect([...file.readFloat32('w')], JSON.stringify(spec)).to.deep.equal(expected);
      expect([...file.readFloat32('w', new Float32Array(9))]).to.deep.equal(expected);
      const { bytes, shape, dtype } = file.read('w');
      expect([...new Float32Array(bytes.slice().buffer)]).to.deep.equal(expected);
      expect({ shape, dtype }).to.deep.equal({ shape: spec.shape, dtype: 'F32' });
    }
  });

  it('lets tensors share a storage', () => {
    const head = tensor({ shape: [2], claims: 6 });
    const tail = tensor({ shape: [4], offset: 2, claims: 6 });
    const file = openSix(pickle(dict(['head', head], ['tail', tail], ['all', w], ['tied', w])));
    expect([...file.readFloat32('head')]).to.deep.equal([0, 1]);
    expect([...file.readFloat32('tail')]).to.deep.equal([2, 3, 4, 5]);
    expect([...file.readFloat32('tied')]).to.deep.equal([...file.readFloat32('all')]);
  });

  it('keeps every bit of every element type', () => {
    const types: [string, string, number][] = [
      ['Float', 'F32', 4],
      ['Half', 'F16', 2],
      ['BFloat16', 'BF16', 2],
      ['Double', 'F64', 8],
      ['Long', 'I64', 8],
      ['Int', 'I32', 4],
      ['Short', 'I16', 2],
      ['Char', 'I8', 1],
      ['Byte', 'U8', 1],
      ['Bool', 'BOOL', 1],
    ];
    for (const [type, dtype, width] of types) {
      // All ones are a NaN in the floating types: its bits must survive the transposition too.
      const bytes = Uint8Array.from({ length: 4 * width }, (_, i) => (type === 'Bool' ? i % 2 : i < width ? 255 : i));
      const [a, b, c, d] = [0, 1, 2, 3].map(i => bytes.subarray(i * width, (i + 1) * width));
      const views = dict(
        ['w', tensor({ type, shape: [2, 2] })],
        ['t', tensor({ type, shape: [2, 2], strides: [1, 2] })],
      );
      const file = open(torchZip(pickle(views), { 0: bytes }));
      expect(file.tensors.get('w')).to.deep.equal({ name: 'w', dtype, shape: [2, 2] });
      expect([...file.read('w').bytes]).to.deep.equal([...bytes]);
      expect([...file.read('t').bytes]).to.deep.equal([a!, c!, b!, d!].flatMap(part => [...part]));
    }
  });

  it('reads the newer unsigned types over untyped storages', () => {
    const id = [...tuple(text('storage'), global('torch.storage', 'UntypedStorage'), text('0'), text('cpu'), int(8))];
    const rebuild = (dtype: string, elements: number) =>
      call(
        global('torch._utils', '_rebuild_tensor_v3'),
        [...id, ...op.persistent],
        int(0),
        tuple(int(elements)),
        tuple(int(1)),
        op.false,
        orderedDict,
        global('torch', dtype),
      );
    const bytes = Uint8Array.of(1, 0, 0, 0, 255, 255, 0, 0);
    const file = open(torchZip(pickle(dict(['a', rebuild('uint16', 4)], ['b', rebuild('uint32', 2)])), { 0: bytes }));
    expect([...file.readFloat32('a')]).to.deep.equal([1, 0, 65535, 0]);
    expect([...file.readFloat32('b')]).to.deep.equal([1, 65535]);
    refused(() => open(torchZip(pickle(dict(['a', rebuild('uint64', 2)])), { 0: bytes })), 'which has 1 elements');
    refused(() => open(torchZip(pickle(dict(['a', rebuild('complex64', 1)])), { 0: bytes })), "'torch.complex64'");
  });

  it('reads parameters and the oldest rebuild function', () => {
    const old = call(
      global('torch._utils', '_rebuild_tensor'),
      persistentId({ shape: [6] }),
      int(0),
      tuple(int(6)),
      tuple(int(1)),
    );
    const parameter = call(global('torch._utils', '_rebuild_parameter'), old, op.true, orderedDict);
    const withState = call(global('torch._utils', '_rebuild_parameter_with_state'), old, op.true, orderedDict, dict());
    const file = openSix(pickle(dict(['a', parameter], ['b', withState])));
    expect([...file.readFloat32('a')]).to.deep.equal([0, 1, 2, 3, 4, 5]);
    expect([...file.readFloat32('b')]).to.deep.equal([0, 1, 2, 3, 4, 5]);
  });

  it('gives back any permuted tensor, in both forms', () => {
    const view = fc
      .array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 })
      .chain(shape =>
        fc.tuple(fc.constant(shape), fc.shuffledSubarray([...shape.keys()], { minLength: shape.length })),
      );
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 4 }),
        view,
        fc.boolean(),
        (names, view, legacy) => {
          fc.pre(!names.some((name, i) => names.some((other, j) => i !== j && other.startsWith(`${name}.`))));
          const [base, order] = view;
          const count = base.reduce((product, size) => product * size, 1);
          const values = Float32Array.from({ length: count }, (_, i) => i + 0.5);
          const strides = rowMajor(base);
          const shape = order.map(axis => base[axis]!);
          const permuted = order.map(axis => strides[axis]!);
          const code = tensor({ shape, strides: permuted, claims: count, legacy });
          const object = pickle(dict(...names.map(name => [name, code] as const)));
          const bytes = new Uint8Array(values.buffer);
          const file = open(
            legacy ? torchLegacy(object, [{ key: '0', count, bytes }]) : torchZip(object, { 0: bytes }),
          );
          expect([...file.tensors.keys()]).to.deep.equal(names);
          const expected: number[] = [];
          const walk = (axis: number, at: number): void => {
            if (axis === shape.length) expected.push(values[at]!);
            else for (let i = 0; i < shape[axis]!; i++) walk(axis + 1, at + i * permuted[axis]!);
          };
          walk(0, 0);
          for (const name of names) {
            expect(file.tensors.get(name)).to.deep.equal({ name, dtype: 'F32', shape });
            expect([...file.readFloat32(name)]).to.deep.equal(expected);
          }
        },
      ),
      { numRuns: 150, seed: 3 },
    );
  });
});
