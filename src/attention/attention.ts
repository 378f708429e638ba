import type { Heads, Pattern, Tensor2D, Tokens } from '../tensor/tfjs.js';

/** Patch rows and columns of an image tower's grid. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
}

/** What a block hands to its attention. A function of these is all there is to write for a new variant. */
export interface AttentionInput {
  /** Queries, not yet scaled, `[b, h, n, d]`. */
  readonly q: Heads;
  /** Keys, `[b, h, n, d]`. */
  readonly k: Heads;
  /** Values, `[b, h, n, d]`. */
  readonly v: Heads;
  /** `1 / sqrt(d)`. */
  readonly scale: number;
  /** The block's normalised input that q, k and v were made from, `[b, n, w]`. */
  readonly input: Tokens;
  /** The patch grid behind tokens `1 .. n-1`; absent in the text tower. */
  readonly grid?: Grid;
  /**
   * Added to the scores. In the text tower 0 where a token may look and minus infinity where not, `[n, n]`; in the image
   * tower only what a method puts there, `[b, 1, n, n]`.
   */
  readonly mask?: Tensor2D | Pattern;
  /**
   * Names an intermediate of this attention: `point('scores', s)` makes `blocks.{i}.attn.scores` visible and gives
   * back the value to go on with (changed, when the run patches that name). Leaving it out only hides the name.
   */
  readonly point: <T extends Heads>(name: 'scores' | 'pattern', value: T) => T;
}

/** Mixes the values of all tokens: `[b, h, n, d]`, before the heads are merged and projected out. */
export type Attention = (input: AttentionInput) => Heads;
