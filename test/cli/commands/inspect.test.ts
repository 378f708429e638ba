import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readPicture } from '../../../src/image/decode.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { expectClose, findGolden, type GoldenTensor, goldenPath, readGolden } from '../../goldens.js';
import { writePixels } from '../pixelFile.js';
import { embedded, json, run, scene, succeed } from '../run.js';

interface Point {
  name: string;
  shape: number[];
  norm: number;
  mean: number;
  std: number;
}

const tolerance = { maxAbs: 1e-4 };
const tiny = findGolden('clip-tiny/weights/open_clip-v512')!;

const inspect = async (...args: string[]) => (await json<{ points: Point[] }>(['inspect', ...args])).points;

/** What the goldens call a point, by our name for it. */
const inBlock: Record<string, string> = {
  ln1: 'ln_1',
  'attn.q': 'q',
  'attn.k': 'k',
  'attn.v': 'v',
  'attn.pattern': 'attn_weights',
  attn_out: 'attn_out',
  resid_mid: 'residual_mid',
  ln2: 'ln_2',
  'mlp.pre': 'mlp_fc',
  mlp_out: 'mlp_out',
  resid_post: 'out',
};
const ofImage: Record<string, string> = {
  'embed.patch': 'patch_embeddings',
  'embed.pos': 'embeddings',
  ln_pre: 'ln_pre',
  ln_post: 'ln_post_all_tokens',
  tokens: 'dense_features',
  pooled: 'image_features',
  embedding: 'image_features_normalised',
};
const ofText: Record<string, string> = {
  'embed.pos': 'embeddings',
  ln_final: 'ln_final',
  pooled: 'text_features',
  embedding: 'text_features_normalised',
};

function goldenName(point: string): string | undefined {
  const [, tower, rest] = /^(image|text)\.(.+)$/.exec(point)!;
  const [, block, name] = /^blocks\.(\d+)\.(.+)$/.exec(rest!) ?? [];
  if (block) return inBlock[name!] && `block${block}.${inBlock[name!]}`;
  return (tower === 'image' ? ofImage : ofText)[rest!];
}

/** Compares points with row `row` of the goldens (undefined: all rows) and returns how many have one. */
function compare(points: Record<string, GoldenTensor>, golden: Record<string, GoldenTensor>, row?: number): number {
  let compared = 0;
  for (const [point, { shape, data }] of Object.entries(points)) {
    const expected = golden[goldenName(point) ?? ''];
    if (!expected) continue;
    const size = expected.data.length / expected.shape[0]!;
    const values = expected.data as Float32Array;
    const rows = row === undefined ? values : values.subarray(row * size, (row + 1) * size);
    expect(shape, point).to.deep.equal(row === undefined ? expected.shape : [1, ...expected.shape.slice(1)]);
    expectClose(data as Float32Array, rows, tolerance, { name: point, shape });
    compared++;
  }
  return compared;
}

