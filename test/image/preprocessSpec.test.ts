import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../src/errors.js';
import {
  clipPreprocess,
  parseOpenClipPreprocess,
  parsePreprocessor,
  withSize,
} from '../../src/image/preprocessSpec.js';
import { goldenPath } from '../goldens.js';

const readJson = (test: Mocha.Context, path: string) => JSON.parse(readFileSync(goldenPath(test, path), 'utf8'));

describe('preprocessor configuration', () => {
  it('reads the goldens’ Hugging Face and OpenCLIP files as OpenAI’s preprocessing', function () {
    const huggingFace = readJson(this, 'clip-tiny/weights/hf-v512-fp16-sharded/preprocessor_config.json');
    expect(parsePreprocessor(huggingFace, 'hf')).to.deep.equal({ ...clipPreprocess(64), rescale: 0.00392156862745098 });
    const openClip = readJson(this, 'clip-tiny/weights/open_clip-v512/open_clip_config.json');
    expect(parseOpenClipPreprocess(openClip, 'oc')).to.deep.equal(clipPreprocess(64));
  });

  it('reads old and new sizes, filter numbers and switches', () => {
    const parse = (json: object) => parsePreprocessor(json, 'p.json');
    expect(parse({})).to.deep.equal(clipPreprocess(224));
    expect(parsePreprocessor({}, 'p.json', 96)).to.deep.equal(clipPreprocess(96));
    expect(parse({ size: 32, crop_size: 32 })).to.deep.equal(clipPreprocess(32));
    expect(parse({ size: { shortest_edge: 32 }, crop_size: { height: 32, width: 32 } })).to.deep.equal(
      clipPreprocess(32),
    );
    expect(parse({ size: { height: 8, width: 9 } }).resize).to.deep.equal({ fit: 'squash', width: 9, height: 8 });
    const filters = [0, 1, 2, 3, 4, 5].map(resample => parse({ resample }).filter);
    expect(filters).to.deep.equal(['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming']);
    const off = parse({ do_resize: false, do_center_crop: false, do_rescale: false, do_normalize: false });
    expect(off).to.deep.include({ resize: null, crop: null, rescale: 1, mean: [0, 0, 0], std: [1, 1, 1] });
    expect(parse({ image_mean: 0.5, image_std: [0.1, 0.2, 0.3] })).to.deep.include({
      mean: [0.5, 0.5, 0.5],
      std: [0.1, 0.2, 0.3],
    });
    expect(parse({ image_mean: null, resample: null, crop_size: null })).to.deep.equal(clipPreprocess(224));
  });

  it('reads OpenCLIP’s fits, filters and sizes', () => {
    const parse = (preprocess_cfg: object, image_size: unknown = 32) =>
      parseOpenClipPreprocess({ model_cfg: { vision_cfg: { image_size } }, preprocess_cfg }, 'o.json');
    expect(parse({ resize_mode: 'squash', interpolation: 'bilinear' })).to.deep.include({
      resize: { fit: 'squash', width: 32, height: 32 },
      crop: null,
      filter: 'bilinear',
    });
    expect(parse({ resize_mode: 'longest', fill_color: 7 }, [16, 24])).to.deep.include({
      resize: { fit: 'longest', width: 24, height: 16 },
      crop: { width: 24, height: 16 },
      fill: 7,
    });
    expect(parse({ size: [40, 50], interpolation: 'random' }).resize).to.deep.equal({
      fit: 'shortest',
      width: 50,
      height: 40,
    });
    expect(parseOpenClipPreprocess({}, 'o.json', 96)).to.deep.equal(clipPreprocess(96));
  });

  it('changes the size of a configuration, and leaves off what was off', () => {
    expect(withSize(clipPreprocess(224), 96)).to.deep.equal(clipPreprocess(96));
    const off = { ...clipPreprocess(224), resize: null, crop: null };
    expect(withSize(off, 96)).to.deep.equal(off);
    for (const size of [0, -3, 1.5, 1e9, Number.NaN]) {
      expect(() => withSize(off, size)).to.throw(InputError, /withSize: size: expected a whole number of pixels/);
      expect(() => clipPreprocess(size)).to.throw(InputError, /clipPreprocess: size/);
    }
  });

  it('names the field it does not understand', () => {
    // Deeper than any recursion reaches.
    const nested = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
    const bad: [unknown, RegExp][] = [
      [null, /^p\.json: expected a JSON object, got null$/],
      [[1], /^p\.json: expected a JSON object, got \[1\]$/],
      ['text', /^p\.json: expected a JSON object/],
      [{ size: 0 }, /^p\.json: size: expected a whole number of pixels from 1 to 16384, got 0$/],
      [{ size: '224' }, /^p\.json: size: expected a JSON object, got '224'$/],
      [{ size: { shortest_edge: 1e9 } }, /^p\.json: size\.shortest_edge: .*got 1000000000$/],
      [{ size: { shortest_edge: 3, longest_edge: 9 } }, /^p\.json: size: shortest_edge together with longest_edge/],
      [{ size: { height: 3 } }, /^p\.json: size\.width: .*got nothing$/],
      [{ crop_size: [1, 2, 3] }, /^p\.json: crop_size: expected a JSON object/],
      [{ crop_size: { width: 3, height: 2.5 } }, /^p\.json: crop_size\.height: .*got 2\.5$/],
      [{ resample: 6 }, /^p\.json: resample: expected one of Pillow's filter numbers .*got 6$/],
      [{ resample: 'bicubic' }, /^p\.json: resample: .*got 'bicubic'$/],
      [{ image_mean: [1, 2] }, /^p\.json: image_mean: expected three numbers for red, green and blue, got \[1,2\]$/],
      [{ image_mean: [1, 2, '3'] }, /^p\.json: image_mean: .*got \[1,2,'3'\]$/],
      [{ image_mean: [1, 2, 1e39] }, /^p\.json: image_mean: /],
      [{ image_std: [1, 0, 1] }, /^p\.json: image_std: /],
      [{ image_std: [1, 1e-60, 1] }, /^p\.json: image_std: /],
      [{ rescale_factor: 1e39 }, /^p\.json: rescale_factor: /],
      [{ rescale_factor: 0 }, /^p\.json: rescale_factor: expected a number over 0, got 0$/],
      [{ size: nested }, /^p\.json: size: expected a JSON object, got an array$/],
      [{ do_resize: 'yes' }, /^p\.json: do_resize: expected true or false, got 'yes'$/],
    ];
    for (const [json, message] of bad) {
      expect(() => parsePreprocessor(json, 'p.json'), `${message}`).to.throw(InputError, message);
    }
    const badOpenClip: [unknown, RegExp][] = [
      [{ preprocess_cfg: 3 }, /^o\.json: preprocess_cfg: expected a JSON object, got 3$/],
      [{ model_cfg: { vision_cfg: [] } }, /^o\.json: model_cfg\.vision_cfg: expected a JSON object/],
      [{ model_cfg: { vision_cfg: { image_size: -1 } } }, /^o\.json: model_cfg\.vision_cfg\.image_size: /],
      [
        { preprocess_cfg: { resize_mode: 'squish' } },
        /^o\.json: preprocess_cfg\.resize_mode: .*did you mean squash\?$/,
      ],
      [{ preprocess_cfg: { interpolation: nested } }, /interpolation: an array is not known; known: random, nearest/],
      [{ preprocess_cfg: { resize_mode: { toString: 1 } } }, /resize_mode: an object is not known; known: shortest/],
      [{ preprocess_cfg: { interpolation: 3 } }, /^o\.json: preprocess_cfg\.interpolation: 3 is not known/],
      [{ preprocess_cfg: { fill_color: 256 } }, /^o\.json: preprocess_cfg\.fill_color: expected a whole number/],
      [{ preprocess_cfg: { std: 0 } }, /^o\.json: preprocess_cfg\.std: /],
    ];
    for (const [json, message] of badOpenClip) {
      expect(() => parseOpenClipPreprocess(json, 'o.json'), `${message}`).to.throw(InputError, message);
    }
  });

  it('turns any JSON into a configuration or one line of error', () => {
    const keys = [
      'size',
      'crop_size',
      'resample',
      'image_mean',
      'image_std',
      'do_resize',
      'rescale_factor',
      '__proto__',
    ];
    const open = ['preprocess_cfg', 'model_cfg'];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys, ...open), fc.jsonValue()), json => {
        for (const parse of [parsePreprocessor, parseOpenClipPreprocess]) {
          try {
            expect(parse(json, 'any.json').mean).to.have.length(3);
          } catch (error) {
            expect(error).to.be.instanceOf(InputError);
            expect((error as Error).message).to.match(/^any\.json: [^\n]+$/);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
