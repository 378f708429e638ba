/** Every flag that changes the last blocks, against the published code of each method. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { expectClose, findGolden, type GoldenTensor, readGolden } from '../goldens.js';
import { writePixels } from './pixelFile.js';
import { ahead, json } from './run.js';

const golden = readGolden(findGolden('dense/dense.safetensors')!);
const tolerance = { maxAbs: 2e-4 };
const models = {
  tiny: findGolden('clip-tiny/weights/open_clip-v512')!,
  deep: findGolden('clip-tiny/weights/vision-deep7-fp16.safetensors')!,
};

/** Flags, and the golden they must give. */
const onTiny: Record<string, string> = {
  '--method clip': 'wide/sclip.vanilla',
  '--method sclip': 'square/sclip.csa',
  '--method sclip --residual off --ffn off': 'wide/clearclip.SCLIP.no_residual_no_ffn.patches',
  '--method clearclip': 'wide/clearclip.ClearCLIP.no_residual_no_ffn.patches',
  '--method clearclip --attention identity': 'square/clearclip.MaskCLIP.no_residual_no_ffn.patches',
  '--method clearclip --residual on --ffn on': 'wide/clearclip.ClearCLIP.residual_ffn.patches',
  '--method naclip': 'wide/naclip.reduced.naclip.std5',
  '--method naclip --attention kk': 'wide/naclip.reduced.kk',
  '--attention naclip': 'square/naclip.vanilla.naclip.std5',
  '--method maskclip': 'wide/maskclip.quickgelu_eps1e-5.patches',
  '--method gem --blocks 3': 'wide/gem.tiny.last3blocks',
  '--method clip --positions antialias': 'wide/gem.tiny.last3blocks.original_path',
  '--attention qk --residual 0.5': 'wide/own.alpha.qk.alpha0.5.ffn1',
  '--attention qq --residual 10 --ffn off': 'wide/own.alpha.qq.alpha10.ffn0',
  '--attention kk --ffn off': 'square/own.kk.residual1.ffn0',
  '--attention vv --residual off': 'wide/own.vv.residual0.ffn1',
  '--method clipsurgery --blocks 3': 'surgery/tiny.last3blocks.128x128.features',
};
/** The same with seven blocks, which the methods that change six were published for. */
const onDeep: Record<string, string> = {
  '--method gem': 'wide/gem.deep7.default_depth7',
  '--method clipsurgery': 'surgery/deep7.last6blocks.square.features',
};

/** What a golden was computed from. */
function inputOf(name: string): string {
  const [folder] = name.split('/');
  const size = /\.(square|128x128)\.features$/.exec(name)?.[1];
  return size ? `${folder}/${size}.pixels` : `${folder}/pixels`;
}

describe('clipscope inspect --see tokens, by variant', () => {
  const cases = [
    ...Object.entries(onTiny).map(([flags, name]) => ({ flags, name, model: models.tiny })),
    ...Object.entries(onDeep).map(([flags, name]) => ({ flags, name, model: models.deep })),
  ];
  let dir: string;
  let runs: Promise<GoldenTensor>[];
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'clipscope-test-'));
    const jobs = cases.map(({ flags, name, model }, i) => async () => {
      const input = writePixels(join(dir, `${i}.in.safetensors`), golden[inputOf(name)]!);
      const output = join(dir, `${i}.out.safetensors`);
      await json(['inspect', input, '--model', model, '--see', 'tokens', ...flags.split(' '), '-o', output]);
      return readGolden(output)['image.tokens']!;
    });
    runs = ahead(jobs);
  });
  after(async () => {
    await Promise.allSettled(runs);
    rmSync(dir, { recursive: true, force: true });
  });

  cases.forEach(({ flags, name }, i) => {
    it(`${flags}: ${name}`, async () => {
      const { data, shape } = await runs[i]!;
      const [batch, tokens, width] = shape as [number, number, number];
      // Some goldens leave the class token out.
      const first = name.endsWith('.patches') ? 1 : 0;
      const compared = Array.from({ length: batch }, (_, b) =>
        Array.from((data as Float32Array).subarray((b * tokens + first) * width, (b + 1) * tokens * width)),
      ).flat();
      const expected = golden[name]!;
      expect([batch, tokens - first, width], name).to.deep.equal(expected.shape);
      expectClose(compared, expected.data as Float32Array, tolerance, { name, shape: expected.shape });
    });
  });

  it('shows the attention of the last block', async () => {
    const input = writePixels(join(dir, 'square.safetensors'), golden['square/pixels']!);
    const output = join(dir, 'pattern.safetensors');
    const point = 'blocks.3.attn.pattern';
    await json(['inspect', input, '--model', models.tiny, '--method', 'sclip', '--see', point, '-o', output]);
    const { data, shape } = readGolden(output)[`image.${point}`]!;
    const expected = golden['square/own.csa.attention']!;
    expect(shape).to.deep.equal(expected.shape);
    expectClose(data as Float32Array, expected.data as Float32Array, tolerance, { shape });
  });
});
