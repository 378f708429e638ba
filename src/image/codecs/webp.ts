import { quoted } from '../../files/quote.js';
import { exifOrientation } from '../exif.js';
import { checkSize, cutShort, damaged, unsupported } from '../limits.js';
import type { Picture } from '../picture.js';
import { gather } from './gather.js';
import { type Glue, startCodec, type WasmDecoder } from './wasm.js';

interface WebpHeader {
  readonly width: number;
  readonly height: number;
  readonly alpha: boolean;
  readonly orientation: number;
}

/**
 * Decodes a WebP file, lossy or lossless, into mode `RGB`, or `RGBA` when it has an alpha channel, through libwebp in
 * WebAssembly; the values are those of Pillow. The EXIF orientation is read and not applied.
 * @throws InputError when the picture exceeds `limit` pixels, is animated, or the file is damaged or cut short.
 */
export async function decodeWebp(bytes: Uint8Array, name: string, limit: number): Promise<Picture> {
  const { width, height, alpha, orientation } = readWebpHeader(bytes, name, limit);
  const { default: glue } = await import('@jsquash/webp/codec/dec/webp_dec.js');
  const decoder = await startCodec('@jsquash/webp/codec/dec/webp_dec.wasm', glue as Glue<WasmDecoder>);
  let pixels: ReturnType<typeof decoder.decode>;
  try {
    pixels = decoder.decode(bytes);
  } catch (error) {
    throw damaged(name, `its data cannot be decoded (${(error as Error).message})`);
  }
  // libwebp does not tell data that ends early from data that is wrong.
  if (!pixels) throw damaged(name, 'its data is wrong or ends early');
  if (pixels.width !== width || pixels.height !== height) {
    throw damaged(name, `its header says ${width} x ${height}, its picture is ${pixels.width} x ${pixels.height}`);
  }
  const mode = alpha ? 'RGBA' : 'RGB';
  return { width, height, mode, data: gather(pixels.data, mode), orientation, format: 'webp' };
}

const alphaFlag = 0x10;

/** Walks the RIFF chunks (RFC 9649): the size stands in the frame itself and, when there is one, in the VP8X chunk. */
function readWebpHeader(bytes: Uint8Array, name: string, limit: number): WebpHeader {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = 8 + file.readUInt32LE(4);
  if (end > file.length) throw cutShort(name, `it needs ${end} bytes, the file has ${file.length}`);
  let canvas: { width: number; height: number } | undefined;
  let frame: { width: number; height: number; alpha: boolean } | undefined;
  let alpha = false;
  let orientation = 1;
  for (let at = 12; at + 8 <= end; ) {
    const type = file.toString('latin1', at, at + 4);
    const length = file.readUInt32LE(at + 4);
    if (at + 8 + length > end) throw cutShort(name, `the file ends inside its chunk ${quoted(type)}`);
    const data = file.subarray(at + 8, at + 8 + length);
    if (type === 'VP8X' && length >= 10) {
      canvas = { width: 1 + data.readUIntLE(4, 3), height: 1 + data.readUIntLE(7, 3) };
      checkSize(name, canvas.width, canvas.height, limit);
      alpha = (data[0]! & alphaFlag) !== 0;
    } else if (type === 'VP8 ' || type === 'VP8L') {
      frame ??= type === 'VP8 ' ? readLossyFrame(data, name) : readLosslessFrame(data, name);
      checkSize(name, frame.width, frame.height, limit);
    } else if (type === 'ALPH') {
      alpha = true;
    } else if (type === 'ANIM' || type === 'ANMF') {
      throw unsupported(name, 'an animated WebP');
    } else if (type === 'EXIF') {
      orientation = exifOrientation(data);
    }
    at += 8 + length + (length & 1);
  }
  if (!frame) throw damaged(name, 'it has no picture chunk');
  if (canvas && (canvas.width !== frame.width || canvas.height !== frame.height)) {
    throw damaged(name, 'its canvas and its picture differ in size');
  }
  return { width: frame.width, height: frame.height, alpha: alpha || frame.alpha, orientation };
}

/** The key-frame header of RFC 6386, 9.1: a 3-byte tag, a start code, two sides of 14 bits with 2 bits of scale. */
function readLossyFrame(data: Buffer, name: string) {
  if (data.length < 10 || (data[0]! & 1) !== 0 || data.readUIntBE(3, 3) !== 0x9d012a) {
    throw damaged(name, 'its VP8 chunk does not begin with a key frame');
  }
  return { width: data.readUInt16LE(6) & 0x3fff, height: data.readUInt16LE(8) & 0x3fff, alpha: false };
}

/** The header of RFC 9649, 3.4: a signature, two sides less one of 14 bits each, and whether alpha is used. */
function readLosslessFrame(data: Buffer, name: string) {
  if (data.length < 5 || data[0] !== 0x2f) throw damaged(name, 'its VP8L chunk does not begin with its signature');
  const bits = data.readUInt32LE(1);
  return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff), alpha: (bits >>> 28) % 2 === 1 };
}
