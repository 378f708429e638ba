import { cutShort, damaged } from '../limits.js';
import type { Picture } from '../picture.js';
import { gather } from './gather.js';
import { type JpegHeader, readJpegHeader } from './jpegMarkers.js';
import { type Glue, type RgbaPixels, startCodec, type WasmDecoder } from './wasm.js';

/**
 * Decodes a JPEG file, baseline or progressive. Grey becomes mode `L`, everything else `RGB`; the EXIF orientation is
 * read and not applied.
 *
 * Grey and colour go through mozjpeg in WebAssembly, whose arithmetic is libjpeg-turbo's: the values are those of Pillow
 * (4:4:0 subsampling, which only rotated files have, differs by up to 2 levels). CMYK and YCCK, which mozjpeg cannot
 * turn into RGB, go through jimp.
 *
 * @throws InputError when the picture exceeds `limit` pixels, or the file is damaged, cut short, or of a kind that is
 *   not read: lossless, hierarchical, or 12 bits a sample.
 */
export async function decodeJpeg(bytes: Uint8Array, name: string, limit: number): Promise<Picture> {
  const header = readJpegHeader(bytes, name, limit);
  const { width, height, orientation } = header;
  const pixels =
    header.components === 4 ? await decodeFourChannels(bytes, header, name) : await decodeMozjpeg(bytes, name);
  if (pixels.width !== width || pixels.height !== height) {
    throw damaged(name, `its header says ${width} x ${height}, its picture is ${pixels.width} x ${pixels.height}`);
  }
  const mode = header.components === 1 ? 'L' : 'RGB';
  return { width, height, mode, data: gather(pixels.data, mode), orientation, format: 'jpeg' };
}

/** What libjpeg says, as warnings, of a picture whose last blocks it had to make up. */
const endsEarly = /premature end/i;
const breaksOff = /bad Huffman code|instead of RST/i;

async function decodeMozjpeg(bytes: Uint8Array, name: string): Promise<RgbaPixels> {
  const { default: glue } = await import('@jsquash/jpeg/codec/dec/mozjpeg_dec.js');
  const said: string[] = [];
  const decoder = await startCodec('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm', glue as Glue<WasmDecoder>, line =>
    said.push(line),
  );
  let pixels: RgbaPixels | null;
  try {
    pixels = decoder.decode(bytes, false);
  } catch (error) {
    throw damaged(name, `its data cannot be decoded (${said.at(-1) ?? (error as Error).message})`);
  }
  const warning = said.find(line => endsEarly.test(line) || breaksOff.test(line));
  if (warning) throw (endsEarly.test(warning) ? cutShort : damaged)(name, `the decoder says '${warning}'`);
  if (!pixels) throw damaged(name, 'its data cannot be decoded');
  return pixels;
}

/** jpeg-js keeps every coefficient in memory: beyond this it is refused with a reason, not run out of memory. */
const memoryInMB = 2048;

async function decodeFourChannels(bytes: Uint8Array, header: JpegHeader, name: string): Promise<RgbaPixels> {
  const { Jimp } = await import('jimp');
  const options = {
    tolerantDecoding: false,
    maxMemoryUsageInMB: memoryInMB,
    maxResolutionInMP: Number.POSITIVE_INFINITY,
  };
  try {
    return (await Jimp.fromBuffer(forJimp(bytes, header), { 'image/jpeg': options })).bitmap;
  } catch (error) {
    throw damaged(name, `its data cannot be decoded (${(error as Error).message})`);
  }
}

/** Adobe's segment, saying that four channels are CMYK: what libjpeg takes for granted and jimp wants to be told. */
const adobeCmyk = Uint8Array.of(0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, 0);
const startBytes = 2;

/** The file without its EXIF segments, by which jimp would turn the picture, and with Adobe's. */
function forJimp(bytes: Uint8Array, { exifSegments, adobe }: JpegHeader): Buffer {
  const parts = [bytes.subarray(0, startBytes)];
  if (!adobe) parts.push(adobeCmyk);
  let from = startBytes;
  for (const [start, end] of exifSegments) {
    parts.push(bytes.subarray(from, start));
    from = end;
  }
  return Buffer.concat([...parts, bytes.subarray(from)]);
}
