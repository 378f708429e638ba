import { join } from 'node:path';
import { makeFolder } from '../../files/folder.js';
import { vocPalette } from '../../image/drawing/palette.js';
import { objectClass, objectClassNames } from '../world.js';
import {
  type Frame,
  framesOf,
  padded,
  type SceneDataSet,
  type WriteLayout,
  writeJpeg,
  writeMap,
  writeText,
} from './frames.js';

const folders = ['JPEGImages', 'SegmentationClass', 'SegmentationObject', 'Annotations'] as const;
const lists = ['ImageSets/Segmentation', 'ImageSets/Main'] as const;
const nameOf = (number: number) => padded(number, 6);

/**
 * Pascal VOC: class maps with VOC's palette, in which index i is line i of `classes.txt` counted from 0 (backgrounds
 * are classes like others, nothing is unlabelled), maps of objects, boxes in XML, lists of the pictures.
 */
export const writeVoc: WriteLayout = async (folder, set, progress) => {
  for (const name of [...folders, ...lists]) makeFolder(join(folder, name));
  const palette = vocPalette();
  for (const frame of framesOf(set)) {
    const name = nameOf(frame.number);
    await writeJpeg(join(folder, 'JPEGImages', `${name}.jpg`), frame);
    await writeMap(join(folder, 'SegmentationClass', `${name}.png`), frame, frame.labels, palette);
    await writeMap(join(folder, 'SegmentationObject', `${name}.png`), frame, frame.canvas.instances, palette);
    writeText(join(folder, 'Annotations'), `${name}.xml`, annotation(name, frame, set));
    progress(frame.number, set.count);
  }
  for (const list of lists) writeText(join(folder, list), 'val.txt', names(set.count));
};

function* names(count: number): Generator<string> {
  for (let number = 1; number <= count; number++) yield `${nameOf(number)}\n`;
}

/** Boxes count pixels from 1 and include both ends. */
function* annotation(name: string, { scene, parts }: Frame, { classes }: SceneDataSet): Generator<string> {
  yield `<annotation>\n\t<folder>JPEGImages</folder>\n\t<filename>${name}.jpg</filename>\n`;
  yield `\t<size>\n\t\t<width>${scene.size}</width>\n\t\t<height>${scene.size}</height>\n\t\t<depth>3</depth>\n\t</size>\n`;
  yield '\t<segmented>1</segmented>\n';
  for (const [i, { colour, shape }] of scene.objects.entries()) {
    const [left, top, width, height] = parts[i]!.box;
    const ends = { xmin: left + 1, ymin: top + 1, xmax: left + width, ymax: top + height };
    yield `\t<object>\n\t\t<name>${objectClassNames(classes)[objectClass(classes, colour, shape)]}</name>\n`;
    yield '\t\t<pose>Unspecified</pose>\n\t\t<truncated>0</truncated>\n\t\t<difficult>0</difficult>\n\t\t<bndbox>\n';
    for (const [end, value] of Object.entries(ends)) yield `\t\t\t<${end}>${value}</${end}>\n`;
    yield '\t\t</bndbox>\n\t</object>\n';
  }
  yield '</annotation>\n';
}
