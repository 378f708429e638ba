import { expect } from 'chai';
import { loadClip } from '../../src/checkpoint/loadClip.js';
import { openTextEncoder } from '../../src/model/textEncoder.js';
import { engineRunner, openRunner } from '../../src/tensor/runner.js';
import { useEngine, withoutLeak } from '../engine.js';
import { rejection } from '../files/rejection.js';
import { expectClose } from '../goldens.js';

const texts = ['', 'a cat', 'a photo of a very large dog on a very small green sofa', 'star', 'a red star'];

describe('openTextEncoder', () => {
  before(useEngine);

  it('gives each text what the tower gives it over the whole context, on every runner', async () => {
    const clip = await loadClip('weights/scenes', { towers: ['text'] });
    try {
      const ids = texts.map(text => clip.tokenizer.encode(text));
      const { embedding } = clip.text(ids, { context: 'full' });
      const expected = await embedding.data();
      embedding.dispose();
      for (const runner of [engineRunner, await openRunner('ort', { threads: 1 })]) {
        await withoutLeak(async () => {
          const encoder = await openTextEncoder(clip, runner);
          expectClose(await encoder.encode(ids), expected, { maxAbs: 1e-5 }, { name: runner.name });
          await encoder.dispose();
        });
      }
    } finally {
      clip.dispose();
    }
  });

  it('refuses no texts, ids that are none, and models without a text tower', async () => {
    const clip = await loadClip('weights/scenes', { towers: ['text'] });
    const encoder = await openTextEncoder(clip, engineRunner);
    const refusals = [
      [[], /at least one text/],
      [[[]], /text 0 has 0/],
      [[[49406, 60000, 49407]], /text 0 holds 60000 at position 1/],
      [[new Int32Array(33)], /text 0 has 33/],
    ] as const;
    for (const [given, says] of refusals) {
      expect(await rejection(encoder.encode(given))).to.match(says);
    }
    await encoder.dispose();
    clip.dispose();
    const image = await loadClip('weights/scenes', { towers: ['image'] });
    expect(await rejection(openTextEncoder(image, engineRunner))).to.match(/without its text tower/);
    image.dispose();
  });
});
