import { checkIndices, cutShort } from '../limits.js';
import { type Picture, type PixelMode, samplesPerPixel } from '../picture.js';
import { type BmpHeader, bmpCompressions, readBmpHeader } from './bmpHeader.js';

/**
 * Decodes a BMP file (Windows or OS/2, of 1 to 32 bits, plain, run-length coded or with bit masks) into the mode Pillow
 * opens it in: a palette of black and white gives `1`, the grey ramp 0, 1, 2, … gives `L`, any other `P`; the rest is
 * `RGB`, or `RGBA` when a mask names an alpha channel.
 * @throws InputError when the picture exceeds `limit` pixels, the file is cut short, damaged or of a kind that is not read.
 */
export function decodeBmp(bytes: Uint8Array, name: string, limit: number): Picture {
  const header = readBmpHeader(bytes, name, limit);
  const { width, height, bits, colours, compression } = header;
  const pixels = bytes.subarray(header.offset);
  if (bits > 8) {
    const mode = header.masks.alpha ? 'RGBA' : 'RGB';
    const data = readColours(pixels, header, mode, name);
    return { width, height, mode, data, orientation: 1, format: 'bmp' };
  }
  const runs = compression === bmpCompressions.rle8 || compression === bmpCompressions.rle4;
  const data = runs ? readRuns(pixels, header, name) : readIndices(pixels, header, name);
  checkIndices(data, colours.length / 3, name);
  const mode = modeOf(colours);
  if (mode === '1') for (let i = 0; i < data.length; i++) data[i] = data[i]! * 255;
  const palette = mode === 'P' ? { palette: { rgb: colours } } : {};
  return { width, height, mode, data, ...palette, orientation: 1, format: 'bmp' };
}

function modeOf(colours: Uint8Array): PixelMode {
  const bilevel = colours.length <= 6;
  const grey = colours.every((value, i) => value === Math.floor(i / 3) * (bilevel ? 255 : 1));
  return grey ? (bilevel ? '1' : 'L') : 'P';
}

/** The row of the picture that the file's row `row` is. */
function rowAt(row: number, { height, topDown }: BmpHeader): number {
  return topDown ? row : height - 1 - row;
}

/** Bytes from one row to the next: rows are padded to four. @throws InputError when the rows are not all there. */
function rowStride(pixels: Uint8Array, { width, height, bits }: BmpHeader, name: string): number {
  const used = Math.ceil((width * bits) / 8);
  const stride = Math.ceil(used / 4) * 4;
  // The padding of the last row is often left out.
  const needed = stride * (height - 1) + used;
  if (pixels.length < needed) throw cutShort(name, `its pixels need ${needed} bytes, the file has ${pixels.length}`);
  return stride;
}

function readIndices(pixels: Uint8Array, header: BmpHeader, name: string): Uint8Array {
  const { width, height, bits } = header;
  const stride = rowStride(pixels, header, name);
  const perByte = 8 / bits;
  const mask = 2 ** bits - 1;
  const out = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const from = row * stride;
    const to = rowAt(row, header) * width;
    for (let x = 0; x < width; x++) {
      const shift = 8 - bits * ((x % perByte) + 1);
      out[to + x] = (pixels[from + ((x / perByte) | 0)]! >> shift) & mask;
    }
  }
  return out;
}

/** A channel's values: where its mask begins and what brings its largest value to 255. */
function channelOf(mask: number): { mask: number; shift: number; largest: number } {
  const shift = 31 - Math.clz32(mask & -mask);
  return { mask, shift, largest: mask >>> shift };
}

function readColours(pixels: Uint8Array, header: BmpHeader, mode: 'RGB' | 'RGBA', name: string): Uint8Array {
  const { width, height, bits, masks } = header;
  const stride = rowStride(pixels, header, name);
  const samples = samplesPerPixel[mode];
  const channels = [masks.red, masks.green, masks.blue, masks.alpha].slice(0, samples).map(channelOf);
  const pixelBytes = bits / 8;
  const out = new Uint8Array(width * height * samples);
  for (let row = 0; row < height; row++) {
    let from = row * stride;
    let to = rowAt(row, header) * width * samples;
    for (let x = 0; x < width; x++) {
      let value = 0;
      for (let byte = 0; byte < pixelBytes; byte++) value |= pixels[from++]! << (8 * byte);
      for (const { mask, shift, largest } of channels) {
        const level = (value & mask) >>> shift;
        out[to++] = largest === 255 ? level : Math.floor((level * 255) / largest);
      }
    }
  }
  return out;
}

/** Run-length coded indices of 8 or 4 bits; pixels that no run reaches have index 0, and what leaves a row is dropped. */
function readRuns(pixels: Uint8Array, header: BmpHeader, name: string): Uint8Array {
  const { width, height, compression } = header;
  const nibbles = compression === bmpCompressions.rle4;
  // Two bytes move on by at most 255: a size that the data cannot reach is refused unallocated.
  if (Math.max(width, height) > (255 * pixels.length) / 2) {
    throw cutShort(name, `${pixels.length} bytes cannot hold ${width} x ${height} pixels`);
  }
  const out = new Uint8Array(width * height);
  let x = 0;
  let row = 0;
  let at = 0;
  const take = (): number => {
    if (at === pixels.length) throw cutShort(name, `its data ends in row ${row} of ${height}`);
    return pixels[at++]!;
  };
  const put = (index: number) => {
    if (x < width) out[rowAt(row, header) * width + x] = index;
    x++;
  };
  // The end marker may be missing once the last pixel is there.
  while (row < height - 1 || (row === height - 1 && x < width)) {
    const count = take();
    const value = take();
    if (count > 0) {
      for (let i = 0; i < count; i++) put(nibbles ? (i % 2 === 0 ? value >> 4 : value & 15) : value);
    } else if (value === 0) {
      x = 0;
      row++;
    } else if (value === 1) {
      throw cutShort(name, `its data ends in row ${row} of ${height}`);
    } else if (value === 2) {
      x += take();
      row += take();
    } else {
      const start = at;
      let byte = 0;
      for (let i = 0; i < value; i++) {
        if (!nibbles || i % 2 === 0) byte = take();
        put(nibbles ? (i % 2 === 0 ? byte >> 4 : byte & 15) : byte);
      }
      // Literal bytes are padded to an even number.
      if ((at - start) % 2 === 1) take();
    }
  }
  return out;
}
