import { InputError } from '../../errors.js';
import * as z from '../../files/schema.js';

export const count = z.number().int().positive().max(1_000_000);
// The largest published tower has 48; names are made for every layer before the weights are looked at.
export const layerCount = count.max(1000);

/** Parses with a schema. @throws InputError naming the file, the field and what was expected there. */
export function parseWith<T>(schema: z.ZodType<T>, value: unknown, file: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const field = issue.path.join('.') || 'the file';
  throw new InputError(`${file}: ${field}: ${issue.message}`);
}
