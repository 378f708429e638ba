/** Every flag that changes the last blocks, against the published code of each method. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { expectClose, findGolden, readGolden } from '../goldens.js';
import { writePixels } from './pixelFile.js';
import { json } from './run.js';

const golden = readGolden(findGolden('dense/dense.safetensors')!);
const tolerance = { maxAbs: 2e-4 };
const models = {
  tiny: findGolden('clip-tiny/weights/open_clip-v512')!,
  deep: findGolden('clip-tiny/weights/vision-deep7-fp16.safetensors')!,
};

/** Flags and the golden they must give, on the square and on the wide input. */
const variants: Record<string, string> = {
  '--method clip': 'sclip.vanilla',
  '--method sclip': 'sclip.csa',
  '--method sclip --residual off --ffn off': 'clearclip.SCLIP.no_residual_no_ffn.patches',
  '--method clearclip': 'clearclip.ClearCLIP.no_residual_no_ffn.patches',
  '--method clearclip --attention identity': 'clearclip.MaskCLIP.no_residual_no_ffn.patches',
  '--method clearclip --residual on --ffn on': 'clearclip.ClearCLIP.residual_ffn.patches',
  '--method naclip': 'naclip.reduced.naclip.std5',
  '--method naclip --attention kk': 'naclip.reduced.kk',
  '--attention naclip': 'naclip.vanilla.naclip.std5',
  '--method maskclip': 'maskclip.quickgelu_eps1e-5.patches',
  '--method gem --blocks 3': 'gem.tiny.last3blocks',
  '--method clip --positions antialias': 'gem.tiny.last3blocks.original_path',
  '--attention qk --residual 0.5': 'own.alpha.qk.alpha0.5.ffn1',
  '--attention qq --residual 10 --ffn off': 'own.alpha.qq.alpha10.ffn0',
  '--attention kk --ffn off': 'own.kk.residual1.ffn0',
  '--attention vv --residual off': 'own.vv.residual0.ffn1',
};

describe('clipscope inspect --see tokens, by variant', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'clipscope-test-'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  /** Runs one variant over the pixels of a golden and compares every token, or every patch. */
  async function check(model: string, pixels: string, flags: string, name: string): Promise<void> {
    const id = name.replaceAll(/\W/g, '_');
    const input = writePixels(join(dir, `${id}.in.safetensors`), golden[pixels]!);
    const output = join(dir, `${id}.out.safetensors`);
    await json(['inspect', input, '--model', model, '--see', 'tokens', ...flags.split(' '), '-o', output]);
    const { data, shape } = readGolden(output)['image.tokens']!;
    const [batch, tokens, width] = shape as [number, number, number];
    const skip = name.endsWith('.patches') ? 1 : 0;
    const compared = Array.from({ length: batch }, (_, b) =>
      Array.from((data as Float32Array).subarray((b * tokens + skip) * width, (b + 1) * tokens * width)),
    ).flat();
    const { data: expected, shape: expectedShape } = golden[name]!;
    expect([batch, tokens - skip, width], name).to.deep.equal(expectedShape);
    expectClose(compared, expected as Float32Array, tolerance, { name: `${flags} (${name})`, shape: expectedShape });
  }

  for (const [flags, name] of Object.entries(variants)) {
    it(`${flags}: ${name}`, () =>
      Promise.all(['square', 'wide'].map(input => check(models.tiny, `${input}/pixels`, flags, `${input}/${name}`))));
  }

  it('seven blocks: --method gem', () =>
    Promise.all(
      ['square', 'wide'].map(input =>
        check(models.deep, `${input}/pixels`, '--method gem', `${input}/gem.deep7.default_depth7`),
      ),
    ));

  for (const [model, flags, name] of [
    ['tiny', '--method clipsurgery --blocks 3', 'tiny.last3blocks'],
    ['deep', '--method clipsurgery', 'deep7.last6blocks'],
  ] as const) {
    it(`${model}: ${flags}`, () =>
      Promise.all(
        ['square', '128x128'].map(size =>
          check(models[model], `surgery/${size}.pixels`, flags, `surgery/${name}.${size}.features`),
        ),
      ));
  }

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
