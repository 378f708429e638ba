/** Graphs that refer to a file of weights, and what becomes of them when the file does. */
import {
  closeSync,
  cpSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type LoadedClip, loadClip } from '../../../src/checkpoint/loadClip.js';
import { InputError } from '../../../src/errors.js';
import { compile } from '../../../src/tensor/compile.js';
import { startEngine } from '../../../src/tensor/engine.js';
import { type Pixels, tidy } from '../../../src/tensor/tfjs.js';
import { makeModel } from '../../../src/tensor/trace/model.js';
import { engineUnderTest } from '../../engine.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { expectClose, findGolden, readGolden } from '../../goldens.js';
import { pixelsOf } from '../../model/tiny.js';

const golden = readGolden(findGolden('clip-tiny/v512_outputs.safetensors')!);
const features = golden.image_features!.data as Float32Array;
const signature = [{ shape: ['batch', 3, 64, 64] }] as const;

describe('weights in their file', () => {
  /** Runs a test on a copy of the tiny model, loaded without being read. */
  const onCopy = (test: (clip: LoadedClip, weights: string, folder: string) => Promise<void>) => () =>
    inTemporaryFolder(async folder => {
      cpSync(findGolden('clip-tiny/weights/open_clip-v512')!, folder, { recursive: true });
      const weights = join(folder, 'open_clip_model.safetensors');
      utimesSync(weights, day, day);
      const clip = await loadClip(folder, { weights: 'file' });
      try {
        await test(clip, weights, folder);
      } finally {
        clip.dispose();
      }
    });
  const day = new Date('2001-02-03');
  const start = (clip: LoadedClip) => compile(x => clip.image(x).pooled, signature);

  async function expectRefused(clip: LoadedClip, message: RegExp) {
    const error = await start(clip).catch(caught => caught);
    expect(error).to.be.instanceOf(InputError);
    expect(error.message).to.match(message);
  }

  it(
    'make a small graph that names each of them by its place',
    onCopy(async (clip, _, folder) => {
      const model = await makeModel(x => clip.image(x as Pixels).pooled, signature, {}, []);
      expect(model.bytes.length).to.be.below(40_000);
      expect(model.access).to.deep.equal({ folder });
      // Class token, patches, positions, two norms, the projection, and of each of four blocks 15 of its 16, without the
      // bias of keys, of which softmax takes no notice.
      expect(model.weights.length).to.equal(3 + 4 + 1 + 4 * 15);
    }),
  );

  it(
    'are read by an engine that needs them, and still found in the file',
    onCopy(async clip => {
      await startEngine(engineUnderTest);
      tidy(() => expectClose(clip.image(pixelsOf(golden.pixels!)).pooled.dataSync(), features, { maxAbs: 1e-4 }));
      const fast = await start(clip);
      const { data } = await fast({ data: golden.pixels!.data as Float32Array, shape: golden.pixels!.shape });
      expectClose(data as Float32Array, features, { maxAbs: 1e-4 });
      await fast.dispose();
    }),
  );

  it(
    'give the same where they are not rearranged',
    onCopy(async clip => {
      const fast = await compile(x => clip.image(x).pooled, signature, { pack: false, host: 'worker' });
      const { data } = await fast({ data: golden.pixels!.data as Float32Array, shape: golden.pixels!.shape });
      expectClose(data as Float32Array, features, { maxAbs: 1e-4 });
      await fast.dispose();
    }),
  );

  it(
    'are refused when the file is gone',
    onCopy(async (clip, weights) => {
      rmSync(weights);
      await expectRefused(clip, /open_clip_model\.safetensors: .*no such file/);
    }),
  );

  it(
    'are refused when the file has another size',
    onCopy(async (clip, weights) => {
      writeFileSync(weights, 'x', { flag: 'a' });
      utimesSync(weights, day, day);
      await expectRefused(clip, /has been changed since it was opened/);
    }),
  );

  it(
    'are refused when the file has another head, though of the same size and time',
    onCopy(async (clip, weights) => {
      const bytes = readFileSync(weights);
      bytes[20]! ^= 1;
      writeFileSync(weights, bytes);
      utimesSync(weights, day, day);
      await expectRefused(clip, /has been changed since it was opened/);
    }),
  );

  describe('are refused at a call, before the runtime reads what it has mapped,', () => {
    const spoilt: [string, (weights: string) => void, RegExp][] = [
      ['when the file is gone', rmSync, /open_clip_model\.safetensors: .*no such file/],
      ['when it is cut short', weights => truncateSync(weights, 20_000), /has been changed since it was opened/],
      [
        'when it is written to',
        weights => {
          const file = openSync(weights, 'r+');
          writeSync(file, new Uint8Array(100), 0, 100, 50_000);
          closeSync(file);
        },
        /has been changed since it was opened/,
      ],
    ];
    for (const host of ['inline', 'worker'] as const) {
      for (const [when, spoil, message] of spoilt) {
        it(
          `${when}, ${host}`,
          onCopy(async (clip, weights) => {
            const fast = await compile(x => clip.image(x).pooled, signature, { host });
            const { data, shape } = golden.pixels!;
            const pixels = { data: data as Float32Array, shape };
            await fast(pixels);
            spoil(weights);
            const error = await fast(pixels).catch(caught => caught);
            expect(error).to.be.instanceOf(InputError);
            expect(error.message).to.match(message);
            await fast.dispose();
          }),
        );
      }
    }
  });
});
