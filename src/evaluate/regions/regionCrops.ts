/** The image tower on crops of regions. */

import type { Picture } from '../../image/picture.js';
import { planesOf } from '../../image/resizing/planes.js';
import type { Box } from '../../regions/boxes.js';
import { cropSquare } from '../../regions/crops.js';
import type { SegmentingClip } from '../../segment/segmenter.js';
import type { TextFeatures } from '../../segment/textFeatures.js';
import type { Runner } from '../../tensor/runner.js';
import type { Pixels } from '../../tensor/tfjs.js';

/** Crops at once: memory grows with them. */
const atOnce = 16;

/** The image tower made ready for crops. */
export interface RegionCrops {
  /** Cosines of each crop with every name. */
  cosines(picture: Picture, boxes: readonly Box[]): Promise<Float32Array[]>;
  dispose(): Promise<void>;
}

/** Prepares the image tower as CLIP was trained for crops in the middle of black squares of its own size. */
export async function prepareCrops(
  { config, image, preprocessor }: SegmentingClip,
  { values: names, width }: TextFeatures,
  { prepare }: Runner,
): Promise<RegionCrops> {
  const { imageSize: side } = config.image!;
  const { rescale, mean, std } = preprocessor;
  const size = 3 * side * side;
  const run = await prepare((pixels: Pixels) => image(pixels).embedding, [{ shape: ['batch', 3, side, side] }]);
  return {
    async cosines(picture, boxes) {
      const found: Float32Array[] = [];
      for (let from = 0; from < boxes.length; from += atOnce) {
        const group = boxes.slice(from, from + atOnce);
        const pixels = new Float32Array(group.length * size);
        group.forEach((box, i) => {
          pixels.set(planesOf(cropSquare(picture, box, side), rescale, mean, std), i * size);
        });
        const { data } = await run({ data: pixels, shape: [group.length, 3, side, side] });
        group.forEach((_, i) => {
          found.push(products(names, (data as Float32Array).subarray(i * width, (i + 1) * width)));
        });
      }
      return found;
    },
    dispose: run.dispose,
  };
}

/** The products of the rows of a table with a vector. */
function products(rows: Float32Array, vector: Float32Array): Float32Array {
  const out = new Float32Array(rows.length / vector.length);
  for (let r = 0, at = 0; r < out.length; r++) {
    let sum = 0;
    for (let e = 0; e < vector.length; e++) sum += rows[at++]! * vector[e]!;
    out[r] = sum;
  }
  return out;
}
