import { atOnce, type Steps } from '../turns.js';
import { flattenOnWhite } from './flatten.js';
import { type Picture, samplesPerPixel, toRgb } from './picture.js';
import type { PreprocessSpec, Size } from './preprocessSpec.js';
import { resizeSteps } from './resize.js';
import { planesOf } from './resizing/planes.js';
import { roundHalfEven } from './resizing/rounding.js';

export * from './preprocessSpec.js';

/**
 * Whose order of steps is followed. `openai` (also OpenCLIP): resize and crop in the picture's own mode, then convert
 * to RGB, dropping alpha; an odd crop margin is halved to the even number. `huggingface`: convert first, transparency
 * over white; the margin is halved downwards.
 */
export type PixelOrder = 'openai' | 'huggingface';

/**
 * The pixels a CLIP image tower takes: the picture resized, cropped and normalised.
 *
 * `(uint8 * rescale - mean) / std` in float32, of the picture that `cropForModel` returns (which tells height and width
 * where the spec leaves them open). EXIF orientation is not applied, as in both libraries; see `applyOrientation`.
 *
 * @returns `[3, height, width]`, channels red, green, blue
 * @throws InputError when the picture cannot be brought to that size within the limits of `resize`
 */
export const preprocess = (...given: Parameters<typeof preprocessSteps>): Float32Array =>
  atOnce(preprocessSteps(...given)).values;

/** `preprocess` in steps, with the size. */
export function* preprocessSteps(
  picture: Picture,
  spec: PreprocessSpec,
  pixels: PixelOrder = 'openai',
): Steps<Size & { readonly values: Float32Array }> {
  const crop = yield* cropSteps(picture, spec, pixels);
  return { values: planesOf(crop, spec.rescale, spec.mean, spec.std), height: crop.height, width: crop.width };
}

/**
 * The RGB picture that the model sees, before normalisation. Equal, value for value, to OpenAI's
 * `Resize, CenterCrop, convert('RGB')` or to Hugging Face's Pillow processor; only the pixels of the crop are computed.
 */
export const cropForModel = (picture: Picture, spec: PreprocessSpec, pixels: PixelOrder = 'openai'): Picture =>
  atOnce(cropSteps(picture, spec, pixels));

function* cropSteps(picture: Picture, spec: PreprocessSpec, pixels: PixelOrder): Steps<Picture> {
  const source = pixels === 'huggingface' ? flattenOnWhite(picture) : picture;
  const full = resizedSize(source, spec);
  const crop = spec.crop ?? full;
  const across = place(full.width, crop.width, pixels);
  const down = place(full.height, crop.height, pixels);
  const part = yield* resizeSteps(source, full.width, full.height, spec.filter, {
    left: across.start,
    top: down.start,
    width: across.length,
    height: down.length,
  });
  return toRgb(pad(part, crop, across.before, down.before, spec.fill));
}

/**
 * The size of the whole resized picture. The shortest side becomes exactly the target's and the other
 * `floor(target * long / short)`, as torchvision and Hugging Face compute it; where the target is not square or the
 * longest side is asked for, both sides are divided by one ratio and rounded, as OpenCLIP does.
 */
function resizedSize({ width, height }: Picture, { resize: target }: PreprocessSpec): Size {
  if (!target) return { width, height };
  if (target.fit === 'squash') return target;
  if (target.fit === 'shortest' && target.width === target.height) {
    const short = target.width;
    return width <= height
      ? { width: short, height: Math.trunc((short * height) / width) }
      : { width: Math.trunc((short * width) / height), height: short };
  }
  const ratios = [width / target.width, height / target.height];
  const ratio = target.fit === 'longest' ? Math.max(...ratios) : Math.min(...ratios);
  return { width: Math.max(roundHalfEven(width / ratio), 1), height: Math.max(roundHalfEven(height / ratio), 1) };
}

/** Where a crop of `wanted` lies on a side of `have` pixels: first pixel, how many there are, and padding before them. */
function place(have: number, wanted: number, pixels: PixelOrder): { start: number; length: number; before: number } {
  const margin = Math.abs(have - wanted) / 2;
  if (have >= wanted) {
    return { start: pixels === 'openai' ? roundHalfEven(margin) : Math.floor(margin), length: wanted, before: 0 };
  }
  return { start: 0, length: have, before: pixels === 'openai' ? Math.floor(margin) : Math.ceil(margin) };
}

/** The picture on a canvas of `size`, in its own mode, with every sample of the margin at `fill`. */
function pad(picture: Picture, { width, height }: Size, left: number, top: number, fill: number): Picture {
  if (picture.width === width && picture.height === height) return picture;
  const samples = samplesPerPixel[picture.mode];
  const length = width * height * samples;
  const data = picture.data instanceof Uint16Array ? new Uint16Array(length) : new Uint8Array(length);
  data.fill(fill);
  const row = picture.width * samples;
  for (let y = 0; y < picture.height; y++) {
    data.set(picture.data.subarray(y * row, (y + 1) * row), ((top + y) * width + left) * samples);
  }
  return { ...picture, width, height, data };
}
