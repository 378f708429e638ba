import { exifOrientation } from '../exif.js';
import { checkSize, cutShort, damaged, unsupported } from '../limits.js';

/** What a JPEG file says of itself between its markers (ITU-T T.81, annex B). */
export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 3 colour, 4 CMYK or YCCK. */
  readonly components: number;
  readonly orientation: number;
  /** Whether Adobe's segment tells how the channels are to be understood. */
  readonly adobe: boolean;
  /** Byte ranges, from marker to end, of the application segments that hold EXIF data. */
  readonly exifSegments: readonly (readonly [start: number, end: number])[];
}

const soi = 0xd8;
const eoi = 0xd9;
const sos = 0xda;
const app1 = 0xe1;
const app14 = 0xee;

/** Baseline, extended and progressive pictures, Huffman or arithmetic coded. */
const readFrames = new Set([0xc0, 0xc1, 0xc2, 0xc9, 0xca]);
const arithmeticFrames = new Set([0xc9, 0xca]);
/** The markers C4, C8 and CC lie among those of frames but mean something else. */
const isFrame = (marker: number) => (marker & 0xf0) === 0xc0 && ![0xc4, 0xc8, 0xcc].includes(marker);
const standsAlone = (marker: number) => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);

/** Encoders write about ten; each costs a pass over the picture, however few bytes it has. */
const maxScans = 100;

/**
 * Walks the markers of a JPEG file up to the end of its picture.
 * @throws InputError when the picture exceeds `limit` pixels, is of a kind that is not read, has no end-of-image marker,
 *   or claims a size that its bytes cannot hold.
 */
export function readJpegHeader(bytes: Uint8Array, name: string, limit: number): JpegHeader {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const exifSegments: [number, number][] = [];
  let frame: Frame | undefined;
  let orientation = 1;
  let adobe = false;
  let scans = 0;
  let at = 2;
  for (;;) {
    at = nextMarker(file, at);
    if (at < 0) throw cutShort(name, `the file ends at byte ${file.length}, before the end-of-image marker`);
    const marker = file[at + 1]!;
    if (marker === eoi) break;
    if (standsAlone(marker) || marker === soi) {
      at += 2;
      continue;
    }
    const length = at + 4 <= file.length ? file.readUInt16BE(at + 2) : 0;
    const end = at + 2 + length;
    if (at + 4 > file.length || end > file.length)
      throw cutShort(name, `the file ends inside the segment at byte ${at}`);
    if (length < 2) throw damaged(name, `the segment at byte ${at} has length ${length}`);
    const segment = file.subarray(at + 4, end);
    if (isFrame(marker)) {
      if (frame) throw damaged(name, 'it has two frame headers');
      frame = readFrame(marker, segment, name);
      checkSize(name, frame.width, frame.height, limit);
    } else if (marker === app1 && segment.toString('latin1', 0, 6) === 'Exif\0\0') {
      if (exifSegments.length === 0) orientation = exifOrientation(segment);
      exifSegments.push([at, end]);
    } else if (marker === app14 && segment.toString('latin1', 0, 5) === 'Adobe') {
      adobe = true;
    } else if (marker === sos && ++scans > maxScans) {
      throw damaged(name, `it has more than ${maxScans} scans`);
    }
    at = end;
  }
  if (!frame || scans === 0) throw damaged(name, 'it ends before any picture data');
  if (frame.leastBits > 8 * file.length) {
    throw cutShort(name, `${file.length} bytes cannot hold ${frame.width} x ${frame.height} pixels`);
  }
  return { width: frame.width, height: frame.height, components: frame.components, orientation, adobe, exifSegments };
}

/** Where the next marker begins: 0xFF before a byte that is neither stuffing (0) nor fill (0xFF); -1 when there is none. */
function nextMarker(file: Buffer, from: number): number {
  for (let at = file.indexOf(0xff, from); at >= 0; at = file.indexOf(0xff, at + 1)) {
    const next = file[at + 1];
    if (next === undefined) return -1;
    if (next !== 0 && next !== 0xff) return at;
  }
  return -1;
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly components: number;
  /** No picture of this size takes fewer: with Huffman codes every 8 x 8 block has at least one bit. */
  readonly leastBits: number;
}

function readFrame(marker: number, segment: Buffer, name: string): Frame {
  if (!readFrames.has(marker)) {
    throw unsupported(name, `a JPEG of kind SOF${marker & 15} (lossless or hierarchical)`);
  }
  const components = segment[5];
  if (components === undefined || segment.length !== 6 + 3 * components) {
    throw damaged(name, `its frame header holds ${segment.length} bytes`);
  }
  if (segment[0] !== 8) throw unsupported(name, `a JPEG of ${segment[0]} bits a sample`);
  if (![1, 3, 4].includes(components)) throw unsupported(name, `a JPEG of ${components} channels`);
  const height = segment.readUInt16BE(1);
  const width = segment.readUInt16BE(3);
  const factors = Array.from({ length: components }, (_, i) => segment[7 + 3 * i]!);
  const across = factors.map(factor => factor >> 4);
  const down = factors.map(factor => factor & 15);
  if ([...across, ...down].some(factor => factor < 1 || factor > 4)) {
    throw damaged(name, 'its frame header has a sampling factor outside 1 to 4');
  }
  const maxAcross = Math.max(...across);
  const maxDown = Math.max(...down);
  const blocks = factors.map((_, i) => {
    const columns = Math.ceil((width * across[i]!) / maxAcross / 8);
    return columns * Math.ceil((height * down[i]!) / maxDown / 8);
  });
  const leastBits = arithmeticFrames.has(marker) ? 0 : blocks.reduce((sum, count) => sum + count, 0);
  return { width, height, components, leastBits };
}
