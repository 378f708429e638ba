/** Whether a data set can be evaluated, found out before any network runs. */
import { setImmediate } from 'node:timers/promises';
import { InputError } from '../../errors.js';
import { readJpegHeader } from '../../image/codecs/jpegMarkers.js';
import { decodePicture } from '../../image/decode.js';
import { defaultMaxPixels } from '../../image/limits.js';
import { readChunks } from '../../image/png/chunks.js';
import { pictureFormat } from '../../image/sniff.js';
import { classesFrom, publishedNames } from './classNames.js';
import { type Finding, type ImageFile, requireFile } from './files.js';
import { kinds } from './kinds.js';
import { type PixelSize, readLabels, readPictureBytes } from './labelMap.js';
import type { LabelValues } from './labelValues.js';
import { type DatasetOptions, openDataset, openFiles, parseSpec } from './openDataset.js';

export type { Finding } from './files.js';

/** How a data set is checked. */
export interface CheckOptions extends DatasetOptions {
  /** Called after each image. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** What a check has found. */
export interface DatasetCheck {
  readonly spec: string;
  readonly kind: string;
  /** Images that were looked at. */
  readonly images: number;
  /** All that is wrong; empty for a data set that can be evaluated. */
  readonly findings: readonly Finding[];
}

/**
 * Walks a data set and reports everything that is wrong with it: no images, ids that come twice, images without labels
 * and the reverse, label maps of another size than their image, with colours or with numbers that are no class, files
 * that cannot be read or are cut short. Label maps are decoded; of JPEG images only the markers are read (to the one at
 * the end, so that a file that was cut short is found), of PNG images the chunks with their checksums; others are decoded.
 * @throws InputError when there is nothing to walk (see `openDataset`); the signal's reason when aborted
 */
export async function checkDataset(spec: string, options: CheckOptions = {}): Promise<DatasetCheck> {
  const { classesFile, onProgress = () => {}, signal } = options;
  const { kind, rest, where } = parseSpec(spec);
  if (kind === 'scenes') {
    const { ids } = await openDataset(spec, { classesFile });
    return { spec, kind, images: ids.length, findings: [] };
  }
  const { images, values, faults, strays, own } = openFiles(where, kind, rest);
  if (classesFile !== undefined) {
    const { length } = own?.classes ?? publishedNames(kinds[kind].classList).classes;
    classesFrom(classesFile, length, where);
  }
  const findings = [...faults, ...strays];
  for (const [i, image] of images.entries()) {
    signal?.throwIfAborted();
    await checkImage(image, values, findings);
    onProgress(i + 1, images.length);
    // Reading blocks: whoever shows the progress or aborts gets a turn.
    await setImmediate();
  }
  return { spec, kind, images: images.length, findings };
}

async function checkImage({ image, labels }: ImageFile, values: LabelValues, findings: Finding[]): Promise<void> {
  let size: PixelSize | undefined;
  try {
    requireFile(image, 'the image');
    size = await pictureSize(image);
  } catch (error) {
    findings.push(findingOf(error, image));
  }
  try {
    requireFile(labels, `the label map of ${image}`);
    readLabels(labels, values, size);
  } catch (error) {
    findings.push(findingOf(error, labels));
  }
}

/** The size of a picture that, as far as can be told without its pixels, is whole. */
async function pictureSize(path: string): Promise<PixelSize> {
  const bytes = readPictureBytes(path);
  switch (pictureFormat(bytes, path)) {
    case 'jpeg':
      return readJpegHeader(bytes, path, defaultMaxPixels);
    case 'png':
      return readChunks(bytes, path, defaultMaxPixels).header;
    default:
      return decodePicture(bytes, path);
  }
}

/** An error as a finding; readers name their file first. */
function findingOf(error: unknown, file: string): Finding {
  if (!(error instanceof InputError)) throw error;
  const { message } = error;
  return { file, problem: message.startsWith(`${file}: `) ? message.slice(file.length + 2) : message };
}
