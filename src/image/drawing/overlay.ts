import { InputError } from '../../errors.js';
import { atOnce, type Steps } from '../../turns.js';
import { type Picture, rgbPicture, toRgb } from '../picture.js';
import { vocPalette } from './palette.js';

/** Class indices, row by row. */
export type Labels = Uint8Array | Uint16Array;

/** How `overlay` draws. */
export interface OverlayOptions {
  /** How much of the class colour covers the picture, 0 to 1; 0.55 by default. */
  readonly alpha?: number;
  /** Red, green, blue of each class; the VOC colours by default. */
  readonly palette?: Uint8Array;
  /** Draws a light line along every border between two classes; on by default. */
  readonly outlines?: boolean;
  /** An index that is left as the picture is, such as 255 for unlabelled pixels. */
  readonly ignore?: number;
}

function checkLabels(what: string, labels: Labels, width: number, height: number): void {
  if (labels.length !== width * height) {
    throw new RangeError(`${what}: ${width} x ${height} pixels need ${width * height} labels, got ${labels.length}`);
  }
}

function checkPalette(what: string, labels: Labels, palette: Uint8Array, ignore?: number): void {
  const entries = Math.floor(palette.length / 3);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (label < entries || label === ignore) continue;
    throw new InputError(`${what}: class ${label} has no colour: the palette has ${entries} entries`);
  }
}

/**
 * Lays the colours of a segmentation over a picture of the same size: `round((1 - alpha) * pixel + alpha * colour)`,
 * with a light line where two classes meet, as wide as suits the picture.
 * @returns an RGB picture
 * @throws InputError when a label has no colour or alpha is not within 0 to 1
 */
export const overlay = (...given: Parameters<typeof overlaySteps>): Picture => atOnce(overlaySteps(...given));

/** `overlay` in steps. */
export function* overlaySteps(picture: Picture, labels: Labels, options: OverlayOptions = {}): Steps<Picture> {
  const { alpha = 0.55, palette = vocPalette(), outlines = true, ignore } = options;
  if (!(alpha >= 0 && alpha <= 1)) throw new InputError(`overlay: expected alpha from 0 to 1, got ${alpha}`);
  const { width, height } = picture;
  checkLabels('overlay', labels, width, height);
  checkPalette('overlay', labels, palette, ignore);
  yield;
  const out = new Uint8Array(toRgb(picture).data);
  yield;
  // Both products are worked out once; the half makes the final cut a rounding.
  const kept = Float64Array.from({ length: 256 }, (_, value) => value * (1 - alpha) + 0.5);
  const added = Float64Array.from(palette, value => value * alpha);
  for (let y = 0; y < height; y++) {
    paintRow(out, labels, y * width, width, kept, added, ignore);
    if (outlines) outlineRow(out, labels, y, width, height, ignore);
    yield;
  }
  return rgbPicture(width, height, out);
}

function paintRow(
  out: Uint8Array,
  labels: Labels,
  start: number,
  width: number,
  kept: Float64Array,
  added: Float64Array,
  ignore: number | undefined,
): void {
  for (let pixel = start; pixel < start + width; pixel++) {
    const label = labels[pixel]!;
    if (label === ignore) continue;
    const i = pixel * 3;
    const entry = label * 3;
    out[i] = kept[out[i]!]! + added[entry]!;
    out[i + 1] = kept[out[i + 1]!]! + added[entry + 1]!;
    out[i + 2] = kept[out[i + 2]!]! + added[entry + 2]!;
  }
}

/** Brightens every pixel of a row that has one of another class within the line's width to its right or below it. */
function outlineRow(
  out: Uint8Array,
  labels: Labels,
  y: number,
  width: number,
  height: number,
  ignore: number | undefined,
): void {
  const thickness = Math.max(1, Math.round(Math.min(width, height) / 350));
  const down = Math.min(thickness, height - 1 - y);
  for (let x = 0; x < width; x++) {
    const pixel = y * width + x;
    const label = labels[pixel]!;
    if (label === ignore) continue;
    let isBorder = false;
    for (let d = Math.min(thickness, width - 1 - x); d > 0 && !isBorder; d--) isBorder = labels[pixel + d] !== label;
    for (let d = down; d > 0 && !isBorder; d--) isBorder = labels[pixel + d * width] !== label;
    if (!isBorder) continue;
    for (let i = pixel * 3; i < pixel * 3 + 3; i++) out[i] = Math.round(out[i]! + (255 - out[i]!) * 0.75);
  }
}

/**
 * A segmentation as a palette picture: its samples are the class indices themselves, so that a PNG of it can be read
 * back as labels.
 *
 * @param palette red, green, blue of each class, at most 256 of them; the VOC colours by default
 * @throws InputError for an index over 255, or one that has no colour
 */
export function labelPicture(labels: Labels, width: number, height: number, palette = vocPalette()): Picture {
  checkLabels('labelPicture', labels, width, height);
  let top = 0;
  for (let i = 0; i < labels.length; i++) top = Math.max(top, labels[i]!);
  if (top > 255) {
    throw new InputError(`labelPicture: a palette picture holds classes 0 to 255, got class ${top}; use fewer classes`);
  }
  if (palette.length > 768 || palette.length % 3 !== 0) {
    throw new InputError(
      `labelPicture: expected a palette of at most 256 colours, three values each, got ${palette.length} values`,
    );
  }
  checkPalette('labelPicture', labels, palette);
  return {
    width,
    height,
    mode: 'P',
    data: new Uint8Array(labels),
    palette: { rgb: palette },
    orientation: 1,
    format: 'png',
  };
}
