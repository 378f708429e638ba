import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { fromFloat32, toFloat32 } from '../../src/files/dtype.js';
import { clipPreprocess } from '../../src/image/preprocess.js';
import { type Method, methodByName, resClip, scClip } from '../../src/segment/methods.js';
import type { PrefixKey, PrefixStore } from '../../src/segment/prefixStore.js';
import { methodNames } from '../../src/segment/protocols.js';
import { openSegmenter, type SegmenterOptions, type SegmentingClip } from '../../src/segment/segmenter.js';
import type { Values } from '../../src/tensor/compile.js';
import { engineRunner, openRunner, type Runner } from '../../src/tensor/runner.js';
import { tidy } from '../../src/tensor/tfjs.js';
import { createTokenizer } from '../../src/tokenizer/index.js';
import { useEngine, withoutLeak } from '../engine.js';
import { rejection } from '../files/rejection.js';
import { expectClose } from '../goldens.js';
import { tinyClip, twoImages } from '../model/tiny.js';

/** A store in memory that counts what it is asked. */
function memoryStore(keep: (values: Values) => Values = values => values) {
  const held = new Map<string, Values[]>();
  const counts = { found: 0, put: 0 };
  const nameOf = ({ picture, window }: PrefixKey) => `${picture}\n${window}`;
  const store: PrefixStore = {
    async get(key) {
      const found = held.get(nameOf(key));
      if (found) counts.found++;
      return found;
    },
    async put(key, values) {
      counts.put++;
      held.set(nameOf(key), values.map(keep));
    },
  };
  return { store, held, counts };
}

const rounded = ({ data, shape }: Values): Values => ({
  data: toFloat32('F16', fromFloat32('F16', data as Float32Array)),
  shape,
});

const planes = (height: number, width: number, phase = 0) => ({
  values: Float32Array.from({ length: 3 * height * width }, (_, i) => Math.sin(i * 0.37 + phase) + Math.cos(i * 0.011)),
  height,
  width,
});
const names = ['one', 'two', 'three'];
const texts = {
  count: 3,
  width: 64,
  values: Float32Array.from({ length: 3 * 64 }, (_, i) => Math.sin(i * i) / Math.sqrt(32)),
};
const protocol = { window: 64, stride: 32, shortSide: 96 };

