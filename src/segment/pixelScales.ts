/** How methods normalise the pixels that a model sees, where they do not as the model does. */
import { segmentationMean, segmentationStd } from '../image/opencv.js';
import type { Triple } from '../image/resizing/planes.js';

/** Normalisation of pixels in 0..255 units, red, green, blue. */
export interface PixelScale {
  readonly mean: Triple;
  readonly std: Triple;
}

/** CLIP's normalisation as the segmentation code rounds it; off CLIP's own by less than 3e-5 in normalised units. */
export const roundedClipPixels: PixelScale = { mean: segmentationMean, std: segmentationStd };

/** ImageNet's normalisation, which MaskCLIP keeps. */
export const imagenetPixels: PixelScale = { mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] };
