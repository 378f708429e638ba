/** Small pictures of every kind that is read, with what Pillow reads from them; made by test/fixtures/pictures/make.py. */
import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import type { PixelMode } from '../../src/image/picture.js';

export interface Sample {
  readonly name: string;
  /** The file's bytes. */
  readonly file: Uint8Array;
  /** Pillow's mode. */
  readonly mode: PixelMode | 'CMYK';
  readonly width: number;
  readonly height: number;
  readonly orientation: number;
  /** Bytes of `convert('RGB')`. */
  readonly rgb: Uint8Array;
  /** Bytes in the picture's own mode, where that says more; mode I;16 low byte first. */
  readonly native?: Uint8Array;
  /** Opacity of each pixel, where a palette has transparent colours. */
  readonly alpha?: Uint8Array;
  /** Bytes of `convert('RGB')` after `exif_transpose`, where the orientation is not 1. */
  readonly upright?: Uint8Array;
}

interface Written {
  file: string;
  mode: Sample['mode'];
  size: [number, number];
  orientation: number;
  rgb: string;
  native?: string;
  alpha?: string;
  upright?: string;
}

const inflated = (text: string) => new Uint8Array(inflateSync(Buffer.from(text, 'base64')));

const written: Record<string, Written> = JSON.parse(
  readFileSync(new URL('../fixtures/pictures/samples.json', import.meta.url), 'utf8'),
);

export const samples: readonly Sample[] = Object.entries(written).map(([name, sample]) => ({
  name,
  file: new Uint8Array(Buffer.from(sample.file, 'base64')),
  mode: sample.mode,
  width: sample.size[0],
  height: sample.size[1],
  orientation: sample.orientation,
  rgb: inflated(sample.rgb),
  ...(sample.native && { native: inflated(sample.native) }),
  ...(sample.alpha && { alpha: inflated(sample.alpha) }),
  ...(sample.upright && { upright: inflated(sample.upright) }),
}));

/** The sample of that name. */
export function sample(name: string): Sample {
  const found = samples.find(each => each.name === name);
  if (!found) throw new Error(`there is no sample ${name}`);
  return found;
}
