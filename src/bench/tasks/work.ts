/** Does the work once; what it gives proves that it was done. */
export interface Work {
  (): Promise<Float32Array | Uint8Array | Uint16Array>;
  /** Ends what would keep the process alive. */
  end?(): Promise<void>;
}