describe('kept prefixes', () => {
  let clip: SegmentingClip;
  const runners: Record<string, Runner> = {};
  before(useEngine);
  before(async () => {
    clip = { ...tinyClip(), tokenizer: createTokenizer(), preprocessor: clipPreprocess(64) };
    runners.engine = engineRunner;
    runners.ort = await openRunner('ort', { threads: 1 });
  });
  after(async () => {
    await runners.ort!.dispose();
    clip.dispose();
  });

  /** Logits of each method. */
  async function logits(
    methods: readonly Method[],
    picture: ReturnType<typeof planes>,
    options: SegmenterOptions,
    pictureId?: string,
  ) {
    const segmenter = await openSegmenter(clip, methods, { protocol, ...options });
    try {
      const found = await segmenter.segment(picture, names, { texts, ...(pictureId !== undefined && { pictureId }) });
      return found.map(one => one.logits());
    } finally {
      await segmenter.dispose();
    }
  }
  const expectEqual = (actual: Float32Array[], expected: Float32Array[], maxAbs: number) => {
    expected.forEach((one, i) => {
      expectClose(actual[i]!, one, { maxAbs }, { name: `method ${i}` });
    });
  };

  for (const kind of ['engine', 'ort']) {
    for (const [height, width] of [
      [96, 96],
      [64, 150],
    ] as const) {
      it(`give the logits of runs from pixels, for every method, ${height} x ${width}, ${kind}`, () =>
        withoutLeak(async () => {
          const methods = methodNames.map(methodByName);
          const picture = planes(height, width);
          const runner = runners[kind]!;
          const { store, counts } = memoryStore();
          const fromPixels = await logits(methods, picture, { runner });
          const filled = await logits(methods, picture, { runner, prefixes: store }, 'p');
          const again = await logits(methods, picture, { runner, prefixes: store }, 'p');
          expect(counts.put).to.equal(4);
          expect(counts.found).to.equal(8);
          expectEqual(filled, fromPixels, 2e-5);
          expectEqual(again, filled, 0);
        }));
    }
  }

  it('the first run goes on with what comes back from the store, rounded as it may be', () =>
    withoutLeak(async () => {
      const methods = [methodByName('sclip'), methodByName('resclip'), methodByName('scclip')];
      const { store } = memoryStore(rounded);
      const options = { prefixes: store };
      const filled = await logits(methods, planes(96, 96), options, 'p');
      expectEqual(await logits(methods, planes(96, 96), options, 'p'), filled, 0);
      // Of the first alone: the others decide, and a decision may fall the other way.
      expectEqual(filled.slice(0, 1), await logits(methods.slice(0, 1), planes(96, 96), {}), 5e-3);
    }));

  it('are computed where they are missing, and where what comes back is not one', () =>
    withoutLeak(async () => {
      const methods = [methodByName('clearclip')];
      const { store, held, counts } = memoryStore();
      const expected = await logits(methods, planes(96, 96), { prefixes: store }, 'p');
      const [first, second] = held.keys();
      held.delete(first!);
      held.set(second!, [{ data: new Float32Array(3), shape: [3] }]);
      const mended = await logits(methods, planes(96, 96), { prefixes: store }, 'p');
      expect(counts.put).to.equal(6);
      expectEqual(mended, expected, 0);
    }));

  it('are kept apart by picture, size, window, positions, and what is read', () =>
    withoutLeak(async () => {
      const { store, counts } = memoryStore();
      const run = (method: string, more: SegmenterOptions['protocol'], id: string, picture = planes(64, 96)) =>
        logits([methodByName(method)], picture, { prefixes: store, protocol: { ...protocol, ...more } }, id);
      await run('sclip', {}, 'a');
      expect(counts.put).to.equal(2);
      await run('clearclip', {}, 'a');
      expect(counts.put, 'another tail').to.equal(2);
      await run('sclip', {}, 'b', planes(64, 96, 1));
      expect(counts.put, 'another picture').to.equal(4);
      await run('sclip', { positions: 'antialias' }, 'a');
      expect(counts.put, 'other positions').to.equal(6);
      await run('sclip', { window: 0 }, 'a');
      expect(counts.put, 'another window').to.equal(7);
      await run('sclip', {}, 'a', planes(64, 128));
      expect(counts.put, 'another size').to.equal(10);
      await run('gem', {}, 'a');
      expect(counts.put, 'other blocks').to.equal(12);
    }));

  it('are not asked for without a name of the picture', () =>
    withoutLeak(async () => {
      const { store, counts } = memoryStore();
      await logits([methodByName('sclip')], planes(64, 64), { prefixes: store });
      expect(counts).to.deep.equal({ found: 0, put: 0 });
    }));
});

