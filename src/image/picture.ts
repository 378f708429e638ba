/**
 * Pillow's words for what a pixel holds. The published preprocessing resizes before it converts to RGB, and Pillow
 * picks the resampling by mode, so a picture keeps the mode its file was written in until `toRgb`.
 */
export type PixelMode = '1' | 'L' | 'LA' | 'P' | 'RGB' | 'RGBA' | 'I;16';

/** The colours of a mode-P picture. */
export interface Palette {
  /** Red, green, blue of each entry, one after the other. */
  readonly rgb: Uint8Array;
  /** Opacity of each entry (0 transparent, 255 opaque); absent when all are opaque. */
  readonly alpha?: Uint8Array;
}

/** A decoded picture: rows from the top, samples of a pixel side by side, no padding. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly mode: PixelMode;
  /**
   * `height x width x samplesPerPixel[mode]` values: 0..255; 0 or 255 in mode `1`; palette indices in mode `P`;
   * 0..65535 in a Uint16Array in mode `I;16`.
   */
  readonly data: Uint8Array | Uint16Array;
  /** Present exactly in mode `P`. Every index of `data` is inside it. */
  readonly palette?: Palette;
  /** EXIF orientation 1..8, read from the file and not yet applied; 1 is upright. */
  readonly orientation: number;
  /** What the picture was decoded from; `png` for one made in memory. */
  readonly format: PictureFormat;
}

/** File formats that are read. */
export type PictureFormat = 'png' | 'jpeg' | 'webp' | 'bmp' | 'gif';

/** Values that `Picture.data` holds per pixel. */
export const samplesPerPixel: Readonly<Record<PixelMode, number>> = {
  '1': 1,
  L: 1,
  LA: 2,
  P: 1,
  RGB: 3,
  RGBA: 4,
  'I;16': 1,
};

/** An upright RGB picture over `data` (`height x width x 3` bytes, not copied). */
export function rgbPicture(width: number, height: number, data: Uint8Array): Picture {
  if (data.length !== width * height * 3) {
    throw new RangeError(
      `rgbPicture: ${width} x ${height} pixels need ${width * height * 3} bytes, got ${data.length}`,
    );
  }
  return { width, height, mode: 'RGB', data, orientation: 1, format: 'png' };
}

/**
 * The picture in mode RGB, value for value what Pillow's `Image.convert('RGB')` gives: alpha is dropped without
 * compositing, a transparent palette entry shows its colour, and 16-bit grey is clipped at 255 (not scaled).
 */
export function toRgb(picture: Picture): Picture {
  const { width, height, mode, data, orientation, format } = picture;
  if (mode === 'RGB') return picture;
  const rgb = new Uint8Array(width * height * 3);
  if (mode === 'P') {
    const colours = paletteOf(picture).rgb;
    for (let i = 0, o = 0; o < rgb.length; i++, o += 3) {
      const entry = 3 * data[i]!;
      rgb[o] = colours[entry]!;
      rgb[o + 1] = colours[entry + 1]!;
      rgb[o + 2] = colours[entry + 2]!;
    }
  } else if (mode === 'RGBA') {
    for (let i = 0, o = 0; o < rgb.length; i += 4, o += 3) {
      rgb[o] = data[i]!;
      rgb[o + 1] = data[i + 1]!;
      rgb[o + 2] = data[i + 2]!;
    }
  } else {
    const step = samplesPerPixel[mode];
    for (let i = 0, o = 0; o < rgb.length; i += step, o += 3) {
      const grey = Math.min(data[i]!, 255);
      rgb[o] = grey;
      rgb[o + 1] = grey;
      rgb[o + 2] = grey;
    }
  }
  return { width, height, mode: 'RGB', data: rgb, orientation, format };
}

/** The palette of a mode-P picture. */
export function paletteOf(picture: Picture): Palette {
  if (!picture.palette) throw new RangeError(`paletteOf: a picture of mode ${picture.mode} has no palette`);
  return picture.palette;
}

/**
 * The picture turned upright by its EXIF orientation, as Pillow's `ImageOps.exif_transpose`; orientations 5 to 8 swap
 * width and height. The result's orientation is 1.
 */
export function applyOrientation(picture: Picture): Picture {
  const { width, height, mode, data, orientation } = picture;
  if (orientation === 1) return picture;
  const swapped = orientation >= 5;
  const outWidth = swapped ? height : width;
  const outHeight = swapped ? width : height;
  // Where the output's first pixel lies in the input, and how far one step right and one step down lead there.
  const right = [2, 3, 7, 8].includes(orientation);
  const bottom = [3, 4, 6, 7].includes(orientation);
  const first = (bottom ? (height - 1) * width : 0) + (right ? width - 1 : 0);
  const acrossColumns = right ? -1 : 1;
  const acrossRows = bottom ? -width : width;
  const [stepX, stepY] = swapped ? [acrossRows, acrossColumns] : [acrossColumns, acrossRows];

  const samples = samplesPerPixel[mode];
  const out = data instanceof Uint16Array ? new Uint16Array(data.length) : new Uint8Array(data.length);
  let o = 0;
  for (let y = 0; y < outHeight; y++) {
    let i = (first + y * stepY) * samples;
    for (let x = 0; x < outWidth; x++, i += stepX * samples) {
      for (let s = 0; s < samples; s++) out[o++] = data[i + s]!;
    }
  }
  return { ...picture, width: outWidth, height: outHeight, data: out, orientation: 1 };
}
