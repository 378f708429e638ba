import { expect } from 'chai';
import type { Clip } from '../../src/model/clip.js';
import { type PositionMode, parsePositionMode, stretchPositions } from '../../src/model/positions.js';
import { tensor2d, tidy } from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';
import { expectClose, findGolden, readGolden } from '../goldens.js';
import { pixelsOf, tinyClip } from './tiny.js';

const golden = readGolden(findGolden('clip-tiny/other_sizes.safetensors')!);
const sizes = [...new Set(Object.keys(golden).flatMap(name => /^(\d+x\d+)\//.exec(name)?.[1] ?? []))];
const modes: Record<string, PositionMode> = {
  sclip: 'stretch',
  hf: 'exact',
  open_clip: 'antialias',
  clip_surgery_bilinear: 'bilinear',
};

describe('positions on other grids', () => {
  let clip: Clip;
  before(useEngine);
  before(() => {
    clip = tinyClip();
  });
  after(() => clip.dispose());

  for (const size of sizes) {
    const [height, width] = size.split('x').map(Number) as [number, number];
    for (const [theirs, mode] of Object.entries(modes)) {
      it(`${size}, ${mode}`, () =>
        withoutLeak(() =>
          tidy(() => {
            const stored = tensor2d(golden.positional_embedding!.data as Float32Array, [17, 128]);
            const actual = stretchPositions(stored, { rows: height / 16, columns: width / 16 }, mode);
            const expected = golden[`${size}/pos.${theirs}`]!;
            expect(actual.shape).to.deep.equal(expected.shape);
            expectClose(actual.dataSync(), expected.data as Float32Array, { maxAbs: 2e-5 }, { shape: expected.shape });
          }),
        ));
    }

    it(`${size}: outputs`, () =>
      withoutLeak(() =>
        tidy(() => {
          const pixels = pixelsOf(golden[`${size}/pixels`]!);
          const close = (actual: { dataSync(): ArrayLike<number> }, name: string) =>
            expectClose(actual.dataSync(), golden[`${size}/${name}`]!.data as Float32Array, { maxAbs: 1e-4 }, { name });
          const seeBlocks = golden[`${size}/sclip.block0.out`] ? ['blocks.*.resid_post'] : [];
          const stretched = clip.image(pixels, { positions: 'stretch', see: seeBlocks });
          close(stretched.tokens, 'sclip.vanilla_dense_all_tokens');
          for (const [name, tensor] of Object.entries(stretched.seen)) {
            close(tensor, `sclip.block${/\d+/.exec(name)![0]}.out`);
          }
          const exact = clip.image(pixels, { positions: 'exact', see: ['blocks.3.resid_post'] });
          close(exact.pooled, 'hf.image_features');
          close(exact.seen['image.blocks.3.resid_post']!, 'hf.last_hidden_state');
          close(clip.image(pixels, { positions: 'antialias' }).pooled, 'open_clip.image_features');
        }),
      ));
  }

  it('names the nearest of an unknown mode', () => {
    expect(() => parsePositionMode('strech')).to.throw("unknown positions mode 'strech'; did you mean stretch?");
  });
});