describe('methods with a guide', () => {
  let clip: SegmentingClip;
  before(useEngine);
  before(() => {
    clip = { ...tinyClip(), tokenizer: createTokenizer(), preprocessor: clipPreprocess(64) };
  });
  after(() => clip.dispose());

  const run = async (method: Method, picture = planes(64, 64)) => {
    const segmenter = await openSegmenter(clip, [method], { protocol: { ...protocol, window: 0 } });
    const [only] = await segmenter.segment(picture, names, { texts });
    await segmenter.dispose();
    return only!.logits();
  };

  it('ResCLIP that mixes nothing in is its base', () =>
    withoutLeak(async () => {
      const none = { tau: 1, lambda: 0 };
      for (const name of ['clip', 'sclip', 'clearclip', 'naclip']) {
        const method = methodByName(name);
        const settings = { base: method.variant, rcs: none, sfr: none };
        const plain = { ...method, protocol: resClip().protocol };
        expectClose(await run(resClip(settings)), await run(plain), { maxAbs: 1e-5 }, { name });
      }
    }));

  it('run on grids of one patch, one row and one column', () =>
    withoutLeak(async () => {
      for (const method of [resClip(), scClip()]) {
        for (const [height, width] of [
          [16, 16],
          [16, 64],
          [64, 16],
        ] as const) {
          const found = await run(method, planes(height, width));
          expect(found.every(Number.isFinite), `${method.name} ${height} x ${width}`).to.equal(true);
        }
      }
    }));

  it('give each window of a batch what it gets alone', () =>
    withoutLeak(async () => {
      for (const method of [resClip(), scClip()]) {
        const batch = await openSegmenter(clip, [method], { protocol: { ...protocol, stride: 64 } });
        const [together] = await batch.segment(planes(64, 128), names, { texts });
        await batch.dispose();
        const left = planes(64, 128);
        const half = Float32Array.from({ length: 3 * 64 * 64 }, (_, i) => {
          const [row, x] = [Math.floor(i / 64), i % 64];
          return left.values[row * 128 + x]!;
        });
        const alone = await run(method, { values: half, height: 64, width: 64 });
        const both = together!.logits();
        const ofHalf = Float32Array.from(alone, (_, i) => both[Math.floor(i / 64) * 128 + (i % 64)]!);
        expectClose(ofHalf, alone, { maxAbs: 1e-5 }, { name: method.name });
      }
    }));

  it('refuse towers, settings and changes that they cannot do', () =>
    withoutLeak(async () => {
      const attempt = (method: Method, model = clip) => rejection(openSegmenter(model, [method]));
      const flat = { ...clip, config: { ...clip.config, image: { ...clip.config.image!, layers: 1 } } };
      expect(await attempt(resClip(), flat)).to.match(/^resclip: expected an image tower of at least 2 blocks, got 1/);
      expect(await attempt(scClip(), flat)).to.match(/^scclip: expected an image tower of at least 2 blocks, got 1/);
      expect(await attempt(resClip({ rcs: { tau: 0, lambda: 0.5 } }))).to.match(/^resclip: rcs: .* got 0 and 0.5$/);
      expect(await attempt(resClip({ sfr: { tau: 1, lambda: 1.5 } }))).to.match(/^resclip: sfr: .* got 1 and 1.5$/);
      expect(await attempt(resClip({ threshold: -1 }))).to.equal('resclip: expected a threshold from 0 to 1, got -1');
      expect(await attempt(scClip({ neighbours: 0 }))).to.match(/^scclip: neighbours: .* got 0$/);
      expect(await attempt(scClip({ contamination: 5 }))).to.equal('scclip: expected contamination from 0 to 1, got 5');
      expect(await attempt(scClip({ classWeight: Number.NaN }))).to.match(/^scclip: expected a finite class weight/);
      const late = { start: 2, end: 4 };
      expect(await attempt(resClip({ blocks: late }))).to.equal(
        'resclip: expected blocks before the last of 4 to average, got 2 to 3',
      );
      const blocks = { similarity: 3, aggregation: 1, sum: { start: 1, end: 3 } };
      expect(await attempt(scClip({ blocks }))).to.match(
        /^scclip: expected blocks before the last of 4, got 3, 1 and /,
      );
      const changed = { ...scClip(), variant: { ...scClip().variant, ffn: false } };
      expect(await attempt(changed)).to.equal("scclip: it does the last block in its own way; leave out 'ffn'");
      const strange = { ...scClip(), variant: { guide: 'mine' } };
      expect(await attempt(strange)).to.equal("segment: expected a method's guide as a function, got string");
      const { resclip: _, ...bare } = resClip().protocol;
      expect(await attempt({ ...resClip(), protocol: bare })).to.match(/^resclip: expected a protocol with constants/);
      expect(await rejection(run(resClip({ base: methodByName('gem').variant })))).to.match(
        /^gem: expected scores without/,
      );
      const identity = resClip({ base: methodByName('maskclip').variant });
      expect(await rejection(run(identity))).to.equal(
        'resclip: expected an attention with a pattern to mix; this one makes none',
      );
    }));

  it('are refused where one run is all there is', () =>
    withoutLeak(() =>
      tidy(() => {
        for (const name of ['resclip', 'scclip']) {
          const last = methodByName(name).variant;
          const message = 'last: this method decides something between two runs of the last block; use segment';
          expect(() => clip.image(twoImages(), { last }), name).to.throw(InputError, message);
        }
      }),
    ));
});
