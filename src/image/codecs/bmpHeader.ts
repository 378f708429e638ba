import { checkSize, cutShort, damaged, unsupported } from '../limits.js';

/** How the pixels of a BMP file are stored. */
export const bmpCompressions = { none: 0, rle8: 1, rle4: 2, bitFields: 3 } as const;
/** One of `bmpCompressions`. */
type BmpCompression = (typeof bmpCompressions)[keyof typeof bmpCompressions];

/** Which bits of a pixel hold which channel. */
interface BmpMasks {
  readonly red: number;
  readonly green: number;
  readonly blue: number;
  /** 0 without an alpha channel. */
  readonly alpha: number;
}

/** What a BMP file's two headers and colour table say. */
export interface BmpHeader {
  readonly width: number;
  readonly height: number;
  /** Rows from the top; otherwise from the bottom. */
  readonly topDown: boolean;
  readonly bits: 1 | 4 | 8 | 16 | 24 | 32;
  readonly compression: BmpCompression;
  /** The colour table as red, green, blue; empty above 8 bits. */
  readonly colours: Uint8Array;
  readonly masks: BmpMasks;
  /** Where the pixels begin. */
  readonly offset: number;
}

const fileHeaderBytes = 14;
/** Windows' headers (plain, with three masks, with four, version 4, version 5) and OS/2's second; OS/2's first has 12 bytes. */
const headerSizes = [40, 52, 56, 108, 124, 64];
const coreHeaderBytes = 12;

/**
 * Reads the headers of a BMP file, Windows or OS/2.
 * @throws InputError when the picture exceeds `limit` pixels, the file ends early or is of a kind that is not read.
 */
export function readBmpHeader(bytes: Uint8Array, name: string, limit: number): BmpHeader {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = file.length >= 18 ? file.readUInt32LE(fileHeaderBytes) : 0;
  const headerEnd = fileHeaderBytes + size;
  if (size !== coreHeaderBytes && !headerSizes.includes(size)) throw damaged(name, `its header has ${size} bytes`);
  if (headerEnd > file.length) throw cutShort(name, 'the file ends inside its header');
  const core = size === coreHeaderBytes;
  const info = file.subarray(fileHeaderBytes, headerEnd);
  const width = core ? info.readUInt16LE(4) : info.readInt32LE(4);
  const signedHeight = core ? info.readUInt16LE(6) : info.readInt32LE(8);
  const height = Math.abs(signedHeight);
  checkSize(name, width, height, limit);

  const bits = info.readUInt16LE(core ? 10 : 14);
  const compression = core ? bmpCompressions.none : info.readUInt32LE(16);
  if (!isBits(bits)) throw unsupported(name, `a BMP of ${bits} bits a pixel`);
  // In OS/2's second header 3 stands for a fax code.
  const fax = size === 64 && compression === bmpCompressions.bitFields;
  if (!isCompression(compression) || fax) throw unsupported(name, `a BMP of compression ${compression}`);
  const fits: Record<BmpCompression, boolean> = { 0: true, 1: bits === 8, 2: bits === 4, 3: bits >= 16 };
  if (!fits[compression]) throw damaged(name, `its header asks for compression ${compression} of ${bits} bits a pixel`);

  // A header of 40 bytes is followed by the masks, a longer one contains them.
  const masksInFile = compression === bmpCompressions.bitFields && size === 40 ? 12 : 0;
  const maskBytes = file.subarray(fileHeaderBytes + 40, headerEnd + masksInFile);
  const masks = compression === bmpCompressions.bitFields ? readMasks(maskBytes, bits, name) : defaultMasks(bits);

  const tableStart = headerEnd + masksInFile;
  const used = core ? 0 : info.readUInt32LE(32);
  const entries = bits > 8 ? 0 : used || 2 ** bits;
  const entryBytes = core ? 3 : 4;
  if (entries > 256) throw damaged(name, `its header announces ${entries} colours`);
  const table = file.subarray(tableStart, tableStart + entries * entryBytes);
  if (table.length < entries * entryBytes) throw cutShort(name, 'the file ends inside its colour table');
  const colours = new Uint8Array(3 * entries);
  for (let i = 0; i < entries; i++) {
    for (let channel = 0; channel < 3; channel++) colours[3 * i + channel] = table[i * entryBytes + 2 - channel]!;
  }
  const offset = file.readUInt32LE(10) || tableStart + table.length;
  return { width, height, topDown: signedHeight < 0, bits, compression, colours, masks, offset };
}

function isBits(bits: number): bits is BmpHeader['bits'] {
  return [1, 4, 8, 16, 24, 32].includes(bits);
}

function isCompression(compression: number): compression is BmpCompression {
  return compression >= 0 && compression <= 3;
}

function defaultMasks(bits: number): BmpMasks {
  return bits === 16
    ? { red: 0x7c00, green: 0x03e0, blue: 0x001f, alpha: 0 }
    : { red: 0xff0000, green: 0x00ff00, blue: 0x0000ff, alpha: 0 };
}

function readMasks(bytes: Buffer, bits: number, name: string): BmpMasks {
  if (bytes.length < 12) throw cutShort(name, 'the file ends inside its header');
  const red = bytes.readUInt32LE(0);
  const green = bytes.readUInt32LE(4);
  const blue = bytes.readUInt32LE(8);
  const alpha = bits === 32 && bytes.length >= 16 ? bytes.readUInt32LE(12) : 0;
  // Some writers leave them all empty; Pillow takes that for the usual order with alpha.
  if (bits === 32 && (red | green | blue | alpha) === 0) return { ...defaultMasks(32), alpha: 0xff000000 };
  const masks = { red, green, blue, alpha };
  for (const [channel, mask] of Object.entries(masks)) {
    const lowest = (mask & -mask) >>> 0;
    const contiguous = mask > 0 && Number.isInteger(Math.log2(mask / lowest + 1));
    if (!contiguous && !(channel === 'alpha' && mask === 0)) {
      throw damaged(name, `the mask of its ${channel} channel is 0x${mask.toString(16)}`);
    }
  }
  return masks;
}
