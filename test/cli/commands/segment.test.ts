/** The whole way from a picture file to labels, against the published pipelines, text side included. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readPicture } from '../../../src/image/decode.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { expectClose, findGolden, type GoldenTensor, goldenPath, readGolden } from '../../goldens.js';
import { writePixels, writePng } from '../pixelFile.js';
import { json, scene, succeed } from '../run.js';

interface Segmented {
  images: { file: string; size: { width: number; height: number }; classes: ClassShare[] }[];
  size: { width: number; height: number };
  method: string;
  seconds: number;
}
interface ClassShare {
  name: string;
  pixels: number;
  share: number;
}

const golden = readGolden(findGolden('segmentation/pipeline.safetensors')!);
const { measured } = JSON.parse(readFileSync(findGolden('segmentation/manifest.json')!, 'utf8'));
const classesFile = findGolden('segmentation/class_names.txt')!;
const shortSides = { a: 96, b: 80, small: 50 };
type Case = keyof typeof shortSides;
const tiny = 'clip-tiny/weights/hf-full-vocab-fp16';

/** The flags of the published pipelines at the goldens' sizes. */
const sized = (name: Case) => ['--short-side', String(shortSides[name]), '--window', '64', '--stride', '32'];

function thresholds(method: string, name: Case): string[] {
  if (method === 'clearclip') return ['--background', String(measured[`clearclip ${name} prob_thd`].prob_thd)];
  const { prob_thd, area_thd } = measured[`sclip ${name} thresholds`];
  return ['--background', String(prob_thd), '--area', String(area_thd)];
}

/** Labels as the palette PNG holds them: indices, not colours. */
async function labelsIn(path: string): Promise<Uint8Array> {
  const { mode, data } = await readPicture(path);
  expect(mode).to.equal('P');
  return data as Uint8Array;
}

/** At least 99.5 % of the pixels; the manifest allows those that two classes almost share. */
function expectLabels(actual: Uint8Array, { data, shape }: GoldenTensor, name: string): void {
  expectClose(actual, data as Uint8Array, { maxAbs: 0, outliers: 0.005 }, { name, shape });
}

