/** What the flags of `evaluate` say is to be evaluated. */
import { InputError } from '../../errors.js';
import type { Dataset } from '../../evaluate/datasets/dataset.js';
import { onOneProtocol } from '../../evaluate/methods/resolve.js';
import { methodSpecs, moduleSpec, sweepSpecs } from '../../evaluate/methods/specs.js';
import type { EvaluationPlan, MethodSpec } from '../../evaluate/plan.js';
import { defaultShardSize } from '../../evaluate/run/openPlan.js';
import { type MethodName, methodNames } from '../../segment/protocols.js';
import { type CommonFlags, embeddedModel } from '../flags.js';
import { engineFrom } from '../model.js';

/** The flags that decide results. */
export interface PlanFlags {
  dataset?: string;
  classesFile?: string;
  methods?: string;
  method?: string[];
  sweep?: string;
  protocol?: MethodName;
  limit?: number;
  shardSize?: number;
  prefixCache?: string;
  prefixCacheSize?: number;
}

/** What a prefix cache may take unless it is told. */
const usualGigabytes = 20;

/** The plan that the flags say. @throws InputError for methods that there are not */
export async function planFrom(flags: CommonFlags & PlanFlags, dataset: Dataset): Promise<EvaluationPlan> {
  const { classesFile, model, activation, threads, quantize, limit, protocol } = flags;
  const { prefixCache: path, prefixCacheSize: gigabytes } = flags;
  if (path === undefined && gigabytes !== undefined) {
    throw new InputError('evaluate: --prefix-cache-size says what --prefix-cache DIR may take; give both');
  }
  const specs = specsFrom(flags, 'clip', 'clearclip');
  return {
    dataset: dataset.spec,
    model,
    methods: protocol === undefined ? specs : onOneProtocol(specs, protocol, dataset.setting),
    engine: await engineFrom(flags),
    shardSize: flags.shardSize ?? defaultShardSize(Math.min(limit ?? dataset.ids.length, dataset.ids.length)),
    ...(classesFile !== undefined && { classesFile }),
    ...(activation !== undefined && { activation }),
    ...(threads !== undefined && { threads }),
    ...(quantize !== undefined && { quantize }),
    ...(limit !== undefined && { limit }),
    ...(path !== undefined && { prefixCache: { path, bytes: Math.round((gigabytes ?? usualGigabytes) * 1e9) } }),
  };
}

/**
 * The methods that the flags name, or `usual`.
 * @param base what attentions, files and sweeps start from where no published method is named
 * @throws InputError for methods that there are not
 */
export function specsFrom(
  { methods, method = [], sweep }: Pick<PlanFlags, 'methods' | 'method' | 'sweep'>,
  base: MethodName,
  usual: MethodName,
): MethodSpec[] {
  const published = (methods ?? '').split(',').flatMap(name => methodNames.find(known => known === name.trim()) ?? []);
  const [first = base] = published;
  const specs = [
    ...(methods === undefined ? [] : methodSpecs(methods, first)),
    ...method.map(path => moduleSpec(path, first)),
    ...(sweep === undefined ? [] : sweepSpecs(sweep, first)),
  ];
  return specs.length > 0 ? specs : methodSpecs(usual, usual);
}

/** Flags that may be given to a run that is there: what is printed and how fast, not what comes out. */
const freeFlags: readonly string[] = ['run', 'workers', 'queue', 'threads', 'output', 'grid', 'quiet', 'json'];

/** @throws InputError for flags that change the plan of a run that is to be gone on with */
export function refusePlanFlags(flags: CommonFlags & PlanFlags): void {
  const model = flags.model === embeddedModel ? undefined : flags.model;
  const stray = Object.entries({ ...flags, model }).find(
    ([name, value]) => value !== undefined && !freeFlags.includes(name),
  );
  if (!stray) return;
  const flag = flagOf(stray[0]);
  throw new InputError(`evaluate: ${flag} is the run's own; leave it out, or say all of the plan with --dataset`);
}

/** A flag as it is typed, from the name of its value. */
export const flagOf = (name: string): string => `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;
