/** What goes into the sandbox and what comes out of it: plain data. */
import type { Grid } from '../../../attention/attention.js';
import type { Values } from '../../../tensor/compile.js';

/** Code that passed the checker, see `editor/checker.ts`. */
export interface RunnableCode {
  /** JavaScript, as a CommonJS module: what the user wrote without its types. */
  readonly js: string;
  /** From there to the user's own lines: the `mappings` of a source map. */
  readonly mappings: string;
}

/** What a block hands to its attention, as values; see `AttentionInput`. */
export interface AttentionValues {
  /** `[b, h, n, d]`, as are k and v. */
  readonly q: Values;
  readonly k: Values;
  readonly v: Values;
  /** `[b, n, w]`. */
  readonly input: Values;
  readonly scale: number;
  readonly grid: Grid;
}

export interface AttentionResult {
  /** `[b, h, n, d]`. */
  readonly z: Values;
  /** `[b, h, n, n]`, of an attention that names it. */
  readonly pattern?: Values;
  /** Of what the code took, in seconds: its recording as a graph, none when the graph was there, and its run. */
  readonly seconds: { readonly compile: number; readonly run: number };
}

/** Why code gave nothing, in one line; where in the user's text, both from 1, as far as that is known. */
export interface CodeFailure {
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}

export type Outcome = { readonly result: AttentionResult } | { readonly failure: CodeFailure };
