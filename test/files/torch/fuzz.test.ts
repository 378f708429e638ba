import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { bytesFromMemory } from '../../../src/files/byteSource.js';
import { dtypeWidths } from '../../../src/files/dtype.js';
import { openTorch } from '../../../src/files/torch/open.js';
import { randomBelow } from '../../random.js';
import { floats, members, scriptMembers, torchLegacy, zip } from './fileBytes.js';
import { type Code, dict, fill, global, int, op, orderedDict, pickle, put, tensor, text } from './pickleBytes.js';
import { isOneLine } from './refused.js';

const values = floats(...Array.from({ length: 12 }, (_, i) => i));

function stateDict(legacy: boolean): Code {
  return dict(
    ['epoch', int(3)],
    [
      'state_dict',
      [
        ...orderedDict,
        ...put(9),
        ...fill([
          [text('a'), tensor({ shape: [3, 4], legacy })],
          [text('b'), tensor({ shape: [2, 2], strides: [1, 4], offset: 1, claims: 12, legacy })],
          [text('c'), tensor({ type: 'Half', key: '1', shape: [2], legacy })],
        ]),
      ],
    ],
  );
}

const module: Code = [
  ...global('__torch__.a', 'Module'),
  ...op.emptyTuple,
  ...op.newObject,
  ...dict(
    ['training', op.true],
    ['a', tensor({ shape: [3, 4] })],
    ['c', tensor({ type: 'Half', key: '1', shape: [2] })],
  ),
  ...op.build,
];

const storages = { 0: values, 1: Uint8Array.of(0, 60, 0, 64) };

/** Without CRCs, so that mutations reach what lies behind them. */
function archive(object: Code, script: boolean): Uint8Array {
  const list = [...members(pickle(object), storages), ...(script ? scriptMembers : [])];
  return zip(list.map(member => ({ ...member, crc: 0 })));
}

const samples = {
  'torch-zip': archive(stateDict(false), false),
  'torch-script': archive(module, true),
  'torch-legacy': torchLegacy(pickle(stateDict(true)), [
    { key: '0', count: 12, bytes: values },
    { key: '1', count: 2, bytes: storages[1] },
  ]),
};

/** Opens, reads everything, and checks each tensor's size; true when nothing was refused. */
function survives(bytes: Uint8Array): boolean {
  try {
    const file = openTorch(bytesFromMemory(bytes, 'a.pt'));
    for (const { name, dtype, shape } of file.tensors.values()) {
      const elements = shape.reduce((product, size) => product * size, 1);
      expect(file.read(name).bytes.length).to.equal(elements * dtypeWidths[dtype]);
      expect(file.readFloat32(name).length).to.equal(elements);
      expect(elements * dtypeWidths[dtype]).to.be.at.most(bytes.length);
    }
    return true;
  } catch (error) {
    if (error instanceof InputError && isOneLine(error.message)) return false;
    throw error;
  }
}

function mutate(sample: Uint8Array, random: (below: number) => number): Uint8Array {
  const bytes = [...sample];
  for (let changes = 1 + random(3); changes > 0; changes--) {
    const at = random(bytes.length);
    switch (random(6)) {
      case 0:
        bytes[at]! ^= 1 << random(8);
        break;
      case 1:
        bytes[at] = [0, 1, 0x7f, 0x80, 0xff, 0x28, 0x2e, 0x52, 0x62, 0x71, 0x68][random(11)]!;
        break;
      case 2:
        bytes.splice(at, 1 + random(8));
        break;
      case 3:
        bytes.splice(at, 0, ...bytes.slice(random(bytes.length)).slice(0, 1 + random(40)));
        break;
      case 4:
        bytes[at] = bytes[random(bytes.length)]!;
        break;
      case 5: {
        const other = random(bytes.length);
        for (let i = 0; i < 8 && at + i < bytes.length && other + i < bytes.length; i++)
          bytes[at + i] = bytes[other + i]!;
      }
    }
  }
  return Uint8Array.from(bytes);
}

describe('openTorch on damaged files', () => {
  for (const [format, sample] of Object.entries(samples)) {
    it(`refuses ${format} cut short at every byte`, () => {
      expect(survives(sample)).to.equal(true);
      expect(openTorch(bytesFromMemory(sample)).format).to.equal(format);
      for (let length = 0; length < sample.length; length++) {
        expect(survives(sample.slice(0, length)), `${length} bytes`).to.equal(false);
      }
    });

    it(`refuses ${format} with a byte more at the end`, () => {
      expect(survives(Uint8Array.from([...sample, 0]))).to.equal(false);
    });

    it(`gives right-sized tensors or a clear error for mutated ${format}`, () => {
      const random = randomBelow(20240607);
      let survived = 0;
      const rounds = 2500;
      for (let round = 0; round < rounds; round++) if (survives(mutate(sample, random))) survived++;
      // Both happen: some mutations fall into values, names and ignored numbers, most do not.
      expect(survived).to.be.within(rounds / 50, rounds / 2);
    });
  }
});
