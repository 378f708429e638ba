import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { floats, torchZip } from './fileBytes.js';
import { type Code, dict, fill, get, op, pickle, put, tensor, text } from './pickleBytes.js';
import { open as openFile, refusedPickle as refused } from './reading.js';

describe('limits of a pickle', () => {
  it('bounds what a small pickle can grow into', () => {
    refused(repeated(op.none, 1_000_001), '(NONE)', 'values on the stack');
    // 200,000 dictionaries spend all that a pickle may build.
    const values = 'more than 2000000 values';
    refused(repeated(op.emptyDict, 200_001), '(EMPTY_DICT)', values);
    refused(repeated(op.emptyDict, 200_000, op.mark), '(MARK)', values);
    refused(repeated(op.emptyDict, 200_000, [...op.none, ...op.memoize]), '(MEMOIZE)', values);
    refused(repeated(op.emptyDict, 200_000, [...text('a'), ...op.none, ...op.setItem]), '(SETITEM)', values);
    refused(repeated(op.emptyDict, 199_999, [...op.emptyList, ...op.none, ...op.append]), '(APPEND)', values);
  });

  it('ends on objects that hold themselves, or each other many times over', () => {
    const open = (code: Code) => openFile(torchZip(pickle(code), { 0: floats(1) }));
    const cyclic = (key: string): Code => [...op.emptyDict, ...put(0), ...text(key), ...get(0), ...op.setItem];
    expect(() => open(cyclic('a'))).to.throw(InputError, 'contains itself');
    expect(() => open(cyclic('model'))).to.throw(InputError, 'contains itself');
    const selfList: Code = [...op.emptyList, ...put(0), ...get(0), ...op.append];
    const file = open(dict(['list', selfList], ['w', tensor({ shape: [1] })]));
    expect([...file.tensors.keys()]).to.deep.equal(['w']);
    // Each level holds the one before it twice: 2^40 paths out of 2 kB.
    const levels = Array.from({ length: 40 }, (_, i): readonly [string, Code] => {
      const twice: (readonly [Code, Code])[] = [
        [text('a'), get(i - 1)],
        [text('b'), get(i - 1)],
      ];
      return [`level${i}`, [...op.emptyDict, ...(i === 0 ? [] : fill(twice)), ...put(i)]];
    });
    expect(() => open(dict(...levels))).to.throw(InputError, 'more than 1000000 parts');
  });

  it('bounds the names of tensors together', () => {
    // One dictionary of 1,000 tensors under ten long keys: 40 million characters of names out of 50 kB.
    const weight = (i: number): Code => (i === 0 ? [...tensor({ shape: [1] }), ...put(0)] : get(0));
    const inner: Code = [...dict(...Array.from({ length: 1000 }, (_, i) => [`${i}`, weight(i)] as const)), ...put(1)];
    const keys = Array.from({ length: 10 }, (_, i) => text(`${'k'.repeat(4000)}${i}`));
    const object: Code = [...op.emptyDict, ...fill(keys.map((key, i) => [key, i === 0 ? inner : get(1)]))];
    expect(() => openFile(torchZip(pickle(object), { 0: floats(1) }))).to.throw(
      InputError,
      'a.pt: its tensor names have more than 33554432 characters together',
    );
  });

  it('lets tied tensors claim a few times the file, not many', () => {
    const open = (count: number) => {
      const tied = Array.from({ length: count }, (_, i) => [`w${i}`, tensor({ shape: [4096] })] as const);
      return openFile(torchZip(pickle(dict(...tied)), { 0: new Uint8Array(16384) }));
    };
    expect(open(10).tensors.size).to.equal(10);
    expect(() => open(40)).to.throw(InputError, 'share storage to claim 655360 bytes');
  });
});

/** A pickle of one opcode many times over, and then `rest`. */
function repeated([opcode]: Code, times: number, rest: Code = []): Uint8Array {
  const bytes = new Uint8Array(2 + times + rest.length + 1).fill(opcode!);
  bytes.set([0x80, 2]);
  bytes.set([...rest, ...op.stop], 2 + times);
  return bytes;
}
