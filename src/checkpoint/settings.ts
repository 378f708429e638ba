/** A model's own advice on how to use it, in `clipscope.json` beside its weights. */
import * as z from '../files/schema.js';
import { parseWith } from './config/parse.js';

const whole = z.number().int().nonnegative().max(100_000);

const schema = z.strictObject({
  /** Prompts, each with `{}` for the name: for models that never saw the usual ones. */
  templates: z.array(z.string().includes('{}')).min(1).optional(),
  /** Sizes that suit the model, in place of a method's published ones. */
  protocol: z
    .strictObject({ shortSide: whole.optional(), window: whole.optional(), stride: whole.optional() })
    .optional(),
  /** Attention in windows of so many patches a side, in every block but these: for image towers trained so. */
  windows: z.strictObject({ size: whole.positive(), global: z.array(z.number().int().nonnegative()) }).optional(),
  /** Free text for people. */
  about: z.string().optional(),
});

export type ModelSettings = z.infer<typeof schema>;

/** @throws InputError naming the field that is unknown or out of range. */
export const parseSettings = (json: unknown, file: string): ModelSettings => parseWith(schema, json, file);
