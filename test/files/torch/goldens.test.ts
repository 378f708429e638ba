import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { ByteSource } from '../../../src/files/byteSource.js';
import { openBytes } from '../../../src/files/bytes.js';
import { openTorch } from '../../../src/files/torch/open.js';
import { readZip } from '../../../src/files/torch/zip.js';
import { expectClose, goldenPath } from '../../goldens.js';

interface Reference {
  shape: number[];
  /** Halves, decoded here by arithmetic of the test's own. */
  values: Float64Array;
  bits: Uint16Array;
}

function readReference(path: string): Map<string, Reference> {
  const file = readFileSync(path);
  const start = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.subarray(8, start).toString('utf8')) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, Reference>();
  for (const [name, { dtype, shape, data_offsets: range }] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    expect(dtype).to.equal('F16');
    const bits = new Uint16Array(
      file.buffer.slice(file.byteOffset + start + range[0], file.byteOffset + start + range[1]),
    );
    tensors.set(name, { shape, bits, values: Float64Array.from(bits, half) });
  }
  return tensors;
}

function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  const magnitude = exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15);
  return bits >> 15 ? -magnitude : magnitude;
}

/** The dtypes OpenAI's files keep: single precision for norms, embeddings and the logit scale, half for the rest. */
function isSingle(name: string): boolean {
  return /(^|\.)(ln_\w+\.(weight|bias)|(positional|class)_embedding|token_embedding\.weight|logit_scale)$/.test(name);
}

const scriptExtras = new Map([
  ['input_resolution', 64],
  ['context_length', 77],
  ['vocab_size', 512],
]);

describe('openTorch on the golden checkpoints', () => {
  const cases = [
    { file: 'openai-torchscript.pt', format: 'torch-script', prefix: '', extras: scriptExtras },
    { file: 'openai-state-dict.pt', format: 'torch-zip', prefix: '', extras: new Map<string, number>() },
    { file: 'openai-state-dict-legacy.pt', format: 'torch-legacy', prefix: '', extras: new Map<string, number>() },
    {
      file: 'openclip-training-checkpoint.pt',
      format: 'torch-zip',
      prefix: 'module.',
      extras: new Map<string, number>(),
    },
  ];
  for (const { file, format, prefix, extras } of cases) {
    it(`reads every element of ${file}`, function () {
      const path = goldenPath(this, `clip-tiny/weights/${file}`);
      const reference = readReference(goldenPath(this, 'clip-tiny/weights/open_clip-v512/open_clip_model.safetensors'));
      const checkpoint = openTorch(openBytes(path));
      expect(checkpoint.format).to.equal(format);
      expect(checkpoint.metadata.size).to.equal(0);
      const names = [...[...reference.keys()].map(name => prefix + name), ...extras.keys()];
      expect([...checkpoint.tensors.keys()]).to.have.members(names);
      for (const [plain, { shape, values, bits }] of reference) {
        const name = prefix + plain;
        const info = checkpoint.tensors.get(name)!;
        expect(info, name).to.deep.equal({ name, dtype: isSingle(plain) ? 'F32' : 'F16', shape });
        expectClose(checkpoint.readFloat32(name), values, { maxAbs: 0 }, { name, shape });
        const data = checkpoint.read(name);
        expect(data.shape).to.deep.equal(shape);
        if (data.dtype === 'F16') expect(Buffer.compare(data.bytes, new Uint8Array(bits.buffer)), name).to.equal(0);
        else expectClose(new Float32Array(data.bytes.slice().buffer), values, { maxAbs: 0 }, { name, shape });
      }
      for (const [name, value] of extras) {
        expect(checkpoint.tensors.get(name)).to.deep.equal({ name, dtype: 'I64', shape: [] });
        expect([...checkpoint.readFloat32(name)]).to.deep.equal([value]);
        expect([...new BigInt64Array(checkpoint.read(name).bytes.slice().buffer)]).to.deep.equal([BigInt(value)]);
      }
      checkpoint.close();
    });
  }

  it('reads no storage of a zip before it is asked for, and then only that one', function () {
    const { source, ranges } = watched(openBytes(goldenPath(this, 'clip-tiny/weights/openai-torchscript.pt')));
    const checkpoint = openTorch(source);
    const storages = [...readZip(source).values()].filter(({ name }) => name.includes('/data/'));
    expect(storages).to.have.length(89);
    for (const { offset, size, name } of storages) {
      const touched = ranges.some(([at, length]) => at < offset + size && at + length > offset);
      expect(touched, name).to.equal(false);
    }
    ranges.length = 0;
    checkpoint.read('visual.proj');
    expect(ranges.map(([, length]) => length)).to.deep.equal([128 * 64 * 2]);
    checkpoint.close();
  });

  it('reads little more than the pickles of a legacy file before it is asked', function () {
    const { source, ranges } = watched(openBytes(goldenPath(this, 'clip-tiny/weights/openai-state-dict-legacy.pt')));
    const checkpoint = openTorch(source);
    // Five pickles in windows of 16 KiB, then eight bytes a storage; the file has 2.2 MB.
    expect(ranges.reduce((sum, [, length]) => sum + length, 0)).to.be.below(5 * 16384 + 86 * 8 + 100);
    ranges.length = 0;
    checkpoint.readFloat32('token_embedding.weight');
    expect(ranges.map(([, length]) => length)).to.deep.equal([512 * 64 * 4]);
    checkpoint.close();
  });

  it('reads single precision straight into place', function () {
    const { source, ranges } = watched(openBytes(goldenPath(this, 'clip-tiny/weights/openai-torchscript.pt')));
    const checkpoint = openTorch(source);
    ranges.length = 0;
    const into = new Float32Array(77 * 64 + 3).fill(7);
    const out = checkpoint.readFloat32('positional_embedding', into);
    expect(out.buffer).to.equal(into.buffer);
    expect(out.length).to.equal(77 * 64);
    expect([...into.subarray(77 * 64)]).to.deep.equal([7, 7, 7]);
    expect([...out]).to.deep.equal([...checkpoint.readFloat32('positional_embedding')]);
    expect(ranges[0]![2]?.buffer).to.equal(into.buffer);
    expect(() => checkpoint.readFloat32('positional_embedding', new Float32Array(3))).to.throw(
      RangeError,
      "'into' holds 3",
    );
    checkpoint.close();
  });
});

/** A source that keeps a list of what was read of it. */
function watched(source: ByteSource) {
  const ranges: [offset: number, length: number, into?: Uint8Array][] = [];
  const read: ByteSource['read'] = (offset, length, into) => {
    ranges.push(into ? [offset, length, into] : [offset, length]);
    return source.read(offset, length, into);
  };
  return { source: { ...source, read }, ranges };
}