describe('clipscope inspect', () => {
  it('gives every intermediate of the image tower, as the reference has them, with true figures', () =>
    inTemporaryFolder(async dir => {
      const trace = findGolden('clip-tiny/vision_trace.safetensors')!;
      const output = join(dir, 'points.safetensors');
      const points = await inspect(trace, '--model', tiny, '--see', '*', '-o', output);
      const tensors = readGolden(output);
      expect(compare(tensors, readGolden(trace))).to.equal(7 + 4 * 10 + 1);
      expect(points.length).to.equal(7 + 4 * 15);
      expect(points.map(({ name }) => name)).to.have.members(Object.keys(tensors));
      for (const { name, shape, norm, mean, std } of points) {
        const { data, shape: stored } = tensors[name]!;
        expect(shape, name).to.deep.equal(stored);
        const values = Array.from(data as Float32Array);
        const average = values.reduce((sum, value) => sum + value, 0) / values.length;
        const spread = values.reduce((sum, value) => sum + (value - average) ** 2, 0) / values.length;
        expect(norm, name).to.be.closeTo(Math.hypot(...values), 1e-6 * norm);
        expect(mean, name).to.be.closeTo(average, 1e-9);
        expect(std, name).to.be.closeTo(Math.sqrt(spread), 1e-6);
      }
    }));

  it('gives every intermediate of the text tower', function () {
    const model = goldenPath(this, 'clip-tiny/weights/hf-full-vocab-fp16');
    const golden = readGolden(findGolden('clip-tiny/text_trace.safetensors')!);
    const { texts } = JSON.parse(readFileSync(findGolden('clip-tiny/manifest.json')!, 'utf8')).measured;
    return inTemporaryFolder(async dir => {
      // The two texts of the trace, among those of the manifest.
      for (const [row, text] of [texts[1], texts[6]].entries()) {
        const output = join(dir, `${row}.safetensors`);
        await inspect('--text', text, '--model', model, '--see', '*', '-o', output);
        expect(compare(readGolden(output), golden, row)).to.equal(4 + 2 * 10 + 1);
      }
    });
  });

  it('stretches positions to other sizes in four ways', function () {
    const golden = readGolden(goldenPath(this, 'clip-tiny/other_sizes.safetensors'));
    const modes = { stretch: 'sclip', exact: 'hf', antialias: 'open_clip', bilinear: 'clip_surgery_bilinear' };
    return inTemporaryFolder(async dir => {
      const pixels = writePixels(join(dir, 'pixels.safetensors'), golden['112x160/pixels']!);
      await Promise.all(
        Object.entries(modes).map(async ([mode, whose]) => {
          const output = join(dir, `${mode}.safetensors`);
          const see = ['--see', 'embed.pos,embed.patch,tokens', '-o', output];
          await inspect(pixels, '--model', tiny, '--positions', mode, ...see);
          const seen = readGolden(output);
          const positions = golden[`112x160/pos.${whose}`]!.data as Float32Array;
          // From the second row on, what is embedded is patches + positions.
          const patches = seen['image.embed.patch']!.data as Float32Array;
          const sum = patches.map((value, i) => value + positions[128 + i]!);
          expectClose((seen['image.embed.pos']!.data as Float32Array).subarray(128), sum, tolerance, { name: mode });
          if (mode !== 'stretch') return;
          const tokens = golden['112x160/sclip.vanilla_dense_all_tokens']!.data as Float32Array;
          expectClose(seen['image.tokens']!.data as Float32Array, tokens, tolerance, { name: mode });
        }),
      );
    });
  });

  it('lists the names and shapes that a run then gives', () =>
    inTemporaryFolder(async dir => {
      const shapes = (points: Point[]) => points.map(({ name, shape }) => ({ name, shape }));
      const pixels = writePixels(join(dir, 'wide.safetensors'), {
        shape: [2, 3, 24, 60],
        data: new Float32Array(2 * 3 * 24 * 60),
      });
      const ways = [
        [scene(1)],
        ['--text', 'a red circle'],
        [pixels, '--method', 'clearclip'],
        [scene(1), '--method', 'clipsurgery', '--blocks', '2'],
      ];
      await Promise.all(
        ways.map(async way => {
          const [listed, seen] = await Promise.all([inspect(...way, '--list'), inspect(...way, '--see', '*')]);
          expect(listed, way.join(' ')).to.have.deep.members(shapes(seen));
        }),
      );
      const all = await inspect('--list');
      expect(all.filter(({ name }) => name.startsWith('text.')).length).to.equal(6 + 2 * 15);
      expect(all.filter(({ name }) => name.startsWith('image.')).length).to.equal(7 + 5 * 15);
    }));

  it('lists from a config alone', () =>
    inTemporaryFolder(async dir => {
      copyFileSync(join(embedded, 'config.json'), join(dir, 'config.json'));
      expect(await succeed(['inspect', '--list', '--model', dir])).to.match(/^image\.embed\.patch {2}\[1, 64, 128\]\n/);
    }));

  it('refuses points that a variant leaves out, naming those it visits', async () => {
    const { status, stderr } = await run(['inspect', scene(1), '--method', 'clearclip', '--see', 'blocks.4.mlp_out']);
    expect(status).to.equal(2);
    expect(stderr).to.match(/^clipscope: image tower: .*'blocks\.4\.mlp_out'.* image\.blocks\.\d\.\w+.*\n$/);
  });

  it('draws points as pictures', () =>
    inTemporaryFolder(async dir => {
      await succeed(['inspect', scene(1), '--see', 'blocks.4.attn.pattern,embed.patch', '--pictures', dir]);
      for (const name of ['image.blocks.4.attn.pattern', 'image.embed.patch']) {
        const { width, height } = await readPicture(join(dir, `${name}.png`));
        expect(Math.min(width, height), name).to.be.above(50);
      }
    }));

  it('draws points of one kind on one sheet: patterns a row a block and a column a head, norms a map a block', () =>
    inTemporaryFolder(async dir => {
      await succeed(['inspect', scene(1), '--see', '*.attn.pattern,*.resid_post,tokens', '--pictures', dir]);
      expect(readdirSync(dir).sort()).to.deep.equal([
        'image.blocks.attn.pattern.png',
        'image.blocks.resid_post.png',
        'image.tokens.png',
      ]);
      // Maps of 8 x 8 patches, 18 pixels each where there are more than 16.
      const patterns = await readPicture(join(dir, 'image.blocks.attn.pattern.png'));
      expect(patterns.width).to.be.within(4 * 144, 5 * 144);
      expect(patterns.height).to.be.within(5 * 144, 7 * 144);
      const norms = await readPicture(join(dir, 'image.blocks.resid_post.png'));
      expect(norms.width).to.be.within(3 * 256, 4 * 256);
    }));
});
