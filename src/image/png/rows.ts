import { constants, inflateSync } from 'node:zlib';
import { cutShort, damaged } from '../limits.js';
import type { PngParts } from './chunks.js';

/** Every how many pixels a pass of an interlaced picture has one, and from which pixel on. */
interface Pass {
  readonly x0: number;
  readonly y0: number;
  readonly stepX: number;
  readonly stepY: number;
}

const wholePicture: readonly Pass[] = [{ x0: 0, y0: 0, stepX: 1, stepY: 1 }];

/** Adam7's seven passes (PNG 3rd edition, 8.1). */
const adam7: readonly Pass[] = [
  { x0: 0, y0: 0, stepX: 8, stepY: 8 },
  { x0: 4, y0: 0, stepX: 8, stepY: 8 },
  { x0: 0, y0: 4, stepX: 4, stepY: 8 },
  { x0: 2, y0: 0, stepX: 4, stepY: 4 },
  { x0: 0, y0: 2, stepX: 2, stepY: 4 },
  { x0: 1, y0: 0, stepX: 2, stepY: 2 },
  { x0: 0, y0: 1, stepX: 1, stepY: 2 },
];

/** Deflate never expands more than this (258 bytes for a symbol and a distance of one bit each). */
const maxExpansion = 1032;

/** One row of one pass, unfiltered, and where its pixels belong. */
export interface Row {
  /** Packed samples; the same buffer is used again for later rows. */
  readonly bytes: Uint8Array;
  /** Pixels in the row. */
  readonly count: number;
  readonly y: number;
  readonly x0: number;
  readonly stepX: number;
}

/**
 * Inflates the pixels and hands each row, unfiltered, to `place`, pass after pass. Never inflates beyond the bytes
 * that the header's size calls for.
 * @throws InputError when the stream is broken, too short or too long, or names an unknown filter.
 */
export function readRows(parts: PngParts, name: string, place: (row: Row) => void): void {
  const { header } = parts;
  const pixelBits = header.samples * header.bits;
  const distance = Math.max(1, pixelBits >> 3);
  const passes = (header.interlaced ? adam7 : wholePicture)
    .map(pass => {
      const count = Math.ceil((header.width - pass.x0) / pass.stepX);
      const rows = Math.ceil((header.height - pass.y0) / pass.stepY);
      return { ...pass, count, rows, rowBytes: Math.ceil((count * pixelBits) / 8) };
    })
    .filter(pass => pass.count > 0 && pass.rows > 0);
  const expected = passes.reduce((sum, pass) => sum + pass.rows * (1 + pass.rowBytes), 0);
  const raw = inflate(parts, expected, name);

  let at = 0;
  for (const { x0, y0, stepX, stepY, count, rows, rowBytes } of passes) {
    let current = new Uint8Array(rowBytes);
    let above = new Uint8Array(rowBytes);
    for (let row = 0; row < rows; row++) {
      const filter = raw[at]!;
      if (filter > 4) throw damaged(name, `row ${row} asks for filter ${filter}, of 0 to 4`);
      unfilter(filter, raw, at + 1, current, above, distance);
      at += 1 + rowBytes;
      place({ bytes: current, count, y: y0 + row * stepY, x0, stepX });
      [current, above] = [above, current];
    }
  }
}

function inflate({ header, compressed }: PngParts, expected: number, name: string): Uint8Array {
  const stream = compressed.length === 1 ? compressed[0]! : Buffer.concat(compressed);
  const pixels = `${header.width} x ${header.height} pixels`;
  if (expected > stream.length * maxExpansion) {
    throw cutShort(name, `${stream.length} compressed bytes cannot hold ${pixels}`);
  }
  let raw: Uint8Array;
  try {
    raw = inflateSync(stream, {
      maxOutputLength: expected,
      chunkSize: Math.max(constants.Z_MIN_CHUNK, Math.min(expected, 2 ** 20)),
    });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw damaged(name, `it holds more than the ${expected} bytes of ${pixels}`);
    if (code === 'Z_BUF_ERROR') throw cutShort(name, 'the compressed pixels end early');
    throw damaged(name, `the compressed pixels cannot be read (${(error as Error).message})`);
  }
  if (raw.length < expected) throw cutShort(name, `it holds ${raw.length} of the ${expected} bytes of ${pixels}`);
  return raw;
}

/** Undoes a row's filter (PNG 3rd edition, 9.2): `distance` is the bytes from a sample to the same one on its left. */
function unfilter(
  filter: number,
  raw: Uint8Array,
  start: number,
  row: Uint8Array,
  above: Uint8Array,
  distance: number,
): void {
  const length = row.length;
  switch (filter) {
    case 0:
      row.set(raw.subarray(start, start + length));
      break;
    case 1:
      for (let i = 0; i < distance && i < length; i++) row[i] = raw[start + i]!;
      for (let i = distance; i < length; i++) row[i] = raw[start + i]! + row[i - distance]!;
      break;
    case 2:
      for (let i = 0; i < length; i++) row[i] = raw[start + i]! + above[i]!;
      break;
    case 3:
      for (let i = 0; i < distance && i < length; i++) row[i] = raw[start + i]! + (above[i]! >> 1);
      for (let i = distance; i < length; i++) row[i] = raw[start + i]! + ((row[i - distance]! + above[i]!) >> 1);
      break;
    default:
      for (let i = 0; i < distance && i < length; i++) row[i] = raw[start + i]! + above[i]!;
      for (let i = distance; i < length; i++) {
        row[i] = raw[start + i]! + paeth(row[i - distance]!, above[i]!, above[i - distance]!);
      }
  }
}

/** Whichever of left, above and above-left is nearest to left + above - above-left; ties in this order. */
export function paeth(left: number, above: number, aboveLeft: number): number {
  const toLeft = Math.abs(above - aboveLeft);
  const toAbove = Math.abs(left - aboveLeft);
  const toAboveLeft = Math.abs(left + above - 2 * aboveLeft);
  if (toLeft <= toAbove && toLeft <= toAboveLeft) return left;
  return toAbove <= toAboveLeft ? above : aboveLeft;
}
