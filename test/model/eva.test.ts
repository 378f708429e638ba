import { expect } from 'chai';
import { attentions } from '../../src/attention/index.js';
import type { Clip } from '../../src/model/clip.js';
import { rotaryOf } from '../../src/model/rotary.js';
import { roiAlign } from '../../src/tensor/ops/roiAlign.js';
import { unitLength } from '../../src/tensor/ops/unitLength.js';
import {
  reshape,
  slice,
  type Tensor,
  type Tensor3D,
  type Tensor4D,
  tensor1d,
  tensor2d,
  tidy,
  transpose,
} from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';
import { expectClose, type GoldenTensor } from '../goldens.js';
import { evaClip, evaGolden } from './eva.js';
import { pixelsOf } from './tiny.js';

/** A quarter of what the reference's manifest allows; its own float64 run differs by 3e-6, TensorFlow's native engine by 2.3e-5. */
const tolerance = { maxAbs: 5e-5 };
const identity = attentions.identity!;

/** Golden names, after the size, and ours. */
const names: Record<string, string> = {
  embeddings: 'embed.pos',
  'block0.q_before_rope': 'blocks.0.attn.q_unrotated',
  'block0.q_after_rope': 'blocks.0.attn.q',
  'block0.k_after_rope': 'blocks.0.attn.k',
  'block0.attn_weights': 'blocks.0.attn.pattern',
  'block0.attn_out': 'blocks.0.attn_out',
  'block0.mlp_out': 'blocks.0.mlp_out',
  'block0.out': 'blocks.0.resid_post',
  'block1.out': 'blocks.1.resid_post',
  'block2.out': 'blocks.2.resid_post',
  norm_all_tokens: 'ln_post',
  image_features: 'pooled',
};

describe('the image tower of EVA02-CLIP against the reference trace', () => {
  let clip: Clip;
  let golden: Record<string, GoldenTensor>;
  before(useEngine);
  before(() => {
    clip = evaClip();
    golden = evaGolden();
  });
  after(() => clip.dispose());

  function compare(actual: Tensor, name: string): void {
    const { data, shape } = golden[name]!;
    expect(actual.shape, name).to.deep.equal(shape);
    expectClose(actual.dataSync(), data as Float32Array, tolerance, { name, shape });
  }

  /** Patches as unit vectors, `[b, rows * columns, embedding]`: what CLIPSelf distils and reads. */
  const denseTokens = (size: string): Tensor3D => {
    const pixels = pixelsOf(golden[`${size}.pixels`]!);
    const { tokens } = clip.image(pixels, { positions: 'exact', last: { attention: identity } });
    return unitLength(slice(tokens, [0, 1, 0], [-1, -1, -1]));
  };

  for (const [size, points] of [
    ['64x64', 12],
    ['96x96', 12],
    ['128x128', 1],
  ] as const) {
    it(`gives every intermediate at ${size}`, () =>
      withoutLeak(() =>
        tidy(() => {
          const { seen } = clip.image(pixelsOf(golden[`${size}.pixels`]!), { positions: 'exact', see: ['*'] });
          let compared = 0;
          for (const [theirs, ours] of Object.entries(names)) {
            const name = `${size}.${theirs}`;
            if (!golden[name]) continue;
            compare(seen[`image.${ours}`]!, name);
            compared++;
          }
          expect(compared).to.equal(points);
        }),
      ));

    it(`gives the dense map of the value path at ${size}`, () =>
      withoutLeak(() =>
        tidy(() => {
          const { shape } = golden[`${size}.dense_normalised_map`]!;
          const dense = transpose(denseTokens(size), [0, 2, 1]);
          compare(reshape(dense, shape), `${size}.dense_normalised_map`);
        }),
      ));

    it(`turns channels by the published tables at ${size}`, () =>
      withoutLeak(() =>
        tidy(() => {
          const side = Number.parseInt(size, 10) / 16;
          const { cos, sin } = rotaryOf({ rows: side, columns: side }, 32, 16);
          const patches = (table: Tensor) => slice(table, [1, 0], [-1, -1]);
          compare(patches(cos), `${size}.rope_cos`);
          const sines = golden[`${size}.rope_sin`]!.data as Float32Array;
          const signed = sines.map((value, i) => (i % 2 === 0 ? -value : value));
          expectClose(patches(sin).dataSync(), signed, tolerance);
          for (const [table, still] of [
            [cos, 1],
            [sin, 0],
          ] as const) {
            expect(new Set(slice(table, [0, 0], [1, 32]).dataSync())).to.deep.equal(new Set([still]));
          }
        }),
      ));
  }

  for (const size of ['64x64', '96x96']) {
    it(`gives the last block without attention at ${size}`, () =>
      withoutLeak(() =>
        tidy(() => {
          const { seen } = clip.image(pixelsOf(golden[`${size}.pixels`]!), {
            positions: 'exact',
            last: { attention: identity },
            see: ['blocks.2.attn_out', 'blocks.2.resid_post'],
          });
          compare(seen['image.blocks.2.attn_out']!, `${size}.last_block_value_path`);
          compare(seen['image.blocks.2.resid_post']!, `${size}.last_block_without_attention`);
        }),
      ));
  }

  it('gives the features of boxes', () =>
    withoutLeak(() =>
      tidy(() => {
        const { data, shape } = golden['96x96.boxes_normalised_xyxy']!;
        const map = reshape<Tensor4D>(denseTokens('96x96'), [1, 6, 6, 64]);
        // In float32, as published: how many points a box takes hangs on its last digit.
        const cells = Float32Array.from(data as Float32Array, corner => corner * 6);
        const boxes = tensor2d(cells, shape as [number, number]);
        const features = roiAlign(map, boxes, tensor1d(new Int32Array(shape[0]!), 'int32'), { size: [1, 1] });
        compare(reshape(features, [shape[0]!, 64]), '96x96.box_features');
      }),
    ));
});
