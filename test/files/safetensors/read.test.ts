import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { bytesFromMemory } from '../../../src/files/byteSource.js';
import { openBytes } from '../../../src/files/bytes.js';
import { type Dtype, dtypeWidths, toFloat32 } from '../../../src/files/dtype.js';
import { openSafetensors } from '../../../src/files/safetensors/read.js';
import { safetensorsBytes, writeSafetensors } from '../../../src/files/safetensors/write.js';
import { expectClose, goldenPath, readGolden } from '../../goldens.js';
import { craft, f32, member, open } from './craft.js';

// The npm package `safetensors` gives a second opinion on where each tensor lies; it validates nothing, so only tests use it.
const { SafeTensor } = createRequire(import.meta.url)('safetensors') as {
  SafeTensor: new (
    file: Uint8Array,
  ) => { metadata: Map<string, { dtype: string; shape: number[] }>; getTensor(name: string): Uint8Array };
};

const dtypes = Object.keys(dtypeWidths) as Dtype[];

describe('files/safetensors/read', () => {
  const goldens = [
    'clip-tiny/full_vocab_outputs',
    'clip-tiny/v512_outputs',
    'clip-tiny/vision_trace',
    'clip-tiny/text_trace',
    'clip-tiny/other_sizes',
    'ops/interpolate',
    'ops/pointwise',
    'preprocess/pillow_resize',
    'preprocess/pixels',
    'segmentation/pamr',
    'segmentation/pipeline',
  ];
  for (const golden of goldens) {
    it(`reads ${golden} as the few lines of readGolden do, and writes it back`, function () {
      const path = goldenPath(this, `${golden}.safetensors`);
      const expected = readGolden(path);
      const file = openSafetensors(openBytes(path));
      expect([...file.tensors.keys()])
        .to.have.members(Object.keys(expected))
        .and.to.have.length.above(5);
      for (const [name, { dtype, shape, data }] of Object.entries(expected)) {
        expect(file.tensors.get(name)).to.include({ name, dtype }).with.property('shape').that.deep.equals(shape);
        const values = data instanceof BigInt64Array ? Array.from(data, Number) : data;
        expectClose(file.readFloat32(name), values, { maxAbs: 0 }, { name, shape });
      }
      const copy = open(safetensorsBytes([...file.tensors.keys()].map(name => [name, file.read(name)])));
      for (const name of file.tensors.keys())
        expect(sameBytes(copy.read(name).bytes, file.read(name).bytes)).to.equal(true);
      file.close();
    });
  }

  it('finds each tensor where the npm package finds it', function () {
    const folder = goldenPath(this, 'clip-tiny/weights/open_clip-v512/open_clip_model.safetensors');
    const whole = new Uint8Array(readFileSync(folder));
    const other = new SafeTensor(whole);
    const file = open(whole);
    expect([...file.tensors.keys()])
      .to.have.members([...other.metadata.keys()])
      .and.to.have.length(86);
    for (const [name, { dtype, shape }] of other.metadata) {
      expect(file.read(name)).to.include({ dtype }).with.property('shape').that.deep.equals(shape);
      expect(sameBytes(file.read(name).bytes, other.getTensor(name)), name).to.equal(true);
    }
  });

  it('reads float16 weights as the values that the reference computed with', function () {
    const weights = openSafetensors(
      openBytes(goldenPath(this, 'clip-tiny/weights/open_clip-v512/open_clip_model.safetensors')),
    );
    // A grid with as many patches as the model's own: the positional embedding is used as it is.
    const positions = readGolden(goldenPath(this, 'clip-tiny/other_sizes.safetensors'))['32x128/pos.sclip']!;
    const read = weights.readFloat32('visual.positional_embedding');
    expectClose(read, positions.data as Float32Array, { maxAbs: 0 }, { name: 'positions', shape: positions.shape });
    weights.close();
  });

  it('reads long tensors of every dtype piece by piece as if at once', () => {
    for (const dtype of dtypes) {
      // More bytes than are converted at once.
      const count = Math.ceil(300_001 / dtypeWidths[dtype]);
      const bytes = Uint8Array.from({ length: count * dtypeWidths[dtype] }, (_, i) => (i * 31) >> 3);
      const file = open(craft(`{${member('a', dtype, [count], [0, bytes.length])}}`, bytes));
      const into = new Float32Array(count + 1).fill(7);
      const read = file.readFloat32('a', into);
      expectClose(read, toFloat32(dtype, bytes), { maxAbs: 0 }, { name: dtype });
      expect(read.buffer === into.buffer && into[count] === 7).to.equal(true);
    }
  });

  it('reads only what is asked for', () => {
    const bytes = safetensorsBytes([
      ['a', f32(1, 2, 3)],
      ['b', f32(4)],
    ]);
    const ranges: [number, number][] = [];
    const memory = bytesFromMemory(bytes);
    const file = openSafetensors({
      ...memory,
      read(offset, length, into) {
        ranges.push([offset, length]);
        return memory.read(offset, length, into);
      },
    });
    const dataStart = bytes.length - 16;
    expect(ranges.splice(0)).to.deep.equal([
      [0, 8],
      [8, dataStart - 8],
    ]);
    file.read('b');
    file.readFloat32('a');
    expect(ranges).to.deep.equal([
      [dataStart + 12, 4],
      [dataStart, 12],
    ]);
  });

  it('names the nearest tensor when there is none of that name', () => {
    const file = open(
      safetensorsBytes([
        ['visual.proj', f32(1)],
        ['text_projection', f32(2)],
      ]),
    );
    expect(() => file.read('visual.pro')).to.throw(
      InputError,
      "x.safetensors: no tensor 'visual.pro'; did you mean visual.proj?",
    );
    expect(() => file.readFloat32('__proto__')).to.throw(
      InputError,
      "no tensor '__proto__'; known: text_projection, visual.proj",
    );
    expect(() => file.readFloat32('visual.proj', new Float32Array(0))).to.throw(RangeError, '0 of 1 values');
  });

  it('closes its source on close and when it refuses the header, and reads nothing afterwards', () => {
    for (const bytes of [safetensorsBytes([['a', f32(1)]]), new Uint8Array(3)]) {
      let closed = 0;
      const source = { ...bytesFromMemory(bytes), close: () => closed++ };
      try {
        const file = openSafetensors(source);
        expect(closed).to.equal(0);
        file.close();
        expect(() => file.read('a')).to.throw(Error, 'closed');
      } catch (error) {
        expect(error).to.be.instanceOf(InputError);
      }
      expect(closed).to.equal(1);
    }
  });

  it('says so when the file was cut after it was opened', () => {
    const folder = mkdtempSync(join(tmpdir(), 'safetensors-'));
    const path = join(folder, 'a.safetensors');
    writeSafetensors(path, [['a', f32(1, 2)]]);
    const file = openSafetensors(openBytes(path));
    truncateSync(path, file.read('a').bytes.length + 8);
    expect(() => file.read('a')).to.throw(InputError, `${path}: the file became shorter`);
    file.close();
    rmSync(folder, { recursive: true });
  });

  it('refuses a tensor too large for one array without asking for memory', () => {
    const head = craft(`{${member('a', 'U8', [5e9], [0, 5e9])}}`);
    const file = openSafetensors({ ...bytesFromMemory(head), size: head.length + 5e9 });
    expect(() => file.read('a')).to.throw(InputError, "tensor 'a': 5000000000 bytes do not fit into one array");
    expect(() => file.readFloat32('a')).to.throw(InputError, '20000000000 bytes do not fit');
  });
});

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
