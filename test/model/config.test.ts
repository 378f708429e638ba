import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { activations, checkAttention, configByName, gridOf, namedConfigs } from '../../src/model/config.js';
import { rolesOf } from '../../src/model/weights/roles.js';

/** Parameters of a model: what its weights add up to. */
function parameters(name: string): number {
  let total = 0;
  for (const shape of rolesOf(configByName(name)).values()) total += shape.reduce((a, b) => a * b, 1);
  return total;
}

describe('published architectures', () => {
  it('have as many parameters as published', () => {
    // Counts of the released checkpoints.
    expect(parameters('ViT-B/32')).to.equal(151_277_313);
    expect(parameters('ViT-B/16')).to.equal(149_620_737);
    expect(parameters('ViT-L/14')).to.equal(427_616_513);
    expect(parameters('ViT-L/14@336px')).to.equal(427_944_193);
  });

  it('of TinyCLIP are named by their parameters in millions, without token embeddings', () => {
    const millions = (name: string, tower: 'image' | 'text') => {
      const { [tower]: sizes, embedding } = configByName(name);
      const roles = rolesOf({ embedding, [tower]: sizes });
      let total = 0;
      for (const [role, shape] of roles) if (role !== 'text.table') total += shape.reduce((a, b) => a * b, 1);
      return Math.round(total / 1e6);
    };
    expect(millions('TinyCLIP-ViT-8M-16-Text-3M', 'image')).to.equal(8);
    expect(millions('TinyCLIP-ViT-8M-16-Text-3M', 'text')).to.equal(3);
    expect(millions('TinyCLIP-ViT-39M-16-Text-19M', 'image')).to.equal(39);
    expect(millions('TinyCLIP-ViT-39M-16-Text-19M', 'text')).to.equal(19);
  });

  it('of EVA02-CLIP have as many parameters in each tower as counted', () => {
    const tower = (name: string, which: 'image' | 'text') => {
      const { [which]: sizes, embedding } = configByName(name);
      return [...rolesOf({ embedding, [which]: sizes }).values()]
        .map(shape => shape.reduce((a, b) => a * b, 1))
        .reduce((a, b) => a + b);
    };
    expect(tower('EVA02-CLIP-B-16', 'image')).to.equal(86_263_040);
    expect(tower('EVA02-CLIP-B-16', 'text')).to.equal(63_428_096);
    expect(tower('EVA02-CLIP-L-14-336', 'image')).to.equal(304_432_832);
    expect(tower('EVA02-CLIP-L-14-336', 'text')).to.equal(123_650_304);
  });

  it('have heads of 64 channels', () => {
    for (const { image, text } of Object.values(namedConfigs)) {
      for (const tower of [image!, text!]) expect(tower.width / tower.heads).to.equal(64);
    }
  });

  it('that are unknown are refused with the nearest', () => {
    expect(() => configByName('ViT-B-16')).to.throw(
      InputError,
      "unknown architecture 'ViT-B-16'; did you mean ViT-B/16",
    );
    for (const name of ['constructor', '__proto__', '']) expect(() => configByName(name)).to.throw(InputError);
  });

  it('use one of three activations', () => {
    expect(Object.keys(activations)).to.deep.equal(['quick_gelu', 'gelu', 'silu']);
  });
});

describe('the grid of an image', () => {
  const image = configByName('ViT-B/16').image!;

  it('counts whole patches', () => {
    expect(gridOf(image, 224, 224)).to.deep.equal({ rows: 14, columns: 14 });
    expect(gridOf(image, 336, 448)).to.deep.equal({ rows: 21, columns: 28 });
    expect(gridOf(image, 31, 255)).to.deep.equal({ rows: 1, columns: 15 });
  });

  it('needs one patch at least', () => {
    for (const [height, width] of [
      [15, 224],
      [224, 0],
      [Number.NaN, 224],
    ] as const) {
      expect(() => gridOf(image, height, width)).to.throw(
        InputError,
        `image tower: expected at least one patch of 16 x 16 pixels, got ${height} x ${width}`,
      );
    }
  });

  it('may not be so large that its attention fits no memory', () => {
    const check = (batch: number, side: number) =>
      checkAttention('image', image, batch, { rows: side, columns: side }, 'use smaller images');
    check(1, 53);
    check(214, 14);
    expect(() => check(1, 54)).to.throw(
      InputError,
      'image: 54 x 54 patches at once are too many for the attention of 12 heads; use smaller images',
    );
    expect(() => check(215, 14)).to.throw(InputError, 'image: 215 images of 14 x 14 patches');
  });
});
