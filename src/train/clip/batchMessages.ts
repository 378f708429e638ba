/** What passes between a source of batches and its drawing threads. */

/** Memory of a batch, handed back and forth. */
export interface BatchMemory {
  readonly pixels: Float32Array<ArrayBuffer>;
  readonly ids: Int32Array<ArrayBuffer>;
}

export interface BatchRequest {
  readonly step: number;
  readonly memory: BatchMemory;
}

/** The memory filled, or what went wrong. */
export type BatchReply = { readonly memory: BatchMemory } | { readonly message: string; readonly isInput: boolean };
