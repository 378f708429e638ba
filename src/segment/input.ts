/** A photo as a method wants to see it: resized and normalised by its protocol. */
import { normalise, resizeBilinearOpenCvSteps } from '../image/opencv.js';
import { type Picture, toRgb } from '../image/picture.js';
import { clipMean, clipStd, type PreprocessSpec } from '../image/preprocessSpec.js';
import { resizeSteps } from '../image/resize.js';
import type { Triple } from '../image/resizing/planes.js';
import type { ImageConfig } from '../model/config.js';
import { atOnce, byTurns, type Steps } from '../turns.js';
import { type PixelScale, roundedClipPixels } from './pixelScales.js';
import { scaleProtocol, workingSize } from './protocolSizes.js';
import type { Protocol } from './protocols.js';
import type { Planes } from './windowRuns.js';

/** Sizes that suit a model better than the published ones. */
export interface ModelSizes {
  readonly shortSide?: number | undefined;
  readonly window?: number | undefined;
  readonly stride?: number | undefined;
}

/**
 * A published protocol for a given model: its sizes in proportion to the model's input, unless the model brings its
 * own; what the caller says comes last and is taken as it is.
 */
export function protocolForModel(
  published: Protocol,
  { imageSize, patch }: ImageConfig,
  own: ModelSizes = {},
  asked: Partial<Protocol> = {},
): Protocol {
  const { shortSide, window, stride } = own;
  return {
    ...scaleProtocol(published, imageSize, patch),
    ...(shortSide !== undefined && { shortSide, ...(published.resize === 'squash' && { longSide: shortSide }) }),
    ...(window !== undefined && { window }),
    ...(stride !== undefined && { stride }),
    ...asked,
  };
}

/** A photo's planes, which are made when they are asked for: in one go, or before that while the event loop turns. */
export interface PhotoPlanes extends Planes {
  make(): Promise<void>;
}

/** Resized and normalised, once the values are asked for: `[3, height, width]` of the protocol's working size. */
export function photoPlanes(picture: Picture, protocol: Protocol, preprocessor: PreprocessSpec): PhotoPlanes {
  const [height, width] = workingSize(protocol, picture.height, picture.width);
  const steps = () => photoValues(picture, [height, width], protocol, preprocessor);
  let values: Float32Array | undefined;
  return {
    height,
    width,
    get values() {
      values ??= atOnce(steps());
      return values;
    },
    async make() {
      values ??= await byTurns(steps());
    },
  };
}

function* photoValues(
  picture: Picture,
  [height, width]: readonly [height: number, width: number],
  protocol: Protocol,
  preprocessor: PreprocessSpec,
): Steps<Float32Array> {
  const rgb = toRgb(picture);
  const same = height === picture.height && width === picture.width;
  const bilinear = protocol.resampling === 'opencv-bilinear';
  const resized = same
    ? rgb
    : bilinear
      ? yield* resizeBilinearOpenCvSteps(rgb, width, height)
      : yield* resizeSteps(rgb, width, height, 'bicubic');
  const { mean, std } = pixelScale(protocol, preprocessor);
  return normalise(resized, mean, std);
}

/** The normalisation that a protocol asks for with a model's preprocessing. */
export function pixelScale({ pixels }: Protocol, { mean, std }: PreprocessSpec): PixelScale {
  if (pixels !== 'model') return pixels;
  // The published code rounds CLIP's constants; other models' are taken as they are.
  const isClip = String(mean) === String(clipMean) && String(std) === String(clipStd);
  const to255 = ([r, g, b]: Triple): Triple => [255 * r, 255 * g, 255 * b];
  return isClip ? roundedClipPixels : { mean: to255(mean), std: to255(std) };
}
