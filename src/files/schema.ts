/**
 * The parts of zod that are used here. The build makes one file of them: zod's own entry loads its messages in fifty
 * languages, which took as long as a quarter of loading a model.
 */
export type { core, infer } from 'zod';
export {
  array,
  boolean,
  enum,
  exactOptional,
  int,
  literal,
  looseObject,
  number,
  object,
  record,
  strictObject,
  string,
  tuple,
  union,
  unknown,
  ZodArray,
  ZodDefault,
  ZodExactOptional,
  ZodObject,
  ZodPrefault,
  ZodType,
} from 'zod';
