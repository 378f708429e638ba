import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { parseClipselfConfig } from '../../../src/methods/clipself/config.js';

const parse = (json: object) => parseClipselfConfig(json, 'run.json');
const pictures = { model: 'm', data: { images: 'coco' } };
const scenes = { model: 'm', data: { scenes: {} }, steps: 2000 };

describe('the configuration of train clipself', () => {
  it('is that of the published runs where it says nothing else', () => {
    expect(parse(pictures)).to.deep.equal({
      seed: 0,
      model: 'm',
      data: { images: 'coco', batch: 2, regions: 'grid', maxSplit: 6, maxRegions: 20 },
      train: { stem: false },
      optimiser: { rate: 1e-5, warmup: 1000, floor: 0, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.1 },
      alpha: 0.7,
      checkpoint: { every: 500, keep: 2 },
      log: { every: 10 },
    });
    const read = parse({ ...scenes, windows: { size: 14 }, evaluation: { every: 100 } });
    expect(read.windows).to.deep.equal({ size: 14, global: [] });
    expect(read.evaluation).to.deep.equal({ every: 100, scenes: 200 });
    // What a run writes down is read back as the same.
    expect(parse(read)).to.deep.equal(read);
  });

  it('that comes with the repository is one', () => {
    const path = new URL('../../../configs/clipself-scenes.json', import.meta.url);
    expect(parse(JSON.parse(readFileSync(path, 'utf8'))).model).to.equal('weights/scenes');
  });

  const bad: [what: string, json: object, message: RegExp][] = [
    ['no model', { data: { images: 'coco' } }, /^run\.json: 'model': expected string, got nothing$/],
    ['an unknown key', { ...pictures, alhpa: 1 }, /'alhpa': unknown key; did you mean alpha/],
    [
      'an unknown key below',
      { ...scenes, data: { scenes: { object: [1, 2] } } },
      /'data\.scenes\.object': unknown key; did you mean objects/,
    ],
    ['no data', { model: 'm', data: {} }, /'data': expected either images or scenes, got neither$/],
    ['two kinds of data', { model: 'm', data: { images: 'a', scenes: {} } }, /'data': .*got both$/],
    ['boxes of scenes', { ...scenes, data: { scenes: {}, boxes: 'b' } }, /'data\.boxes': scenes know their own/],
    ['boxes of a grid', { ...pictures, data: { images: 'a', boxes: 'b' } }, /'data\.boxes': no grid needs them/],
    [
      'no boxes of pictures',
      { ...pictures, data: { images: 'a', regions: 'boxes' } },
      /'data\.regions': boxes of pictures need a file/,
    ],
    ['steps and epochs', { ...pictures, steps: 2000, epochs: 6 }, /'epochs': steps are given already/],
    ['endless scenes', { model: 'm', data: { scenes: {} } }, /'steps': scenes never end/],
    ['a look at scenes from pictures', { ...pictures, evaluation: { every: 1 } }, /'evaluation': it is done on scenes/],
    ['no step to fall in', { ...scenes, steps: 1000 }, /'optimiser\.warmup': 1000 steps leave none of the 1000/],
    [
      'scenes that cannot be',
      { ...scenes, data: { scenes: { objects: [3, 2] } } },
      /'data\.scenes': .*least and most objects/,
    ],
    ['an alpha beyond 1', { ...pictures, alpha: 1.1 }, /'alpha': .*got '1\.1'/],
    ['a kind of regions', { ...pictures, data: { images: 'a', regions: 'masks' } }, /'data\.regions': .*got '"masks"'/],
    ['too many splits', { ...pictures, data: { images: 'a', maxSplit: 65 } }, /'data\.maxSplit': .*got '65'/],
  ];
  for (const [what, json, message] of bad) {
    it(`refuses ${what}`, () => {
      expect(() => parse(json)).to.throw(InputError, message);
    });
  }
});
