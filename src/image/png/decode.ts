import { exifOrientation } from '../exif.js';
import { checkIndices, damaged } from '../limits.js';
import type { Palette, Picture, PixelMode } from '../picture.js';
import { samplesPerPixel } from '../picture.js';
import { colourTypes, type PngHeader, readChunks } from './chunks.js';
import { type Row, readRows } from './rows.js';

/**
 * Decodes a PNG file (PNG 3rd edition) of any colour type and bit depth, interlaced or not, into the mode Pillow opens
 * it in: grey of 1 bit as `1`, of 2 to 8 bits as `L` scaled to 0..255, of 16 bits as `I;16`; the high byte of other
 * 16-bit samples; 16-bit grey with alpha as `RGBA`. Of an animated PNG, the default picture.
 * @throws InputError when the picture exceeds `limit` pixels or the file is damaged or cut short.
 */
export function decodePng(bytes: Uint8Array, name: string, limit: number): Picture {
  const parts = readChunks(bytes, name, limit);
  const { header } = parts;
  const { width, height } = header;
  const mode = modeOf(header);
  const palette = mode === 'P' ? readPalette(parts.palette, parts.transparency, name) : undefined;

  let data: Uint8Array | Uint16Array | undefined;
  readRows(parts, name, row => {
    // Allocated only now that the inflated bytes are all there.
    data ??= new (mode === 'I;16' ? Uint16Array : Uint8Array)(width * height * samplesPerPixel[mode]);
    placeRow(row, header, mode, data);
  });
  if (!data) throw new Error('decodePng: no row was read');
  if (palette) checkIndices(data, palette.rgb.length / 3, name);
  const orientation = parts.exif ? exifOrientation(parts.exif) : 1;
  return { width, height, mode, data, ...(palette && { palette }), orientation, format: 'png' };
}

function modeOf({ colourType, bits }: PngHeader): PixelMode {
  switch (colourType) {
    case colourTypes.grey:
      return bits === 1 ? '1' : bits === 16 ? 'I;16' : 'L';
    case colourTypes.greyAlpha:
      return bits === 16 ? 'RGBA' : 'LA';
    case colourTypes.palette:
      return 'P';
    case colourTypes.rgb:
      return 'RGB';
    case colourTypes.rgba:
      return 'RGBA';
  }
}

function readPalette(colours: Uint8Array | undefined, opacity: Uint8Array | undefined, name: string): Palette {
  if (!colours) throw damaged(name, 'it has palette indices and no PLTE chunk');
  const entries = colours.length / 3;
  if (!Number.isInteger(entries) || entries === 0 || entries > 256) {
    throw damaged(name, `its PLTE chunk holds ${colours.length} bytes, not 3 for each of 1 to 256 colours`);
  }
  const rgb = colours.slice();
  if (!opacity) return { rgb };
  const alpha = new Uint8Array(entries).fill(255);
  alpha.set(opacity.subarray(0, entries));
  return { rgb, alpha };
}

/** Writes a row's pixels where they belong in the picture. */
function placeRow(row: Row, header: PngHeader, mode: PixelMode, data: Uint8Array | Uint16Array): void {
  const { bytes, count } = row;
  const { bits, samples } = header;
  const perPixel = samplesPerPixel[mode];
  const start = (row.y * header.width + row.x0) * perPixel;
  const step = row.stepX * perPixel;
  if (bits === 8) {
    if (row.stepX === 1) {
      data.set(bytes, start);
      return;
    }
    for (let x = 0, i = 0, o = start; x < count; x++, o += step) {
      for (let s = 0; s < samples; s++) data[o + s] = bytes[i++]!;
    }
  } else if (mode === 'I;16') {
    for (let x = 0, o = start; x < count; x++, o += step) data[o] = (bytes[2 * x]! << 8) | bytes[2 * x + 1]!;
  } else if (bits === 16) {
    // Pillow has no mode for wide samples of more than one channel: it keeps the high bytes, and grey becomes colour.
    const grey = samples === 2;
    for (let x = 0, i = 0, o = start; x < count; x++, i += 2 * samples, o += step) {
      for (let s = 0; s < perPixel; s++) data[o + s] = bytes[i + 2 * (grey ? (s === 3 ? 1 : 0) : s)]!;
    }
  } else {
    const perByte = 8 / bits;
    const mask = (1 << bits) - 1;
    const scale = mode === 'P' ? 1 : 255 / mask;
    for (let x = 0, o = start; x < count; x++, o += step) {
      const shift = 8 - bits * ((x % perByte) + 1);
      data[o] = ((bytes[(x / perByte) | 0]! >> shift) & mask) * scale;
    }
  }
}
