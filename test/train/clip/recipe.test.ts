import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { heldOutSeed } from '../../../src/evaluate/heldOut.js';
import { rolesOf } from '../../../src/model/weights/roles.js';
import { modelConfig, parseTrainConfig, readTrainConfig } from '../../../src/train/clip/config.js';

describe('the recipe of the embedded model', () => {
  const recipe = readTrainConfig('configs/scenes.json');

  it('is sound, and its image tower of the size that was asked for', () => {
    const { image, embedding } = modelConfig(recipe);
    const shapes = [...rolesOf({ image: image!, embedding }).values()];
    const parameters = shapes.map(shape => shape.reduce((a, b) => a * b, 1)).reduce((a, b) => a + b);
    expect(parameters).to.be.within(1e6, 4e6);
    expect([8, 12]).to.include(image!.patch);
  });

  it('draws no scene that evaluation looks at', () => {
    const drawing = { ...recipe, data: { ...recipe.data, seed: heldOutSeed } };
    expect(() => parseTrainConfig(drawing, 'recipe')).to.throw(InputError, `got '${heldOutSeed}'`);
    // Nor seeds that come to anybody's mind.
    expect(recipe.data.seed).to.be.greaterThan(1e6);
  });
});
