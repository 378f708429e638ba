import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { rgbPicture } from '../../src/image/picture.js';
import { clipPreprocess } from '../../src/image/preprocess.js';
import { methodByName } from '../../src/segment/methods.js';
import { methodNames, type Protocol } from '../../src/segment/protocols.js';
import { type SegmentingClip, type SegmentOptions, segment, segmentVariants } from '../../src/segment/segmenter.js';
import { parseClassFile } from '../../src/segment/vocabulary.js';
import { createTokenizer } from '../../src/tokenizer/index.js';
import { useEngine, withoutLeak } from '../engine.js';
import { expectClose, findGolden, readGolden } from '../goldens.js';
import { tinyClip } from '../model/tiny.js';

const golden = readGolden(findGolden('segmentation/pipeline.safetensors')!);
const vocabulary = parseClassFile(readFileSync(findGolden('segmentation/class_names.txt')!, 'utf8'), 'class_names.txt');
const texts = { count: 11, width: 64, values: golden.query_features!.data as Float32Array };
const { measured } = JSON.parse(readFileSync(findGolden('segmentation/manifest.json')!, 'utf8'));
const shortSides: Record<string, number> = { a: 96, b: 80, small: 50 };

function picture(name: string) {
  const { data, shape } = golden[`${name}/image`]!;
  return rgbPicture(shape[1]!, shape[0]!, data as Uint8Array);
}

const options = (name: string, more: Partial<Protocol> = {}): SegmentOptions => ({
  texts,
  protocol: { shortSide: shortSides[name]!, window: 64, stride: 32, ...more },
});

function expectLabels(actual: ArrayLike<number>, name: string) {
  const expected = golden[name]!.data;
  let different = 0;
  for (let i = 0; i < expected.length; i++) if (actual[i] !== Number(expected[i])) different++;
  expect(different / expected.length, name).to.be.at.most(0.005);
}

describe('the whole pipeline against the published segmentors', () => {
  let clip: SegmentingClip;
  before(useEngine);
  before(() => {
    clip = { ...tinyClip(), tokenizer: createTokenizer(), preprocessor: clipPreprocess(64) };
  });
  after(() => clip.dispose());

  for (const method of ['sclip', 'clearclip']) {
    for (const name of Object.keys(shortSides)) {
      it(`${method}, ${name}: logits and labels`, () =>
        withoutLeak(async () => {
          const result = await segment(clip, picture(name), vocabulary, methodByName(method), options(name));
          const expected = golden[`${name}/${method}.logits`]!;
          expect([result.height, result.width]).to.deep.equal(expected.shape.slice(2));
          expectClose(result.logits(), expected.data as Float32Array, { maxAbs: 1e-4 }, { shape: expected.shape });
          expectLabels(result.labels, `${name}/${method}.plain.prediction`);
          expect(result.classes.reduce((sum, { share }) => sum + share, 0)).to.be.closeTo(1, 1e-9);
        }));

      it(`${method}, ${name}: thresholds`, () =>
        withoutLeak(async () => {
          const kind = method === 'sclip' ? 'thresholds' : 'prob_thd';
          const { prob_thd: probThreshold, area_thd: areaThreshold = 0 } = measured[`${method} ${name} ${kind}`];
          const asked = options(name, { probThreshold, areaThreshold });
          const result = await segment(clip, picture(name), vocabulary, methodByName(method), asked);
          expectLabels(result.labels, `${name}/${method}.${kind}.prediction`);
        }));
    }
  }

  it('sclip, a: PAMR', () =>
    withoutLeak(async () => {
      const pamr = { steps: 10, dilations: [8, 16] };
      const result = await segment(clip, picture('a'), vocabulary, methodByName('sclip'), options('a', { pamr }));
      const expected = golden['a/sclip.pamr.logits']!;
      expectClose(result.logits(), expected.data as Float32Array, { maxAbs: 1e-4 }, { shape: expected.shape });
      expectLabels(result.labels, 'a/sclip.pamr.prediction');
    }));

  it('pixels given as they are go the same way', () =>
    withoutLeak(async () => {
      const { data, shape } = golden['a/normalised']!;
      const [, , height, width] = shape as [number, number, number, number];
      const input = { values: data as Float32Array, height, width, outputHeight: 60, outputWidth: 90 };
      const result = await segment(clip, input, vocabulary, methodByName('sclip'), options('a'));
      expectClose(result.logits(), golden['a/sclip.logits']!.data as Float32Array, { maxAbs: 1e-4 });
    }));

  it('several methods over one prefix give what each gives alone', () =>
    withoutLeak(async () => {
      const methods = methodNames.map(methodByName);
      const protocol: Partial<Protocol> = {
        ...methods[0]!.protocol,
        ...options('b').protocol,
        pamr: { steps: 0, dilations: [1] },
      };
      const together = await segmentVariants(clip, picture('b'), vocabulary, methods, { texts, protocol });
      for (const [i, method] of methods.entries()) {
        const alone = await segment(clip, picture('b'), vocabulary, method, { texts, protocol });
        expectClose(together[i]!.logits(), alone.logits(), { maxAbs: 1e-6 }, { name: method.name });
      }
    }));

  it('names the nearest of an unknown method', () => {
    expect(() => methodByName('claerclip')).to.throw("unknown method 'claerclip'; did you mean clearclip?");
  });

  it('refuses no classes, no method, and what has another size than it should', async () => {
    const sclip = methodByName('sclip');
    const pixels = { values: new Float32Array(3 * 64 * 64), height: 64, width: 64 };
    const protocol = (more: Partial<Protocol>) => ({ texts, protocol: more });
    const attempts: [() => Promise<unknown>, string | RegExp][] = [
      [() => segment(clip, picture('b'), [], sclip, { texts }), 'classes: expected at least one class name, got none'],
      [
        () => segmentVariants(clip, picture('b'), vocabulary, [], { texts }),
        'segment: expected at least one method, got none',
      ],
      [
        () => segment(clip, { ...pixels, height: 65 }, vocabulary, sclip, { texts }),
        'segment: expected 3 x 65 x 64 = 12480 pixel values, got 12288',
      ],
      [
        () => segment(clip, pixels, ['a', 'b'], sclip, { texts }),
        'segment: expected text features of 2 names x 64 values, got 11 x 64 (704 values)',
      ],
      [
        () => segment(clip, pixels, vocabulary, sclip, { texts: { ...texts, width: 32 } }),
        /names x 64 values, got 11 x 32/,
      ],
      [() => segment(clip, picture('b'), vocabulary, sclip, protocol({ shortSide: -5 })), /^workingSize: short side: /],
      [
        () =>
          segment(clip, picture('b'), vocabulary, sclip, protocol({ window: 0, shortSide: 16_000, longSide: 32_000 })),
        /^segment: \d+ x \d+ patches at once are too many for the attention of \d+ heads; use a smaller short side/,
      ],
    ];
    for (const [attempt, message] of attempts) {
      const error = await attempt().then(
        () => expect.fail(`accepted: ${message}`),
        fault => fault,
      );
      expect(error, String(error)).to.be.instanceOf(InputError);
      if (typeof message === 'string') expect(error.message).to.equal(message);
      else expect(error.message).to.match(message);
    }
  });
});
