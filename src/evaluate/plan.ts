/** What an evaluation is to do, as plain data: it passes between threads and machines and is written into a run's folder. */
import type { ActivationName } from '../model/config.js';
import type { MethodName, Protocol } from '../segment/protocols.js';
import type { RunnerName } from '../tensor/names.js';

/** A method and what is changed of it. */
export interface MethodSpec {
  /** What tables call it; different for each method of a plan. */
  readonly label: string;
  /** The published method it starts from. */
  readonly method: MethodName;
  readonly attention?: string;
  readonly residual?: boolean | number;
  readonly ffn?: boolean;
  readonly blocks?: number;
  /** A module whose default export is a method, an attention, or a function that returns either; it goes before `method`. */
  readonly module?: { readonly path: string; readonly sha256: string };
  /** In place of published constants, and stated like them for 224-pixel inputs. */
  readonly protocol?: Partial<Protocol>;
}

/** All that decides an evaluation's results, and how it is computed. */
export interface EvaluationPlan {
  /** `KIND:PATH`. */
  readonly dataset: string;
  /** A file of class names to ask for in place of the usual ones. */
  readonly classesFile?: string;
  readonly model: string;
  /** The activation, where the model's files do not tell. */
  readonly activation?: ActivationName;
  readonly methods: readonly MethodSpec[];
  readonly engine: RunnerName;
  readonly threads?: number;
  readonly quantize?: 's8';
  /** Only the first so many images. */
  readonly limit?: number;
  /** Images in a shard. */
  readonly shardSize: number;
  /** Where the outputs of shared blocks are kept, and how many bytes they may take. */
  readonly prefixCache?: { readonly path: string; readonly bytes: number };
}

/** Hashes of what a plan names: equal on every machine that may take part in it. */
export interface PlanIdentity {
  /** SHA-256 over all of the below and over what the plan says of methods, engine and shards. */
  readonly hash: string;
  readonly version: string;
  readonly weights: string;
  readonly dataset: string;
}
