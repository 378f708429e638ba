import { expect } from 'chai';
import { attentions } from '../../src/attention/index.js';
import { InputError } from '../../src/errors.js';
import type { Clip } from '../../src/model/clip.js';
import type { Box } from '../../src/regions/boxes.js';
import { denseMap, regionFeatures } from '../../src/regions/features.js';
import { boxWeights, maskWeights } from '../../src/regions/weights.js';
import { methodByName } from '../../src/segment/methods.js';
import { compile } from '../../src/tensor/compile.js';
import { enableGradients } from '../../src/tensor/gradients.js';
import { lossAndGradients } from '../../src/tensor/lossAndGradients.js';
import { unitLength } from '../../src/tensor/ops/unitLength.js';
import {
  matMul,
  mul,
  reshape,
  slice,
  sum,
  type Tensor2D,
  type Tensor3D,
  tensor2d,
  tensor3d,
  tidy,
  transpose,
} from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';
import { expectClose, findGolden, readGolden } from '../goldens.js';
import { madeUpImage, pixelsOf, tinyClip } from '../model/tiny.js';

const golden = readGolden(findGolden('clipself/dense_boxes_masks.safetensors')!);
const values = (name: string) => golden[name]!.data as Float32Array;
const tolerance = { maxAbs: 1e-5 };
const sizes = ['64x64', '96x96', '128x128', '96x64', '64x112'];
const gridOf = (size: string) => {
  const [rows, columns] = size.split('x').map(side => Number(side) / 16) as [number, number];
  return { rows, columns };
};

describe('dense maps and regions against the published code', () => {
  let clip: Clip;
  before(useEngine);
  before(() => {
    clip = tinyClip();
  });
  after(() => clip.dispose());

  for (const size of sizes) {
    it(`the dense map at ${size}`, () =>
      withoutLeak(() =>
        tidy(() => {
          const map = denseMap(clip, pixelsOf(golden[`${size}.pixels`]!));
          const { shape } = golden[`${size}.dense_normalised_map`]!;
          const [b, e, rows, columns] = shape as [number, number, number, number];
          const planes = reshape(transpose(map, [0, 2, 1]), [b, e, rows, columns]);
          expectClose(planes.dataSync(), values(`${size}.dense_normalised_map`), tolerance, { shape });
        }),
      ));
  }

  it('what segment reads with the method clipself', () =>
    tidy(() => {
      const { variant, protocol } = methodByName('clipself');
      const pixels = pixelsOf(golden['64x112.pixels']!);
      const { tokens } = clip.image(pixels, { last: variant, positions: protocol.positions });
      const patches = unitLength(slice(tokens, [0, 1, 0], [-1, -1, -1]) as Tensor3D);
      expectClose(patches.dataSync(), denseMap(clip, pixels).dataSync(), { maxAbs: 0 });
    }));

  it('the ordinary embedding, whose positions meet the grid exactly too', () =>
    tidy(() => {
      for (const size of sizes) {
        const { pooled } = clip.image(pixelsOf(golden[`${size}.pixels`]!), { positions: 'exact' });
        expectClose(pooled.dataSync(), values(`${size}.image_features`), tolerance, { name: size });
      }
    }));

  it('the steps of the last block', () =>
    tidy(() => {
      const { seen } = clip.image(pixelsOf(golden['64x64.pixels']!), {
        positions: 'exact',
        last: { attention: attentions.identity! },
        see: ['blocks.3.resid_pre', 'blocks.3.attn_out', 'blocks.3.resid_post', 'tokens'],
      });
      for (const [point, name] of [
        ['blocks.3.resid_pre', 'input_of_last_block'],
        ['blocks.3.attn_out', 'value_path_after_out_proj'],
        ['blocks.3.resid_post', 'last_block_without_attention'],
      ] as const) {
        const expected = golden[`64x64.${name}`]!;
        const actual = seen[`image.${point}`]!;
        expect(actual.shape).to.deep.equal(expected.shape);
        expectClose(actual.dataSync(), expected.data as Float32Array, { maxAbs: 2e-4, relative: 1e-5 }, { name });
      }
      const patches = slice(seen['image.tokens'] as Tensor3D, [0, 1, 0], [-1, -1, -1]);
      expectClose(patches.dataSync(), values('64x64.tokens_after_ln_post_and_proj'), tolerance);
    }));

  for (const size of ['96x96', '96x64']) {
    it(`boxes at ${size}, also those without area, beyond the edge and of whole patches`, () =>
      withoutLeak(() =>
        tidy(() => {
          const grid = gridOf(size);
          const corners = values(`${size}.boxes_normalised_xyxy`);
          const boxes = Array.from({ length: corners.length / 4 }, (_, i): Box => {
            const [left, top, right, bottom] = corners.subarray(4 * i, 4 * i + 4);
            return { left: left!, top: top!, right: right!, bottom: bottom! };
          });
          const n = grid.rows * grid.columns;
          const rows = new Float32Array(boxes.length * n);
          boxes.forEach((box, i) => {
            boxWeights(box, grid, rows.subarray(i * n, (i + 1) * n));
          });
          const weights = tensor2d(rows, [boxes.length, n]);
          const map = denseMap(clip, pixelsOf(golden[`${size}.pixels`]!));
          const shape = [boxes.length, 64];
          const pooled = matMul(weights, reshape<Tensor2D>(map, [n, 64]));
          expectClose(pooled.dataSync(), values(`${size}.box_features`), tolerance, { name: 'pooled', shape });
          const features = regionFeatures(map, weights).dataSync();
          expectClose(features, values(`${size}.box_features_normalised`), tolerance, { name: 'unit', shape });
        }),
      ));

    it(`masks at ${size}, also an empty one`, () =>
      tidy(() => {
        const { data, shape } = golden[`${size}.masks`]!;
        const [count, height, width] = shape as [number, number, number];
        const n = height * width;
        const rows = new Float32Array(count * n);
        for (let i = 0; i < count; i++) {
          const at = [i * n, (i + 1) * n] as const;
          maskWeights((data as Uint8Array).subarray(...at), rows.subarray(...at));
        }
        const weights = tensor2d(rows, [count, n]);
        const map = denseMap(clip, pixelsOf(golden[`${size}.pixels`]!));
        const pooled = matMul(weights, reshape<Tensor2D>(map, [n, 64]));
        expectClose(pooled.dataSync(), values(`${size}.mask_features`), tolerance, { name: 'pooled' });
        const features = regionFeatures(map, weights).dataSync();
        expectClose(features, values(`${size}.mask_features_normalised`), tolerance, { name: 'unit' });
      }));
  }

  it('any last block, and blocks of the stream done differently', () =>
    tidy(() => {
      const pixels = madeUpImage(64, 96);
      const blocks = { 1: { ffn: false } };
      const last = { attention: attentions.qq!, residual: false } as const;
      const map = denseMap(clip, pixels, { last, blocks });
      const { tokens } = clip.image(pixels, { last, blocks, positions: 'exact' });
      const patches = unitLength(slice(tokens, [0, 1, 0], [-1, -1, -1]) as Tensor3D);
      expect(map.shape).to.deep.equal([1, 24, 64]);
      expectClose(map.dataSync(), patches.dataSync(), { maxAbs: 0 });
    }));
});