describe('clipscope segment', () => {
  for (const name of Object.keys(shortSides) as Case[]) {
    it(`gives the published logits and labels of picture ${name}`, function () {
      const model = goldenPath(this, tiny);
      const limited = { sclip: 'thresholds', clearclip: 'prob_thd' };
      return inTemporaryFolder(async dir => {
        const image = await writePng(join(dir, `${name}.png`), golden[`${name}/image`]!);
        const common = ['segment', image, '--model', model, '--classes-file', classesFile, ...sized(name)];
        for (const [method, suffix] of Object.entries(limited)) {
          const outputs = ['plain', 'limited'].map(kind =>
            [`${kind}.png`, `${kind}.safetensors`].map(n => join(dir, n)),
          );
          const [plain, limit] = outputs as [[string, string], [string, string]];
          const asked = [...common, '--method', method];
          const [said] = await Promise.all([
            json<Segmented>([...asked, '--labels', plain[0], '--logits', plain[1]]),
            json<Segmented>([...asked, ...thresholds(method, name), '--labels', limit[0]]),
          ]);
          const { logits } = readGolden(plain[1]);
          const expected = golden[`${name}/${method}.logits`]!;
          expect(logits!.shape).to.deep.equal(expected.shape);
          const where = { name: method, shape: expected.shape };
          expectClose(logits!.data as Float32Array, expected.data as Float32Array, { maxAbs: 1e-4 }, where);
          const labels = await labelsIn(plain[0]);
          expectLabels(labels, golden[`${name}/${method}.plain.prediction`]!, method);
          expectLabels(await labelsIn(limit[0]), golden[`${name}/${method}.${suffix}.prediction`]!, suffix);

          const [height, width] = golden[`${name}/image`]!.shape as [number, number];
          expect(said).to.include({ method }).and.to.deep.include({ size: { width, height } });
          const [{ classes }] = said.images as [Segmented['images'][number]];
          expect(classes.map(({ name: first }) => first)).to.deep.equal([
            'sky',
            'astronaut',
            'cat',
            'coffee cup',
            'rocket',
          ]);
          for (const [label, { pixels, share }] of classes.entries()) {
            expect(pixels).to.equal(labels.filter(value => value === label).length);
            expect(share).to.be.closeTo(pixels / (height * width), 1e-12);
          }
        }
      });
    });
  }

  it('refines by PAMR as published', function () {
    const model = goldenPath(this, tiny);
    return inTemporaryFolder(async dir => {
      const image = await writePng(join(dir, 'a.png'), golden['a/image']!);
      const [labels, logits] = [join(dir, 'labels.png'), join(dir, 'logits.safetensors')];
      const flags = [...sized('a'), '--method', 'sclip', '--pamr', '10', '--labels', labels, '--logits', logits];
      await json(['segment', image, '--model', model, '--classes-file', classesFile, ...flags]);
      const expected = golden['a/sclip.pamr.logits']!;
      const { data } = readGolden(logits).logits!;
      expectClose(data as Float32Array, expected.data as Float32Array, { maxAbs: 1e-4 }, { shape: expected.shape });
      expectLabels(await labelsIn(labels), golden['a/sclip.pamr.prediction']!, 'pamr');
    });
  });

  it('takes ready pixels, several at a time', function () {
    const model = goldenPath(this, tiny);
    return inTemporaryFolder(async dir => {
      const { data, shape } = golden['b/normalised']!;
      const twice = new Float32Array(2 * data.length);
      twice.set(data as Float32Array);
      twice.set(data as Float32Array, data.length);
      const pixels = writePixels(join(dir, 'b.safetensors'), { data: twice, shape: [2, ...shape.slice(1)] });
      const output = join(dir, 'logits.safetensors');
      const windows = ['--method', 'sclip', '--window', '64', '--stride', '32'];
      const args = ['segment', pixels, '--model', model, '--classes-file', classesFile, ...windows];
      const { images } = await json<Segmented>([...args, '--logits', output]);
      const { logits } = readGolden(output);
      expect(logits!.shape).to.deep.equal([2, 11, 96, 80]);
      expect(images.map(({ size }) => size)).to.deep.equal(Array(2).fill({ width: 80, height: 96 }));
      expect(images[0]!.classes).to.deep.equal(images[1]!.classes);
      const half = logits!.data.length / 2;
      const [first, second] = [0, half].map(at => (logits!.data as Float32Array).subarray(at, at + half));
      expectClose(first!, second!, { maxAbs: 0 });
      // Above and left of the first patch's centre, where no other window reaches, stand that patch's own logits.
      const corner = Array.from({ length: 11 }, (_, q) => first![(q * 96 + 3) * 80 + 5]!);
      const patch = Array.from({ length: 11 }, (_, q) => golden['b/sclip.window_logits']!.data[16 * q] as number);
      expectClose(corner, patch, { maxAbs: 1e-4 });
    });
  });

  it('paints the classes of several examples into a folder, and prints their shares', () =>
    inTemporaryFolder(async dir => {
      const args = ['segment', scene(1), scene(2), '--classes', 'green; blue; sand; brick; sky', '--quiet'];
      const all = ['-o', dir, '--labels', dir, '--logits', dir];
      const lines = (await succeed([...args, ...all])).trimEnd().split('\n');
      expect(lines[0]).to.equal(scene(1));
      expect(lines[1]).to.match(/^ +[\d.]+ % {2}\w+$/);
      for (const n of [1, 2]) {
        const overlay = await readPicture(join(dir, `scene-${n}.png`));
        expect(Math.min(overlay.width, overlay.height)).to.be.at.least(96);
        expect(Math.max(overlay.width, overlay.height)).to.be.above(96);
        expect((await labelsIn(join(dir, `scene-${n}.labels.png`))).length).to.equal(96 * 96);
        expect(readGolden(join(dir, `scene-${n}.safetensors`)).logits!.shape).to.deep.equal([1, 5, 96, 96]);
      }
    }));

  it('finds what the examples show, by the embedded model', () =>
    inTemporaryFolder(async dir => {
      const [{ labels: names }] = JSON.parse(
        readFileSync(new URL('../../../examples/scenes.json', import.meta.url), 'utf8'),
      );
      const { data: truth } = await readPicture(scene(1).replace('.png', '.labels.png'));
      const rightWith = async (...flags: string[]) => {
        const output = join(dir, 'labels.png');
        await succeed(['segment', scene(1), '--classes', names.join(';'), '--labels', output, ...flags]);
        return (await labelsIn(output)).filter((label, i) => label === truth[i]).length / truth.length;
      };
      expect(await rightWith()).to.be.above(0.8);
      expect(await rightWith('--method', 'clip')).to.be.below(0.7);
    }));
});
