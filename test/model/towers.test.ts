import { expect } from 'chai';
import type { Clip } from '../../src/model/clip.js';
import { type Tensor, tidy } from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';
import { cosine, expectClose, findGolden, type GoldenTensor, goldenPath, readGolden } from '../goldens.js';
import { clipFrom, pixelsOf, rowsOf, tinyClip } from './tiny.js';

const tolerance = { maxAbs: 1e-4 };

describe('towers against the reference trace', () => {
  let clip: Clip;
  before(useEngine);
  before(() => {
    clip = tinyClip();
  });
  after(() => clip.dispose());

  /** Golden names of one block and ours. */
  const blockNames: Record<string, string> = {
    ln_1: 'ln1',
    q: 'attn.q',
    k: 'attn.k',
    v: 'attn.v',
    attn_weights: 'attn.pattern',
    attn_out: 'attn_out',
    residual_mid: 'resid_mid',
    ln_2: 'ln2',
    mlp_fc: 'mlp.pre',
    mlp_out: 'mlp_out',
    out: 'resid_post',
  };

  function compare(seen: Record<string, Tensor>, ours: string, golden: GoldenTensor, theirs: string) {
    expect(seen[ours], ours).to.not.equal(undefined);
    expect(seen[ours]!.shape).to.deep.equal(golden.shape);
    expectClose(seen[ours]!.dataSync(), golden.data as Float32Array, tolerance, { name: theirs, shape: golden.shape });
  }

  it('gives every intermediate of the image tower', () =>
    withoutLeak(() =>
      tidy(() => {
        const golden = readGolden(findGolden('clip-tiny/vision_trace.safetensors')!);
        const { seen, tokens, pooled, embedding } = clip.image(pixelsOf(golden.pixels!), { see: ['*'] });
        const plain: Record<string, string> = {
          patch_embeddings: 'embed.patch',
          embeddings: 'embed.pos',
          ln_pre: 'ln_pre',
          ln_post_all_tokens: 'ln_post',
          dense_features: 'tokens',
          image_features: 'pooled',
          image_features_normalised: 'embedding',
        };
        let compared = 0;
        for (const [name, tensor] of Object.entries(golden)) {
          const [, block, rest] = /^block(\d+)\.(.+)$/.exec(name) ?? [];
          const ours = block ? blockNames[rest!] && `blocks.${block}.${blockNames[rest!]}` : plain[name];
          if (!ours) continue;
          compare(seen, `image.${ours}`, tensor, name);
          compared++;
        }
        expect(compared).to.equal(7 + 4 * 10 + 1);
        expectClose(tokens.dataSync(), golden.dense_features!.data as Float32Array, tolerance);
        expectClose(pooled.dataSync(), golden.image_features!.data as Float32Array, tolerance);
        expectClose(embedding.dataSync(), golden.image_features_normalised!.data as Float32Array, tolerance);
      }),
    ));

  it('gives every intermediate of the text tower', function () {
    const weights = 'clip-tiny/weights/hf-full-vocab-fp16/model.safetensors';
    goldenPath(this, weights);
    return withoutLeak(() => {
      const full = clipFrom(weights);
      tidy(() => {
        const golden = readGolden(findGolden('clip-tiny/text_trace.safetensors')!);
        const { seen } = full.text(rowsOf(golden.token_ids!), { see: ['*'], context: 'full' });
        const plain: Record<string, string> = {
          embeddings: 'embed.pos',
          ln_final: 'ln_final',
          text_features: 'pooled',
          text_features_normalised: 'embedding',
        };
        let compared = 0;
        for (const [name, tensor] of Object.entries(golden)) {
          const [, block, rest] = /^block(\d+)\.(.+)$/.exec(name) ?? [];
          const ours = block ? blockNames[rest!] && `blocks.${block}.${blockNames[rest!]}` : plain[name];
          if (!ours) continue;
          compare(seen, `text.${ours}`, tensor, name);
          compared++;
        }
        expect(compared).to.equal(4 + 2 * 10 + 1);
      });
      full.dispose();
    });
  });

  it('gives the features of five images and six id sequences', () =>
    withoutLeak(() =>
      tidy(() => {
        const golden = readGolden(findGolden('clip-tiny/v512_outputs.safetensors')!);
        const { pooled } = clip.image(pixelsOf(golden.pixels!));
        expectClose(pooled.dataSync(), golden.image_features!.data as Float32Array, tolerance);
        const ids = rowsOf(golden.token_ids!);
        for (const context of ['needed', 'full'] as const) {
          const text = clip.text(ids, { context });
          const expected = golden.text_features!.data as Float32Array;
          expectClose(text.pooled.dataSync(), expected, tolerance, { name: context, shape: [6, 64] });
          expect(cosine(text.pooled.dataSync(), expected)).to.be.above(0.99999);
        }
      }),
    ));
});
