/** Label maps: PNGs whose pixels are numbers of classes. */
import { InputError } from '../../errors.js';
import { openBytes } from '../../files/bytes.js';
import { defaultMaxPixels, maxFileBytes } from '../../image/limits.js';
import { colourTypes, type PngHeader, readChunks } from '../../image/png/chunks.js';
import { decodePng } from '../../image/png/decode.js';
import { pictureFormat } from '../../image/sniff.js';
import type { LabelValues } from './labelValues.js';

/** Width and height in pixels. */
export interface PixelSize {
  readonly width: number;
  readonly height: number;
}

/** The bytes of a picture file. @throws InputError when it is missing, unreadable or too large for a picture. */
export function readPictureBytes(path: string): Uint8Array {
  const source = openBytes(path);
  try {
    if (source.size > maxFileBytes) {
      throw new InputError(`${path}: expected a picture of at most ${maxFileBytes} bytes, got ${source.size}`);
    }
    return source.read(0, source.size);
  } finally {
    source.close();
  }
}

/**
 * The class of each pixel of a label map, row by row. Palette maps are read as indices, whatever their colours.
 * @param image the size it must have; any where it is not known
 * @throws InputError naming the file: it is no PNG, holds colours, has another size, or a number that is no class
 */
export function readLabels(path: string, values: LabelValues, image?: PixelSize): Uint8Array {
  const bytes = readPictureBytes(path);
  const { width, height } = labelHeader(bytes, path, values.table.length > 256);
  if (image && (width !== image.width || height !== image.height)) {
    throw new InputError(
      `${path}: expected the size of its image, ${image.width} x ${image.height}, got ${width} x ${height}`,
    );
  }
  const numbers = decodePng(bytes, path, defaultMaxPixels).data;
  const labels = numbers instanceof Uint8Array ? numbers : new Uint8Array(numbers.length);
  const { table, expected } = values;
  for (let i = 0; i < numbers.length; i++) {
    const label = table[numbers[i]!] ?? -1;
    if (label < 0) {
      const at = `column ${i % width}, row ${Math.floor(i / width)}`;
      throw new InputError(`${path}: expected class numbers ${expected}, got ${numbers[i]} at ${at}`);
    }
    labels[i] = label;
  }
  return labels;
}

/**
 * Whether a label map holds a number that `values` has no class for, or has more bits a pixel than they need. One that
 * cannot be read does not: that is told when it is evaluated.
 */
export function exceeds(path: string, { table }: LabelValues): boolean {
  try {
    const bytes = readPictureBytes(path);
    if (labelHeader(bytes, path, true).bits === 16) return true;
    return decodePng(bytes, path, defaultMaxPixels).data.some(value => table[value]! < 0);
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
}

/** The header of a PNG whose pixels are numbers. @throws InputError for other files, and where pixels are colours */
function labelHeader(bytes: Uint8Array, path: string, wide: boolean): PngHeader {
  const format = pictureFormat(bytes, path);
  if (format !== 'png') {
    throw new InputError(`${path}: expected a label map as PNG, got ${format.toUpperCase()}`);
  }
  const { header } = readChunks(bytes, path, defaultMaxPixels);
  const { colourType, bits } = header;
  const isNumbers =
    colourType === colourTypes.palette || (colourType === colourTypes.grey && (bits === 8 || (wide && bits === 16)));
  if (isNumbers) return header;
  // Grey of fewer bits is refused since readers differ: some stretch it to 0..255, some do not.
  const grey = colourType === colourTypes.greyAlpha ? 'grey with opacity' : `grey of ${bits} bits`;
  const got = colourType === colourTypes.rgb || colourType === colourTypes.rgba ? 'colours (RGB)' : grey;
  throw new InputError(`${path}: expected a label map of class numbers, palette or 8-bit grey, got ${got}`);
}
