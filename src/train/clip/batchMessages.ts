/** What passes between a source of batches and its drawing threads. */

/** Memory of a batch, handed back and forth. */
export interface BatchMemory {
  readonly pixels: Float32Array<ArrayBuffer>;
  readonly ids: Int32Array<ArrayBuffer>;
  /** 1 for pictures of a stage's `classDropout`, else 0. */
  readonly dropped: Float32Array<ArrayBuffer>;
}

export interface BatchRequest {
  readonly step: number;
  readonly memory: BatchMemory;
}

/** The memory filled, or what went wrong. */
export type BatchReply = { readonly memory: BatchMemory } | { readonly message: string; readonly isInput: boolean };

/** What is handed over, rather than copied. */
export const buffersOf = ({ pixels, ids, dropped }: BatchMemory): ArrayBuffer[] => [
  pixels.buffer,
  ids.buffer,
  dropped.buffer,
];
