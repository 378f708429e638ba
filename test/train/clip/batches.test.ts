import { expect } from 'chai';
import { drawScenes } from '../../../src/scenes/batch.js';
import { sceneCaption } from '../../../src/scenes/caption.js';
import { sceneAt } from '../../../src/scenes/scene.js';
import type { Values } from '../../../src/tensor/compile.js';
import { createTokenizer } from '../../../src/tokenizer/tokenizer.js';
import { sceneBatches } from '../../../src/train/clip/batches.js';
import {
  longestCaption,
  partsOf,
  type SceneBatchPlan,
  type Stage,
  scenesOfStep,
} from '../../../src/train/clip/sceneBatch.js';
import { sceneVocabulary } from '../../../src/train/clip/vocabulary.js';

const stages: Stage[] = [
  { fromStep: 1, scenes: { objects: [1, 1] }, twins: 4 },
  { fromStep: 3, share: 3, captions: { shapeAlone: 1 }, twins: 3, classDropout: 0.4 },
  { fromStep: 3, scenes: { objects: [2, 3] } },
];
const plan: SceneBatchPlan = { seed: 11, batch: 12, size: 32, tokens: longestCaption(stages), stages };
const { tokenizer } = sceneVocabulary(createTokenizer());

async function withBatches<T>(threads: number, work: (source: ReturnType<typeof sceneBatches>) => Promise<T>) {
  const source = sceneBatches(plan, { threads });
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}

/** A copy, which outlives the memory of the batch. */
const copied = (batch: readonly Values[]) => batch.map(({ data, shape }) => ({ data: data.slice(), shape }));

const textOf = ([, ids]: readonly Values[], row: number): string => {
  const [, tokens] = ids!.shape as [number, number];
  const own = ids!.data.subarray(row * tokens, (row + 1) * tokens);
  return tokenizer.decode(Array.from(own.subarray(1, own.indexOf(tokenizer.endOfText)))).trim();
};

describe('sceneBatches', () => {
  it('gives the scenes and captions of the plan', () =>
    withBatches(1, async source => {
      const batch = await source.batch(2);
      const scenes = Array.from({ length: 12 }, (_, i) =>
        sceneAt(11, 12 + Math.floor(i / 4), { objects: [1, 1], size: 32, twin: i % 4 }),
      );
      const pixels = new Float32Array(12 * 3 * 32 * 32);
      drawScenes(scenes, pixels);
      expect(batch[0]!.shape).to.deep.equal([12, 3, 32, 32]);
      expect(batch[0]!.data).to.deep.equal(pixels);
      expect(batch[1]!.shape).to.deep.equal([12, plan.tokens]);
      scenes.forEach((scene, i) => {
        const ids = tokenizer.pad(tokenizer.encode(sceneCaption(scene)), plan.tokens);
        expect(batch[1]!.data.slice(i * plan.tokens, (i + 1) * plan.tokens)).to.deep.equal(ids);
      });
    }));

  it('twins differ in nothing but shapes, and a stage may mix kinds', () =>
    withBatches(1, async source => {
      const twins = await source.batch(1);
      const colour = (text: string) =>
        text.replace(/circle|square|triangle|star|ring|cross|heart|crescent|diamond|hexagon/g, '*');
      for (let group = 0; group < 12; group += 4) {
        const texts = [0, 1, 2, 3].map(twin => textOf(twins, group + twin));
        expect(new Set(texts).size, texts.join('; ')).to.equal(4);
        expect(new Set(texts.map(colour)).size, texts.join('; ')).to.equal(1);
      }
      const mixed = await source.batch(3);
      const shapesAlone = Array.from({ length: 12 }, (_, i) => /^(a \w+)( and a \w+)*$/.test(textOf(mixed, i)));
      expect(shapesAlone.slice(0, 9)).to.deep.equal(Array(9).fill(true));
      expect(shapesAlone.slice(9)).to.include(false);
      expect([...twins[2]!.data]).to.deep.equal(Array(12).fill(0));
      expect([...mixed[2]!.data]).to.deep.equal([0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0]);
      expect(scenesOfStep(plan, 3)).to.deep.equal([24, 24 + 3 + 3 - 1]);
      expect(partsOf(plan, 100).map(({ pictures }) => pictures)).to.deep.equal([9, 3]);
      expect(source.describe!(3)).to.equal('seed 11, scenes 24 to 29');
    }));

  it('is the same from any number of threads, in any order, in memory used again', async () => {
    const inOrder = await withBatches(1, async source => {
      const batches: Values[][] = [];
      for (const step of [1, 2, 3, 4, 5]) {
        const batch = await source.batch(step);
        batches.push(copied(batch));
        source.release!(batch);
      }
      return batches;
    });
    const together = await withBatches(3, async source => {
      const spoilt = await source.batch(9);
      for (const { data } of spoilt) data.fill(77);
      source.release!(spoilt);
      const backwards = await Promise.all([5, 4, 3, 2, 1].map(step => source.batch(step)));
      return backwards.reverse().map(copied);
    });
    expect(together).to.deep.equal(inOrder);
    expect(inOrder[0]).to.not.deep.equal(inOrder[1]);
  });

  it('a released batch is what the next is drawn into', () =>
    withBatches(1, async source => {
      const first = await source.batch(1);
      const { byteLength } = first[0]!.data.buffer;
      source.release!(first);
      const second = await source.batch(2);
      expect(first[0]!.data.buffer.byteLength, 'given away').to.equal(0);
      expect(second[0]!.data.buffer.byteLength).to.equal(byteLength);
    }));

  it('what goes wrong in a thread is told to who asked, and the thread goes on', async () => {
    const short = sceneBatches({ ...plan, tokens: 4 });
    try {
      const failure = await short.batch(1).then(String, error => error);
      expect(failure)
        .to.be.an('error')
        .with.property('message')
        .that.matches(/expected at most 4 tokens/);
      expect(failure.name).to.equal('InputError');
      expect(await short.batch(1).then(String, error => error.name)).to.equal('InputError');
    } finally {
      await short.close();
    }
  });

  it('ends when closed, refusing what still waits and what comes later', async () => {
    const source = sceneBatches(plan);
    const waiting = Promise.allSettled([1, 2, 3].map(step => source.batch(step)));
    await source.close();
    for (const outcome of await waiting) expect(outcome.status).to.equal('rejected');
    const late = await source.batch(4).then(String, error => error.message);
    expect(late).to.match(/after they were closed/);
  });

  it('longestCaption is reached and never passed', () => {
    const three: Stage[] = [{ fromStep: 1, scenes: { objects: [3, 3] } }];
    const most = longestCaption(three);
    let longest = 0;
    for (let i = 0; i < 3000; i++) {
      const scene = sceneAt(1, i, { objects: [3, 3] });
      const caption = sceneCaption(scene, 0, { colour: 1, texture: 1, background: 1, leftOut: 0 });
      longest = Math.max(longest, tokenizer.encode(caption).length);
    }
    expect(longest)
      .to.be.at.most(most)
      .and.at.least(most - 4);
  });
});
