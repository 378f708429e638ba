import { InputError } from '../../errors.js';
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
  for (const label of labels) {
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
export function overlay(picture: Picture, labels: Labels, options: OverlayOptions = {}): Picture {
  const { alpha = 0.55, palette = vocPalette(), outlines = true, ignore } = options;
  if (!(alpha >= 0 && alpha <= 1)) throw new InputError(`overlay: expected alpha from 0 to 1, got ${alpha}`);
  const { width, height } = picture;
  checkLabels('overlay', labels, width, height);
  checkPalette('overlay', labels, palette, ignore);
  const out = Uint8Array.from(toRgb(picture).data);
  // Both products are worked out once; the half makes the final cut a rounding.
  const kept = Float64Array.from({ length: 256 }, (_, value) => value * (1 - alpha) + 0.5);
  const added = Float64Array.from(palette, value => value * alpha);
  for (let pixel = 0; pixel < labels.length; pixel++) {
    const label = labels[pixel]!;
    if (label === ignore) continue;
    const [i, entry] = [pixel * 3, label * 3];
    out[i] = kept[out[i]!]! + added[entry]!;
    out[i + 1] = kept[out[i + 1]!]! + added[entry + 1]!;
    out[i + 2] = kept[out[i + 2]!]! + added[entry + 2]!;
  }
  if (outlines) drawOutlines(out, labels, width, height, ignore);
  return rgbPicture(width, height, out);
}

/** Brightens every pixel that has one of another class within the line's width to its right or below it. */
function drawOutlines(out: Uint8Array, labels: Labels, width: number, height: number, ignore?: number): void {
  const thickness = Math.max(1, Math.round(Math.min(width, height) / 350));
  const isBorder = (x: number, y: number) => {
    const label = labels[y * width + x]!;
    for (let d = 1; d <= thickness; d++) {
      if (x + d < width && labels[y * width + x + d] !== label) return true;
      if (y + d < height && labels[(y + d) * width + x] !== label) return true;
    }
    return false;
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const pixel = y * width + x;
      if (labels[pixel] === ignore || !isBorder(x, y)) continue;
      for (let i = pixel * 3; i < pixel * 3 + 3; i++) out[i] = Math.round(out[i]! + (255 - out[i]!) * 0.75);
    }
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
  for (const label of labels) top = Math.max(top, label);
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
    data: Uint8Array.from(labels),
    palette: { rgb: palette },
    orientation: 1,
    format: 'png',
  };
}
