/** What is computed both in Node and in a page; the page gets this file in its bundle. */
import type { CompileOptions, LoadedClip } from '../../src/browser.js';
import type { Tensor } from '../../src/tensor/tfjs.js';

type Library = typeof import('../../src/browser.js');

/** Numbers from -1 to 1 without pattern, the same each time. */
export function noise(size: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

const pixels = (batch: number) => ({ data: noise(batch * 3 * 96 * 96), shape: [batch, 3, 96, 96] });
const signature = [{ shape: ['batch', 3, 96, 96] }] as const;

type Task = (library: Library, clip: LoadedClip, options: CompileOptions) => Promise<ArrayLike<number>[]>;

/** Each gives the values of its results. */
export const tasks = {
  async dense({ attentions, compile }, clip, options) {
    const dense = await compile(
      x => clip.image(x, { last: { attention: attentions.csa!, ffn: false } }).tokens,
      signature,
      options,
    );
    const batches = [await dense(pixels(1)), await dense(pixels(2))];
    await dense.dispose();
    return batches.map(({ data }) => data);
  },
  async embedding({ compile }, clip, options) {
    const embed = await compile(x => clip.image(x).embedding, signature, options);
    const { data } = await embed(pixels(2));
    await embed.dispose();
    return [data];
  },
  async text({ compile }, clip, options) {
    const embed = await compile(
      ids => clip.textIds(ids as never).embedding,
      [{ shape: ['batch', 5], dtype: 'int32' }],
      options,
    );
    const { data } = await embed({ data: Int32Array.of(49406, 736, 9664, 49407, 0), shape: [1, 5] });
    await embed.dispose();
    return [data];
  },
  async 'eight bits'({ compile }, clip, options) {
    const dense = await compile(x => clip.image(x).tokens, signature, { ...options, quantize: 's8' });
    const { data } = await dense(pixels(1));
    await dense.dispose();
    return [data];
  },
  async training({ compileStep, enableGradients, lossAndGradients, mul, sub, sum, tensor, ...rest }, clip, options) {
    enableGradients();
    // The last layer of the model, from what stands before it to what it shall give.
    const weights = { gain: tensor(noise(128, 2), [128]), projection: tensor(noise(128 * 16, 3), [128, 16]) };
    const step = await compileStep(
      ({ gain, projection }, x, y) => {
        const { loss, gradients } = lossAndGradients(
          w => {
            const { embedding } = clip.image(x);
            const off = sub(rest.matMul(mul(embedding, w.gain), w.projection), y);
            return rest.mean(sum(mul(off, off), 1));
          },
          { gain, projection },
        );
        const descended = (w: Tensor, g: Tensor) => sub(w, mul(g, 0.01));
        const state = {
          gain: descended(gain, gradients.gain) as typeof gain,
          projection: descended(projection, gradients.projection) as typeof projection,
        };
        return { state, loss };
      },
      weights,
      [{ shape: ['batch', 3, 96, 96] }, { shape: ['batch', 16] }],
      options,
    );
    const target = { data: noise(32, 4), shape: [2, 16] };
    let result = await step(weights, pixels(2), target);
    result = await step(result.state as never, pixels(2), target);
    await step.dispose();
    for (const weight of Object.values(weights)) weight.dispose();
    return [result.loss.data, result.state.gain.data, result.state.projection.data];
  },
} satisfies Record<string, Task>;

export type TaskName = keyof typeof tasks;
