import { join } from 'node:path';
import { makeFolder } from '../../files/folder.js';
import { sceneClassNames } from '../world.js';
import { framesOf, padded, type WriteLayout, writeJpeg, writeMap, writeText } from './frames.js';

const pictures = 'images/validation';
const maps = 'annotations/validation';

/**
 * ADE20K's scene parsing: grey maps in which 0 is unlabelled (no pixel is) and class i of `classes.txt` is i + 1, and
 * `objectInfo150.txt` (its name in that data set, whatever the number of classes) with the share of each class.
 */
export const writeAde: WriteLayout = async (folder, set, progress) => {
  for (const name of [pictures, maps]) makeFolder(join(folder, name));
  const names = sceneClassNames(set.classes);
  const pixels = new Float64Array(names.length);
  const seenIn = new Float64Array(names.length);
  let all = 0;
  for (const frame of framesOf(set)) {
    const { labels, number } = frame;
    const name = `ADE_val_${padded(number, 8)}`;
    for (const label of labels) pixels[label]!++;
    for (const label of new Set(labels)) seenIn[label]!++;
    all += labels.length;
    await writeJpeg(join(folder, pictures, `${name}.jpg`), frame);
    await writeMap(
      join(folder, maps, `${name}.png`),
      frame,
      labels.map(label => label + 1),
    );
    progress(number, set.count);
  }
  const rows = names.map((name, i) => [i + 1, (pixels[i]! / all).toFixed(4), 0, seenIn[i]!, name].join('\t'));
  writeText(folder, 'objectInfo150.txt', `Idx\tRatio\tTrain\tVal\tName\n${rows.join('\n')}\n`);
};
