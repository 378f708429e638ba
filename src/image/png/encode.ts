import { promisify } from 'node:util';
import { constants, deflate, type ZlibOptions } from 'node:zlib';
import { crc32 } from '../../files/crc32.js';
import { byTurns, type Steps } from '../../turns.js';
import { type Picture, type PixelMode, paletteOf, samplesPerPixel } from '../picture.js';
import { type ColourType, colourTypes, signature } from './chunks.js';
import { paeth } from './rows.js';

/** How each mode is written: its colour type and bits per sample. */
const layouts: Readonly<Record<PixelMode, { colourType: ColourType; bits: number }>> = {
  '1': { colourType: colourTypes.grey, bits: 1 },
  L: { colourType: colourTypes.grey, bits: 8 },
  'I;16': { colourType: colourTypes.grey, bits: 16 },
  RGB: { colourType: colourTypes.rgb, bits: 8 },
  P: { colourType: colourTypes.palette, bits: 8 },
  LA: { colourType: colourTypes.greyAlpha, bits: 8 },
  RGBA: { colourType: colourTypes.rgba, bits: 8 },
};

/**
 * A picture of any mode as the bytes of a PNG file that decodes to the same mode, values and palette. The EXIF
 * orientation is not written. `level` is zlib's, 0 (stored) to 9 (smallest); the default is zlib's own, 6. The picture
 * must stay as it is meanwhile: the event loop turns, and zlib works beside it.
 */
export async function encodePng(picture: Picture, level = 6): Promise<Uint8Array> {
  const { width, height, mode } = picture;
  const { colourType, bits } = layouts[mode];
  const ihdr = new Uint8Array(13);
  const view = new DataView(ihdr.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  ihdr[8] = bits;
  ihdr[9] = colourType;

  const rowBytes = Math.ceil((width * samplesPerPixel[mode] * bits) / 8);
  const distance = Math.max(1, (samplesPerPixel[mode] * bits) >> 3);
  const chunks = [signature, chunk('IHDR', ihdr)];
  if (mode === 'P') {
    const palette = paletteOf(picture);
    chunks.push(chunk('PLTE', palette.rgb));
    if (palette.alpha) chunks.push(chunk('tRNS', palette.alpha));
  }
  // Neighbouring indices and bits are not near in value: filtering them makes the file larger.
  const choose = mode !== 'P' && mode !== '1';
  const filtered = await byTurns(filterRows(packRows(picture, rowBytes), rowBytes, distance, choose));
  // In few pieces, since for each the work goes to another thread and back.
  const chunkSize = Math.max(constants.Z_MIN_CHUNK, Math.min(filtered.length, 2 ** 20));
  chunks.push(chunk('IDAT', await compressed(filtered, { level, chunkSize })), chunk('IEND', new Uint8Array(0)));
  return Buffer.concat(chunks);
}

const compressed = promisify<Uint8Array, ZlibOptions, Uint8Array>(deflate);

function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + data.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) out[4 + i] = type.charCodeAt(i);
  out.set(data, 8);
  view.setUint32(8 + data.length, crc32(out.subarray(4, 8 + data.length)));
  return out;
}

/** The picture's values as PNG packs them: bits from the left, 16-bit samples with the high byte first. */
function packRows({ width, height, mode, data }: Picture, rowBytes: number): Uint8Array {
  if (mode !== '1' && data instanceof Uint8Array) return data;
  const packed = new Uint8Array(height * rowBytes);
  for (let y = 0, i = 0; y < height; y++) {
    const start = y * rowBytes;
    for (let x = 0; x < width; x++, i++) {
      const value = data[i]!;
      if (mode === '1') {
        if (value !== 0) packed[start + (x >> 3)]! |= 0x80 >> (x & 7);
      } else {
        packed[start + 2 * x] = value >> 8;
        packed[start + 2 * x + 1] = value;
      }
    }
  }
  return packed;
}

/**
 * Each row behind its filter's number. With `choose`, the filter is the one whose differences, taken as signed bytes,
 * have the smallest sum of magnitudes (PNG 3rd edition, 12.7); without, rows stay as they are.
 */
function* filterRows(rows: Uint8Array, rowBytes: number, distance: number, choose: boolean): Steps<Uint8Array> {
  const height = rows.length / rowBytes;
  const out = new Uint8Array(height * (1 + rowBytes));
  const zeros = new Uint8Array(rowBytes);
  let best = new Uint8Array(rowBytes);
  let candidate = new Uint8Array(rowBytes);
  for (let y = 0; y < height; y++) {
    yield;
    const row = rows.subarray(y * rowBytes, (y + 1) * rowBytes);
    const at = y * (1 + rowBytes);
    if (!choose) {
      out.set(row, at + 1);
      continue;
    }
    const above = y === 0 ? zeros : rows.subarray((y - 1) * rowBytes, y * rowBytes);
    let bestSum = Number.POSITIVE_INFINITY;
    for (let filter = 0; filter <= 4; filter++) {
      applyFilter(filter, row, above, distance, candidate);
      const sum = sumOfMagnitudes(candidate);
      if (sum >= bestSum) continue;
      bestSum = sum;
      out[at] = filter;
      [best, candidate] = [candidate, best];
    }
    out.set(best, at + 1);
  }
  return out;
}

function sumOfMagnitudes(differences: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < differences.length; i++) {
    const value = differences[i]!;
    sum += value < 128 ? value : 256 - value;
  }
  return sum;
}

/** The forward form of PNG's five filters (PNG 3rd edition, 9.2). */
function applyFilter(filter: number, row: Uint8Array, above: Uint8Array, distance: number, out: Uint8Array): void {
  const first = Math.min(distance, row.length);
  switch (filter) {
    case 0:
      out.set(row);
      break;
    case 1:
      for (let i = 0; i < first; i++) out[i] = row[i]!;
      for (let i = first; i < row.length; i++) out[i] = row[i]! - row[i - distance]!;
      break;
    case 2:
      for (let i = 0; i < row.length; i++) out[i] = row[i]! - above[i]!;
      break;
    case 3:
      for (let i = 0; i < first; i++) out[i] = row[i]! - (above[i]! >> 1);
      for (let i = first; i < row.length; i++) out[i] = row[i]! - ((row[i - distance]! + above[i]!) >> 1);
      break;
    default:
      for (let i = 0; i < first; i++) out[i] = row[i]! - above[i]!;
      for (let i = first; i < row.length; i++) {
        out[i] = row[i]! - paeth(row[i - distance]!, above[i]!, above[i - distance]!);
      }
  }
}
