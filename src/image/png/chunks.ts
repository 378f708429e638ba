import { viewOf } from '../../files/byteSource.js';
import { crc32 } from '../../files/crc32.js';
import { checkSize, cutShort, damaged } from '../limits.js';

/** The first eight bytes of every PNG file. */
export const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** The colour types of PNG. */
export const colourTypes = { grey: 0, rgb: 2, palette: 3, greyAlpha: 4, rgba: 6 } as const;
/** One of `colourTypes`, as the header stores it. */
export type ColourType = (typeof colourTypes)[keyof typeof colourTypes];

/** Samples per pixel and allowed bits per sample of each colour type (PNG 3rd edition, table 8). */
const layouts: ReadonlyMap<number, { samples: number; bits: readonly number[] }> = new Map([
  [colourTypes.grey, { samples: 1, bits: [1, 2, 4, 8, 16] }],
  [colourTypes.rgb, { samples: 3, bits: [8, 16] }],
  [colourTypes.palette, { samples: 1, bits: [1, 2, 4, 8] }],
  [colourTypes.greyAlpha, { samples: 2, bits: [8, 16] }],
  [colourTypes.rgba, { samples: 4, bits: [8, 16] }],
]);

/** What the IHDR chunk says. */
export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Bits per sample. */
  readonly bits: number;
  readonly colourType: ColourType;
  readonly interlaced: boolean;
  /** Samples per pixel in the file. */
  readonly samples: number;
}

/** A PNG file taken apart; the pixels are still compressed. */
export interface PngParts {
  readonly header: PngHeader;
  /** The colours, three bytes each, or undefined without a PLTE chunk. */
  readonly palette: Uint8Array | undefined;
  /** The tRNS chunk's bytes. */
  readonly transparency: Uint8Array | undefined;
  /** The eXIf chunk's bytes. */
  readonly exif: Uint8Array | undefined;
  /** The IDAT chunks' bytes, which together are one zlib stream. */
  readonly compressed: readonly Uint8Array[];
}

const readAncillary = new Set(['tRNS', 'eXIf']);

/**
 * Walks the chunks of a PNG file from the signature to IEND. Checksums are checked for the chunks that are used;
 * other ancillary chunks are skipped, and so is whatever follows IEND.
 * @throws InputError when the picture exceeds `limit` pixels, the file ends early, or a chunk breaks the format's rules.
 */
export function readChunks(bytes: Uint8Array, name: string, limit: number): PngParts {
  const view = viewOf(bytes);
  const single = new Map<string, Uint8Array>();
  const compressed: Uint8Array[] = [];
  let header: PngHeader | undefined;
  let previous = '';
  let at = signature.length;
  for (;;) {
    if (at + 12 > bytes.length) throw cutShort(name, `the file ends at byte ${bytes.length}, before the IEND chunk`);
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (!/^[A-Za-z]{4}$/.test(type)) throw damaged(name, `no chunk begins at byte ${at}`);
    if (at + 12 + length > bytes.length) {
      throw cutShort(name, `its ${type} chunk needs ${at + 12 + length} bytes, the file has ${bytes.length}`);
    }
    const critical = (bytes[at + 4]! & 0x20) === 0;
    const typed = bytes.subarray(at + 4, at + 8 + length);
    if ((critical || readAncillary.has(type)) && crc32(typed) !== view.getUint32(at + 8 + length)) {
      throw damaged(name, `the checksum of its ${type} chunk is wrong`);
    }
    const data = typed.subarray(4);
    if (!header) {
      if (type !== 'IHDR') throw damaged(name, `it begins with a ${type} chunk, not IHDR`);
      header = readHeader(data, name);
      checkSize(name, header.width, header.height, limit);
    } else if (type === 'IEND') {
      break;
    } else if (type === 'IDAT') {
      if (compressed.length > 0 && previous !== 'IDAT')
        throw damaged(name, `a ${previous} chunk stands amid the pixels`);
      compressed.push(data);
    } else if (type === 'PLTE' || readAncillary.has(type)) {
      if (single.has(type)) throw damaged(name, `it has two ${type} chunks`);
      if (type === 'PLTE' && compressed.length > 0) throw damaged(name, 'its PLTE chunk follows the pixels');
      single.set(type, data);
    } else if (critical) {
      throw damaged(name, `it has an unknown or second critical chunk ${type}`);
    }
    previous = type;
    at += 12 + length;
  }
  if (compressed.length === 0) throw damaged(name, 'it has no IDAT chunk');
  return {
    header,
    palette: single.get('PLTE'),
    transparency: single.get('tRNS'),
    exif: single.get('eXIf'),
    compressed,
  };
}

function readHeader(data: Uint8Array, name: string): PngHeader {
  if (data.length !== 13) throw damaged(name, `its IHDR chunk holds ${data.length} bytes, not 13`);
  const view = viewOf(data);
  const bits = view.getUint8(8);
  const colourType = view.getUint8(9);
  const compression = view.getUint8(10);
  const filter = view.getUint8(11);
  const interlace = view.getUint8(12);
  const layout = layouts.get(colourType);
  if (!layout?.bits.includes(bits)) {
    throw damaged(name, `its header asks for colour type ${colourType} with ${bits} bits a sample, which PNG has not`);
  }
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    throw damaged(name, `its header asks for compression ${compression}, filter ${filter}, interlace ${interlace}`);
  }
  return {
    width: view.getUint32(0),
    height: view.getUint32(4),
    bits,
    colourType: colourType as ColourType,
    interlaced: interlace === 1,
    samples: layout.samples,
  };
}
