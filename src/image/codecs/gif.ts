import { checkIndices, checkSize, cutShort, damaged } from '../limits.js';
import type { Palette, Picture } from '../picture.js';
import { inflateLzw } from './lzw.js';

/** The first frame: where it lies on the screen, its colours and its compressed data. */
interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly interlaced: boolean;
  /** The frame's own colours, or else the file's, or none. */
  readonly colours: Uint8Array | undefined;
  /** Palette index of transparent pixels. */
  readonly transparent: number | undefined;
  /** Bits of a plain LZW code. */
  readonly codeBits: number;
  readonly data: Uint8Array;
  /** Sides of the whole picture: the logical screen, widened where the frame reaches beyond it. */
  readonly screen: { readonly width: number; readonly height: number };
}

/**
 * Decodes the first frame of a GIF file, 87a or 89a, into the mode Pillow opens it in: `P`, or `L` when the palette is
 * the grey ramp 0, 1, 2, … or missing. Where the frame does not reach, the picture has the transparent index, or 0.
 * @throws InputError when the picture exceeds `limit` pixels or the file is damaged or cut short.
 */
export function decodeGif(bytes: Uint8Array, name: string, limit: number): Picture {
  const frame = readFrame(bytes, name, limit);
  const { screen, colours, transparent } = frame;
  const pixels = inflateLzw(frame.data, frame.codeBits, frame.width * frame.height, name);
  const palette = colours && !isGreyRamp(colours) ? paletteOf(colours, transparent) : undefined;
  if (palette) checkIndices(pixels, palette.rgb.length / 3, name);

  const data = new Uint8Array(screen.width * screen.height);
  if (transparent !== undefined && (!palette || 3 * transparent < palette.rgb.length)) data.fill(transparent);
  rowOrder(frame.height, frame.interlaced).forEach((row, i) => {
    const indices = pixels.subarray(i * frame.width, (i + 1) * frame.width);
    data.set(indices, (frame.top + row) * screen.width + frame.left);
  });
  return { ...screen, mode: palette ? 'P' : 'L', data, ...(palette && { palette }), orientation: 1, format: 'gif' };
}

const blockExtension = 0x21;
const blockFrame = 0x2c;
const blockTrailer = 0x3b;
const graphicControl = 0xf9;

/** Walks the blocks up to the first frame and through its data. */
function readFrame(bytes: Uint8Array, name: string, limit: number): Frame {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const take = (length: number): Buffer => {
    if (at + length > file.length) throw cutShort(name, `the file ends at byte ${file.length}, inside its first frame`);
    at += length;
    return file.subarray(at - length, at);
  };
  const subBlocks = (): Buffer[] => {
    const blocks: Buffer[] = [];
    for (let length = take(1)[0]!; length > 0; length = take(1)[0]!) blocks.push(take(length));
    return blocks;
  };
  /** A table of 2 to 256 colours follows a flags byte whose highest bit is set; its lowest three say how many. */
  const colourTable = (flags: number) => (flags & 0x80 ? take(3 * 2 ** ((flags & 7) + 1)) : undefined);

  const screen = take(13);
  const shared = colourTable(screen[10]!);
  let transparent: number | undefined;
  for (;;) {
    const block = take(1)[0]!;
    if (block === blockExtension) {
      const label = take(1)[0]!;
      const [first] = subBlocks();
      if (label === graphicControl && first && first.length >= 4 && (first[0]! & 1) !== 0) transparent = first[3]!;
    } else if (block === blockFrame) {
      break;
    } else if (block === blockTrailer) {
      throw damaged(name, 'it ends before any frame');
    } else {
      throw damaged(name, `an unknown block begins at byte ${at - 1}`);
    }
  }
  const place = take(9);
  const left = place.readUInt16LE(0);
  const top = place.readUInt16LE(2);
  const width = place.readUInt16LE(4);
  const height = place.readUInt16LE(6);
  const size = {
    width: Math.max(screen.readUInt16LE(6), left + width),
    height: Math.max(screen.readUInt16LE(8), top + height),
  };
  checkSize(name, width, height, limit);
  checkSize(name, size.width, size.height, limit);
  const flags = place[8]!;
  const colours = colourTable(flags) ?? shared;
  const codeBits = take(1)[0]!;
  const data = Buffer.concat(subBlocks());
  return {
    left,
    top,
    width,
    height,
    interlaced: (flags & 0x40) !== 0,
    colours,
    transparent,
    codeBits,
    data,
    screen: size,
  };
}

function isGreyRamp(colours: Uint8Array): boolean {
  return colours.every((value, i) => value === Math.floor(i / 3));
}

function paletteOf(colours: Uint8Array, transparent: number | undefined): Palette {
  const entries = colours.length / 3;
  const rgb = colours.slice();
  if (transparent === undefined || transparent >= entries) return { rgb };
  const alpha = new Uint8Array(entries).fill(255);
  alpha[transparent] = 0;
  return { rgb, alpha };
}

/** Which row of the picture each row of the file is: interlaced, every 8th from 0, every 8th from 4, every 4th from 2, every 2nd from 1. */
function rowOrder(height: number, interlaced: boolean): number[] {
  const passes = interlaced
    ? ([
        [0, 8],
        [4, 8],
        [2, 4],
        [1, 2],
      ] as const)
    : ([[0, 1]] as const);
  const order: number[] = [];
  for (const [first, step] of passes) for (let row = first; row < height; row += step) order.push(row);
  return order;
}
