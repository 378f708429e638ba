/** Does the work once; what it gives proves that it was done. */
export type Work = () => Promise<Float32Array | Uint8Array | Uint16Array>;
