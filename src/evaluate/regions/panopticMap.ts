/** COCO's panoptic maps: PNGs whose colours are numbers of segments. */
import { InputError } from '../../errors.js';
import { defaultMaxPixels } from '../../image/limits.js';
import { colourTypes, readChunks } from '../../image/png/chunks.js';
import { decodePng } from '../../image/png/decode.js';
import { pictureFormat } from '../../image/sniff.js';
import { type PixelSize, readPictureBytes } from '../datasets/labelMap.js';

/**
 * The segment of each pixel as `SegmentedImage.map` has it.
 * @param ids numbers of the segments, red + 256 green + 65536 blue; 0 stands for none
 * @throws InputError naming the file: it is no PNG in colours, of another size than its image, or shows a segment that
 *   is not among `ids`
 */
export function readPanopticMap(path: string, ids: readonly number[], image: PixelSize): Uint16Array {
  const bytes = readPictureBytes(path);
  const format = pictureFormat(bytes, path);
  if (format !== 'png') throw new InputError(`${path}: expected a map of segments as PNG, got ${format.toUpperCase()}`);
  const { width, height, colourType, bits } = readChunks(bytes, path, defaultMaxPixels).header;
  if (colourType !== colourTypes.rgb || bits !== 8) {
    throw new InputError(`${path}: expected a map of segments in 8-bit RGB, got a PNG of other pixels`);
  }
  if (width !== image.width || height !== image.height) {
    throw new InputError(
      `${path}: expected the size of its image, ${image.width} x ${image.height}, got ${width} x ${height}`,
    );
  }
  const { data } = decodePng(bytes, path, defaultMaxPixels);
  const numbers = new Map([[0, 0], ...ids.map((id, i) => [id, i + 1] as const)]);
  const map = new Uint16Array(width * height);
  let [id, number]: [number, number | undefined] = [0, 0];
  for (let p = 0, i = 0; p < map.length; p++, i += 3) {
    const here = data[i]! + 256 * data[i + 1]! + 65536 * data[i + 2]!;
    // Neighbours are mostly alike.
    if (here !== id) [id, number] = [here, numbers.get(here)];
    if (number === undefined) {
      const at = `column ${p % width}, row ${Math.floor(p / width)}`;
      throw new InputError(`${path}: expected segments that are annotated, got ${id} at ${at}`);
    }
    map[p] = number;
  }
  return map;
}
