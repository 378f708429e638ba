/** Where the outputs of shared blocks may be kept between runs. The segmenter asks; what keeps them is not its business. */
import type { Values } from '../tensor/compile.js';

/** What decides a window's values, but for the weights and how they are rounded: a store serves one model, run one way. */
export interface PrefixKey {
  /** The caller's name for the picture: no other picture shares it, nor this one once its pixels have changed. */
  readonly picture: string;
  /**
   * All else: what the values are, how the picture was resized and normalised, the window's place, padding and grid,
   * and how positions meet that grid. Equal texts, equal values.
   */
  readonly window: string;
}

/**
 * Keeps what the tails of a window read. Values are float32, in an order and of shapes that the key decides; there is
 * no axis for the batch. They may come back rounded, as from float16.
 */
export interface PrefixStore {
  /** The values under this key; undefined when there are none, or none that are whole. */
  get(key: PrefixKey): Promise<readonly Values[] | undefined>;
  /**
   * Keeps values, which stay as they are until the promise is kept. What cannot be kept is forgotten, not an error. What
   * was put is at once asked for again, so that rounding shows in the first run as it does in the next.
   */
  put(key: PrefixKey, values: readonly Values[]): Promise<void>;
}
