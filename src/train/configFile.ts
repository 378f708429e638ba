/** What the configurations of all trainings have in common: how they are read, and the keys that mean the same in each. */
import { InputError, suggestion } from '../errors.js';
import { issueText } from '../files/issue.js';
import { quoted } from '../files/quote.js';
import * as z from '../files/schema.js';

export const count = z.int().positive().max(1_000_000_000);
export const size = z.int().positive().max(100_000);
export const seed = z.int().nonnegative();
/** Scenes of later seeds are held out for evaluation. */
export const trainingSeed = seed.max(2 ** 40 - 1);
export const share = z.number().min(0).max(1);
/** As float32, what is smaller is little else than 0, and what is added to a variance of about 1 should not rule it. */
export const epsilon = z.number().min(1e-12).max(1);
/** Decay of a running mean: at 1 it would never take anything in. */
const beta = z.number().min(0).lt(1);

/** What every optimiser here is told, with these defaults. */
export const optimiserKeys = (defaults: { beta2: number; epsilon: number; decay: number }) => ({
  /** Share of the rate that is left at the end. */
  floor: share.default(0),
  beta1: beta.default(0.9),
  beta2: beta.default(defaults.beta2),
  epsilon: epsilon.default(defaults.epsilon),
  decay: z.number().nonnegative().max(10).default(defaults.decay),
});
/** The highest learning rate. */
export const rate = z.number().min(1e-9).max(1);
/** Steps that it takes to get there. */
export const warmup = z.int().nonnegative();

/** How often a run looks at held-out scenes, saves, and writes to its log. */
export const runKeys = {
  evaluation: z.exactOptional(z.strictObject({ every: count, scenes: count.max(100_000).default(200) })),
  checkpoint: z.strictObject({ every: count, keep: count.max(1000).default(2) }).prefault({ every: 500 }),
  log: z.strictObject({ every: count }).prefault({ every: 10 }),
};

/** What contradicts another key: the key, and how. */
export type Contradiction = readonly [key: string, fault: string];

/**
 * Checks a configuration and fills in what it leaves out.
 * @param name what error messages call it
 * @param contradiction finds what no schema says
 * @throws InputError in one line that names the key and the fault
 */
export function parseConfig<Schema extends z.ZodType>(
  schema: Schema,
  json: unknown,
  name: string,
  contradiction: (config: z.infer<Schema>) => Contradiction | undefined,
): z.infer<Schema> {
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new InputError(`${name}: ${faultIn(schema, parsed.error.issues, json)}`);
  const fault = contradiction(parsed.data);
  if (fault) throw new InputError(`${name}: ${fault.join(': ')}`);
  return parsed.data;
}

/** A warm-up that leaves nothing of the steps. */
export const warmupFault = (optimiser: { warmup: number }, steps: number): Contradiction | undefined =>
  optimiser.warmup < steps
    ? undefined
    : ["'optimiser.warmup'", `${optimiser.warmup} steps leave none of the ${steps} to fall in`];

/** What the check of another module has against a value. */
export function faultOf(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
}

/** One fault of several: an unknown key first, for it may be the one that is missed elsewhere. */
function faultIn(schema: z.ZodType, issues: readonly z.core.$ZodIssue[], json: unknown): string {
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]!;
  if (issue.code !== 'unrecognized_keys') return issueText(issue, json);
  const path = issue.path.map(String);
  const [key] = issue.keys as [string];
  return `${quoted([...path, key].join('.'))}: unknown key${suggestion(key, keysAt(schema, path))}`;
}

/** The keys that a schema knows under a path. */
function keysAt(schema: z.ZodType, path: readonly string[]): string[] {
  let at: unknown = schema;
  for (const key of path) {
    const inner = bare(at);
    at = inner instanceof z.ZodArray ? inner.element : (inner as z.ZodObject).shape[key];
  }
  return Object.keys((bare(at) as z.ZodObject).shape);
}

function bare(at: unknown): unknown {
  return at instanceof z.ZodDefault || at instanceof z.ZodPrefault || at instanceof z.ZodExactOptional
    ? bare(at.unwrap())
    : at;
}
