/**
 * Writes a full-size ViT-B/16 CLIP with seeded random weights: the same seed gives the same bytes everywhere.
 *
 *     npx tsx bench/make-vit-b16.ts [--out DIR] [--seed N] [--vision-only] [--layout huggingface|openai] [--dtype f32|f16]
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { randomVitB16, writeVitB16 } from '../src/bench/randomModel.js';

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    seed: { type: 'string', default: '1' },
    'vision-only': { type: 'boolean', default: false },
    layout: { type: 'string', default: 'huggingface' },
    dtype: { type: 'string', default: 'f32' },
  },
});
const { layout } = values;
const dtype = values.dtype.toUpperCase();
const seed = Number(values.seed);
if (layout !== 'huggingface' && layout !== 'openai') throw new RangeError(`--layout: huggingface or openai`);
if (dtype !== 'F32' && dtype !== 'F16') throw new RangeError('--dtype: f32 or f16');
if (!Number.isInteger(seed)) throw new RangeError(`--seed: expected a whole number, got ${values.seed}`);
const model = { seed, visionOnly: values['vision-only'], layout, dtype } as const;
if (values.out !== undefined) writeVitB16(values.out, model);
console.log(values.out === undefined ? randomVitB16(model) : resolve(values.out));
