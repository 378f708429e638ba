import { InputError } from '../../errors.js';
import { type Tensor2D, tensor2d } from '../../tensor/tfjs.js';

/** The longest wave is so many times as long as the shortest; 10,000 is for texts, a grid of patches is smaller. */
const waveRatio = 100;

/**
 * Two-dimensional sines for a square grid of patches, the class token's row before them all zeros:
 * `[1 + side * side, width]`. The first half of the channels tells the column and the second the row, each by the sines
 * and cosines of `width / 4` frequencies, the highest a quarter wave from patch to patch (after Vaswani et al. 2017 for
 * one axis, and MoCo v3 for two).
 * @param size root of the mean square of a row's values
 * @throws InputError for a width that is no multiple of 4
 */
export function sinePositions(side: number, width: number, size: number): Tensor2D {
  if (width % 4 !== 0) throw new InputError(`sinePositions: expected a width that is a multiple of 4, got ${width}`);
  const quarter = width / 4;
  const values = new Float32Array((1 + side * side) * width);
  const write = (at: number, place: number) => {
    for (let i = 0; i < quarter; i++) {
      const angle = (place * Math.PI) / 2 / waveRatio ** (i / quarter);
      values[at + i] = Math.SQRT2 * size * Math.sin(angle);
      values[at + quarter + i] = Math.SQRT2 * size * Math.cos(angle);
    }
  };
  for (let row = 0, at = width; row < side; row++) {
    for (let column = 0; column < side; column++, at += width) {
      write(at, column);
      write(at + 2 * quarter, row);
    }
  }
  return tensor2d(values, [1 + side * side, width]);
}
