import type { Picture } from '../picture.js';
import { opaque } from './gather.js';
import { type Glue, startCodec } from './wasm.js';

interface MozjpegEncoder {
  encode(rgba: Uint8Array, width: number, height: number, options: object): Uint8Array;
}

/** As libjpeg writes by default: one pass of blocks, the standard's tables; chroma at half size below quality 90. */
const asLibjpeg = {
  baseline: false,
  arithmetic: false,
  progressive: false,
  optimize_coding: true,
  smoothing: 0,
  color_space: 3,
  quant_table: 0,
  trellis_multipass: false,
  trellis_opt_zero: false,
  trellis_opt_table: false,
  trellis_loops: 1,
  auto_subsample: true,
  chroma_subsample: 2,
  separate_chroma_quality: false,
};

/** A picture of mode RGB as a JPEG file, by mozjpeg in WebAssembly: the same bytes everywhere. */
export async function encodeMozjpeg({ width, height, data }: Picture, quality: number): Promise<Uint8Array> {
  const { default: glue } = await import('@jsquash/jpeg/codec/enc/mozjpeg_enc.js');
  const binary = '@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm';
  const encoder = await startCodec(binary, glue as unknown as Glue<MozjpegEncoder>);
  const options = { ...asLibjpeg, quality, chroma_quality: quality };
  // What comes back lies in the codec's own memory.
  return encoder.encode(opaque(data), width, height, options).slice();
}
