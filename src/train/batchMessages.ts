/** What passes between a source of batches and the threads that make them. */
import type { Values } from '../tensor/compile.js';

export interface BatchRequest {
  readonly step: number;
  /** An earlier batch that is no longer looked at: memory to make this one in. */
  readonly spare?: readonly Values[];
}

/** The batch, what went wrong, or a line of advice before either. */
export type BatchReply =
  | { readonly batch: readonly Values[] }
  | { readonly message: string; readonly isInput: boolean }
  | { readonly advice: string };

/** What is handed over, rather than copied. */
export const buffersOf = (batch: readonly Values[]): ArrayBuffer[] =>
  batch.map(({ data }) => data.buffer as ArrayBuffer);
