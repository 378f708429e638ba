/** Published sizes carried to other models, and the size that a protocol brings an image to. */
import { keepRatioSize } from '../image/opencv.js';
import { checkWhole } from './dense/checks.js';
import type { Protocol, ProtocolSettings } from './protocols.js';

/** The input size that the published constants are stated for. */
const publishedSize = 224;

/**
 * A protocol for a model whose input is `imageSize` pixels square: sides, window and stride in proportion to 224, window,
 * stride and squashed sides rounded to whole patches. For 224 the protocol itself.
 * @throws InputError for sizes that are not whole.
 */
export function scaleProtocol(protocol: Protocol, imageSize: number, patch: number): Protocol {
  checkWhole(imageSize, 'scaleProtocol: image size', 1);
  checkWhole(patch, 'scaleProtocol: patch', 1);
  if (imageSize === publishedSize) return protocol;
  const factor = imageSize / publishedSize;
  const inPixels = (n: number) => Math.max(1, Math.round(n * factor));
  const inPatches = (n: number) => (n === 0 ? 0 : Math.max(1, Math.round((n * factor) / patch)) * patch);
  const side = protocol.resize === 'squash' ? inPatches : inPixels;
  const scaled = (settings: Partial<ProtocolSettings>): Partial<ProtocolSettings> => ({
    ...settings,
    ...(settings.shortSide !== undefined && { shortSide: side(settings.shortSide) }),
    ...(settings.longSide !== undefined && { longSide: side(settings.longSide) }),
    ...(settings.window !== undefined && { window: inPatches(settings.window) }),
    ...(settings.stride !== undefined && { stride: inPatches(settings.stride) }),
  });
  const datasets = Object.fromEntries(Object.entries(protocol.datasets).map(([name, own]) => [name, scaled(own)]));
  return { ...protocol, ...scaled(protocol), datasets };
}

/**
 * Size `[height, width]` that an image is resized to: that of `keepRatioSize`, or a square with `resize: 'squash'`.
 * @throws InputError for sizes that are not whole.
 */
export function workingSize(
  { resize, shortSide, longSide }: Pick<Protocol, 'resize' | 'shortSide' | 'longSide'>,
  height: number,
  width: number,
): [height: number, width: number] {
  checkWhole(height, 'workingSize: height', 1);
  checkWhole(width, 'workingSize: width', 1);
  checkWhole(shortSide, 'workingSize: short side', 1);
  checkWhole(longSide, 'workingSize: long side', 1);
  if (resize === 'squash') return [shortSide, shortSide];
  const size = keepRatioSize(width, height, shortSide, longSide);
  return [size.height, size.width];
}