describe('region features', () => {
  before(useEngine);
  before(() => enableGradients());

  const [b, n, e, regions] = [2, 6, 5, 4];
  const mapValues = Float32Array.from({ length: b * n * e }, (_, i) => Math.sin(i * 1.3 + 0.2));
  // A box in each image, a mask over both, and a region of nothing.
  const rows = new Float32Array(regions * b * n);
  boxWeights({ left: 0.1, top: 0, right: 0.8, bottom: 1 }, { rows: 2, columns: 3 }, rows.subarray(0, n));
  boxWeights({ left: 0.5, top: 0.2, right: 1, bottom: 0.7 }, { rows: 2, columns: 3 }, rows.subarray(3 * n, 4 * n));
  maskWeights([1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0], rows.subarray(4 * n, 6 * n));
  const upstream = Float32Array.from({ length: regions * e }, (_, i) => Math.cos(i * 0.7));
  const lossOf = (map: Tensor3D) =>
    sum(mul(regionFeatures(map, tensor2d(rows, [regions, b * n])), tensor2d(upstream, [regions, e])));

  it('are of unit length, and zero for a region of nothing', () =>
    withoutLeak(() =>
      tidy(() => {
        const features = regionFeatures(tensor3d(mapValues, [b, n, e]), tensor2d(rows, [regions, b * n]));
        const lengths = sum(mul(features, features), 1).dataSync<'float32'>();
        expectClose(lengths, [1, 1, 1, 0], { maxAbs: 1e-6 });
      }),
    ));

  it('have the gradient of finite differences, none where nothing is pooled', () =>
    withoutLeak(() =>
      tidy(() => {
        const { gradients } = lossAndGradients(({ map }) => lossOf(map), { map: tensor3d(mapValues, [b, n, e]) });
        const actual = gradients.map.dataSync<'float32'>();
        const step = 1e-2;
        const expected = Float32Array.from(mapValues, (value, i) => {
          const at = (x: number) => {
            const moved = mapValues.slice();
            moved[i] = x;
            return tidy(() => lossOf(tensor3d(moved, [b, n, e])).dataSync<'float32'>()[0]!);
          };
          return (at(value + step) - at(value - step)) / (2 * step);
        });
        expectClose(actual, expected, { maxAbs: 2e-3 });
        expect(Math.max(...actual)).to.be.greaterThan(0.05);
      }),
    ));

  it('of zeros alone have a gradient of zeros', () =>
    tidy(() => {
      const { gradients } = lossAndGradients(
        ({ map }) => sum(regionFeatures(map, tensor2d(new Float32Array(regions * b * n), [regions, b * n]))),
        { map: tensor3d(mapValues, [b, n, e]) },
      );
      expectClose(gradients.map.dataSync(), new Float32Array(b * n * e), { maxAbs: 0 });
    }));

  it('compile with any number of regions', async () => {
    const fast = await compile(
      (map, weights) => regionFeatures(map as Tensor3D, weights as Tensor2D),
      [{ shape: [b, n, e] }, { shape: ['batch', b * n] }],
    );
    for (const count of [1, regions]) {
      const data = rows.slice(0, count * b * n);
      const out = await fast({ data: mapValues, shape: [b, n, e] }, { data, shape: [count, b * n] });
      const expected = tidy(() =>
        regionFeatures(tensor3d(mapValues, [b, n, e]), tensor2d(data, [count, b * n])).dataSync(),
      );
      expectClose(out.data as Float32Array, expected, { maxAbs: 1e-6 });
    }
    await fast.dispose();
  });

  it('refuses weights over other patches', () =>
    tidy(() => {
      const map = tensor3d(mapValues, [b, n, e]);
      const refused = (weights: Tensor2D) => () => regionFeatures(map, weights);
      expect(refused(tensor2d([1, 2, 3], [1, 3]))).to.throw(
        InputError,
        'expected weights [regions, 12] over 2 x 6 patches, got [1,3]',
      );
      expect(refused(tensor3d([1], [1, 1, 1]) as unknown as Tensor2D)).to.throw(InputError, /got \[1,1,1\]/);
    }));
});
