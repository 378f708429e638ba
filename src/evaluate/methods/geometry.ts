import type { Protocol } from '../../segment/protocols.js';

/** What decides the pixels of each window and what becomes of its logits up to the labels: methods that agree share a run. */
export function geometryOf(protocol: Protocol) {
  const { shortSide, longSide, window, stride, resize, resampling, pixels, padding, wholeImage, positions } = protocol;
  return { shortSide, longSide, window, stride, resize, resampling, pixels, padding, wholeImage, positions };
}
