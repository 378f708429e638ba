import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { bytesFromMemory } from '../../../src/files/bytes.js';
import { torchRules } from '../../../src/files/torch/globals.js';
import { openTorch } from '../../../src/files/torch/open.js';
import { unpickle } from '../../../src/files/torch/pickle.js';
import { floats, torchZip } from './fileBytes.js';
import { type Code, dict, fill, get, op, pickle, put, tensor, text } from './pickleBytes.js';
import { expectRefused } from './refused.js';

const rules = () => torchRules(new Map(), false);

function read(bytes: Uint8Array) {
  return unpickle(bytesFromMemory(bytes, 'a.pkl'), 0, rules());
}

function refused(bytes: Uint8Array, ...parts: string[]): void {
  expectRefused(() => read(bytes), 'a.pkl: byte ', ...parts);
}

describe('limits of a pickle', () => {
  it('bounds what a small pickle can grow into', () => {
    refused(repeated([], op.none, 1_000_001), 'values on the stack');
    refused(repeated([], op.emptyDict, 200_001), 'more than 2000000 values');
    refused(repeated([], op.mark, 2_000_001), 'more than 2000000 values');
    refused(repeated(op.none, op.memoize, 2_000_001), 'more than 2000000 values');
    refused(repeated(op.emptyList, [...op.none, ...op.append], 2_000_001), 'more than 2000000 values');
  });

  it('ends on objects that hold themselves, or each other many times over', () => {
    const open = (code: Code) => openTorch(bytesFromMemory(torchZip(pickle(code), { 0: floats(1) }), 'a.pt'));
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

  it('lets tied tensors claim a few times the file, not many', () => {
    const open = (count: number) => {
      const tied = Array.from({ length: count }, (_, i) => [`w${i}`, tensor({ shape: [4096] })] as const);
      return openTorch(bytesFromMemory(torchZip(pickle(dict(...tied)), { 0: new Uint8Array(16384) }), 'a.pt'));
    };
    expect(open(10).tensors.size).to.equal(10);
    expect(() => open(40)).to.throw(InputError, 'share storage to claim 655360 bytes');
  });
});

/** A pickle of one piece many times over. */
function repeated(start: Code, piece: Code, times: number): Uint8Array {
  const bytes = new Uint8Array(2 + start.length + piece.length * times + 1);
  bytes.set([0x80, 2, ...start]);
  const all = bytes.subarray(2 + start.length, -1);
  for (let i = 0; i < all.length; i++) all[i] = piece[i % piece.length]!;
  bytes.set(op.stop, bytes.length - 1);
  return bytes;
}
