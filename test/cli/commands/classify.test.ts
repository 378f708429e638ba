import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { inTemporaryFolder } from '../../files/temporary.js';
import { expectClose, findGolden, goldenPath, readGolden } from '../../goldens.js';
import { json, scene, succeed } from '../run.js';

interface Classified {
  images: { file: string; scores: { name: string; probability: number; logit: number }[] }[];
}

const classify = async (...args: string[]) => (await json<Classified>(['classify', ...args])).images;

/** Softmax in double precision. */
function softmax(logits: readonly number[]): number[] {
  const largest = Math.max(...logits);
  const weights = logits.map(logit => Math.exp(logit - largest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map(weight => weight / total);
}

describe('clipscope classify', () => {
  it('gives the logits that transformers gives for the examples, best first', async () => {
    const path = new URL('../../fixtures/scenes/expected.json', import.meta.url);
    const expected = JSON.parse(readFileSync(path, 'utf8'));
    const names: string[] = [...new Set<string>(expected.captions)];
    const files = [1, 2, 3, 4, 5, 6].map(scene);
    const images = await classify(...files, '--classes', names.join(';'), '--templates', '{}');
    expect(images.map(({ file }) => file)).to.deep.equal(files);
    images.forEach(({ scores }, i) => {
      const logits = names.map(name => expected.logits_per_image[i][expected.captions.indexOf(name)] as number);
      const inOrder = names.map(name => scores.find(score => score.name === name)!);
      const ours = inOrder.map(({ logit }) => logit);
      expectClose(ours, logits, { maxAbs: 1e-3 }, { name: files[i]! });
      expectClose(
        inOrder.map(({ probability }) => probability),
        softmax(ours),
        { maxAbs: 1e-9 },
      );
      expect(scores.map(({ logit }) => logit)).to.deep.equal(ours.toSorted((a, b) => b - a));
    });
  });

  it('gives the logits of the tiny model with the full vocabulary', async function () {
    const path = goldenPath(this, 'clip-tiny/full_vocab_outputs.safetensors');
    const model = goldenPath(this, 'clip-tiny/weights/hf-full-vocab-fp16');
    const { texts } = JSON.parse(readFileSync(findGolden('clip-tiny/manifest.json')!, 'utf8')).measured;
    // What is empty or holds a comma is no class name.
    const names = (texts as string[]).filter(text => /^[^,;]+$/.test(text));
    expect(names.length).to.equal(10);
    const images = await classify(path, '--model', model, '--classes', names.join(';'), '--templates', 'plain');
    expect(images.length).to.equal(5);
    const golden = readGolden(path).logits_per_image!.data as Float32Array;
    images.forEach(({ scores }, i) => {
      for (const name of names) {
        const { logit } = scores.find(score => score.name === name)!;
        expectClose([logit], [golden[12 * i + texts.indexOf(name)]!], { maxAbs: 1e-3 }, { name });
      }
    });
  });

  it('scores a class by its best synonym, cuts to --top, and says the same the second time', () =>
    inTemporaryFolder(async dir => {
      const env = { CLIPSCOPE_CACHE: join(dir, 'cache') };
      const args = ['classify', scene(1), '--classes', 'blue,green; red; pink', '--top', '2'];
      const first = await json<Classified>(args, { env });
      expect(first.images[0]!.scores.length).to.equal(2);
      expect(await json<Classified>(args, { env }), 'from the cache').to.deep.equal(first);
      const apart = await classify(scene(1), '--classes', 'blue; green; red; pink');
      const green = apart[0]!.scores.find(({ name }) => name === 'green')!;
      const blue = first.images[0]!.scores.find(({ name }) => name === 'blue')!;
      expect(blue.logit).to.be.closeTo(green.logit, 1e-4);
      expect(await succeed(args, { env })).to.match(/^.*scene-1\.png\n( +[\d.]+ % {2}\w+\n){2}$/);
    }));
});
