/** Texts of any lengths through a prepared text tower: lengths apart, in batches. */
import { InputError } from '../errors.js';
import type { Runner } from '../tensor/runner.js';
import type { Tensor2D } from '../tensor/tfjs.js';
import type { Clip } from './clip.js';
import { batchesByLength, checkIds, tokensAtOnce } from './textBatches.js';
import { pooledPosition } from './textTower.js';

/** Encodes texts. */
export interface TextEncoder {
  /**
   * @param texts token ids, start and end included
   * @returns unit-length embeddings, `[texts, embedding]`, in the order of the texts.
   * @throws InputError for an empty list, a text longer than the context, or an id outside the vocabulary.
   */
  encode(texts: readonly ArrayLike<number>[]): Promise<Float32Array>;
  /** Frees what was prepared. The encoder cannot be used afterwards. */
  dispose(): Promise<void>;
}

/** A text runs up to the next multiple of this after its sentence token: each length can cost a graph of its own. */
const lengthStep = 8;

/** Prepares a model's text tower. @throws InputError when the model has none. */
export async function openTextEncoder(
  clip: Pick<Clip, 'config' | 'textIds'>,
  { prepare }: Pick<Runner, 'prepare'>,
): Promise<TextEncoder> {
  const { text: config, embedding: width } = clip.config;
  if (!config) throw new InputError('text: this model was loaded without its text tower');
  const run = await prepare(
    (ids: Tensor2D) => clip.textIds(ids).embedding,
    [{ shape: ['batch', 'tokens'], dtype: 'int32' }],
  );
  const lengthOf = (ids: ArrayLike<number>): number => {
    const needed = pooledPosition(ids, config.pooling) + 1;
    return Math.min(config.context, Math.ceil(needed / lengthStep) * lengthStep);
  };
  return {
    async encode(texts) {
      checkIds(texts, config);
      const embeddings = new Float32Array(texts.length * width);
      const lengths = texts.map(lengthOf);
      for (const rows of batchesByLength(lengths, tokensAtOnce)) {
        const { data } = await run(padded(texts, rows, lengths[rows[0]!]!));
        rows.forEach((row, i) => {
          embeddings.set(data.subarray(i * width, (i + 1) * width), row * width);
        });
      }
      return embeddings;
    },
    dispose: run.dispose,
  };
}

/** Some of the texts as rows of one length; what stands behind a sentence token does not matter. */
function padded(texts: readonly ArrayLike<number>[], rows: readonly number[], length: number) {
  const data = new Int32Array(rows.length * length);
  rows.forEach((row, i) => {
    data.set(Array.prototype.slice.call(texts[row], 0, length), i * length);
  });
  return { data, shape: [rows.length, length] };
}
