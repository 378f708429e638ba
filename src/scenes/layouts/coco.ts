import { join } from 'node:path';
import { writeAtomic } from '../../files/atomic.js';
import { makeFolder } from '../../files/folder.js';
import { encodePicture } from '../../image/encode.js';
import { rgbPicture } from '../../image/picture.js';
import { sceneCaption } from '../caption.js';
import { runLengths } from '../rle.js';
import { objectClass, objectClassNames, sceneBackgrounds, sceneClassNames } from '../world.js';
import {
  type Frame,
  framesOf,
  padded,
  type SceneDataSet,
  scenesOf,
  type WriteLayout,
  writeJpeg,
  writeMap,
  writeText,
} from './frames.js';

const split = 'val2017';
const stuffMaps = `stuffthingmaps/${split}`;
const panopticMaps = `annotations/panoptic_${split}`;
const fileOf = (number: number, extension: string) => `${padded(number, 12)}.${extension}`;
/** As many as COCO's pictures have. */
const captionsPerPicture = 5;

/**
 * COCO: pictures; instances as compressed run lengths, captions and panoptic segments in JSON; panoptic maps; and
 * COCO-Stuff's grey maps of classes. Category ids are the classes of `classes.txt` counted from 1, and one less in the
 * grey maps.
 */
export const writeCoco: WriteLayout = async (folder, set, progress) => {
  for (const name of [split, stuffMaps, panopticMaps]) makeFolder(join(folder, name));
  for (const frame of framesOf(set)) {
    await writeJpeg(join(folder, split, fileOf(frame.number, 'jpg')), frame);
    const map = fileOf(frame.number, 'png');
    await writeMap(join(folder, stuffMaps, map), frame, frame.labels);
    await writePanoptic(join(folder, panopticMaps, map), frame);
    progress(frame.number, set.count);
  }
  // The texts are longer than memory should hold: the scenes are drawn again for each.
  const annotations = join(folder, 'annotations');
  writeText(annotations, `instances_${split}.json`, document(set, instances(set), 'objects'));
  writeText(annotations, `captions_${split}.json`, document(set, captions(set)));
  writeText(annotations, `panoptic_${split}.json`, document(set, segments(set), 'all'));
};

/** A file's text: pictures, annotations and, where asked for, categories. */
function* document(
  set: SceneDataSet,
  annotations: Iterable<object>,
  categories?: 'objects' | 'all',
): Generator<string> {
  yield '{"info":{"description":"clipscope scenes"},\n"licenses":[],\n"images":[\n';
  yield* joined(images(set));
  yield '\n],\n"annotations":[\n';
  yield* joined(annotations);
  yield categories ? `\n],\n"categories":${JSON.stringify(categoriesOf(set, categories))}}\n` : '\n]}\n';
}

function* joined(entries: Iterable<object>): Generator<string> {
  let between = '';
  for (const entry of entries) {
    yield `${between}${JSON.stringify(entry)}`;
    between = ',\n';
  }
}

function* images(set: SceneDataSet): Generator<object> {
  for (const { number, scene } of scenesOf(set)) {
    yield { id: number, file_name: fileOf(number, 'jpg'), width: scene.size, height: scene.size };
  }
}

/** What instances and segments say alike of a picture's objects. */
function objectsOf({ scene, parts }: Frame, { classes }: SceneDataSet) {
  return scene.objects.map(({ colour, shape }, i) => ({
    id: i + 1,
    category_id: objectClass(classes, colour, shape) + 1,
    area: parts[i]!.area,
    bbox: parts[i]!.box,
    iscrowd: 0,
  }));
}

function* instances(set: SceneDataSet): Generator<object> {
  let id = 0;
  for (const frame of framesOf(set)) {
    const { size, instances } = frame.canvas;
    for (const [i, object] of objectsOf(frame, set).entries()) {
      yield {
        ...object,
        id: ++id,
        image_id: frame.number,
        segmentation: { size: [size, size], counts: runLengths(size, size, at => instances[at] === i + 1) },
      };
    }
  }
}

function* captions(set: SceneDataSet): Generator<object> {
  let id = 0;
  for (const { number, scene } of scenesOf(set)) {
    for (let draw = 0; draw < captionsPerPicture; draw++) {
      yield { id: ++id, image_id: number, caption: sceneCaption(scene, draw) };
    }
  }
}

/** The number of a picture's background among its segments; those of objects count from 1. */
const backgroundSegment = ({ scene }: Frame): number => scene.objects.length + 1;

function* segments(set: SceneDataSet): Generator<object> {
  const behind = objectClassNames(set.classes).length;
  for (const frame of framesOf(set)) {
    const { number, scene, canvas } = frame;
    const stuff = {
      id: backgroundSegment(frame),
      category_id: behind + sceneBackgrounds.indexOf(scene.background) + 1,
      area: canvas.instances.reduce((sum, instance) => sum + Number(instance === 0), 0),
      bbox: [0, 0, canvas.size, canvas.size],
      iscrowd: 0,
    };
    yield { image_id: number, file_name: fileOf(number, 'png'), segments_info: [...objectsOf(frame, set), stuff] };
  }
}

function categoriesOf({ classes }: SceneDataSet, which: 'objects' | 'all'): object[] {
  const things = objectClassNames(classes).length;
  const names = which === 'all' ? sceneClassNames(classes) : objectClassNames(classes);
  return names.map((name, i) => ({
    id: i + 1,
    name,
    supercategory: i < things ? 'object' : 'background',
    ...(which === 'all' && { isthing: Number(i < things) }),
  }));
}

/** A segment's number is red + 256 green + 65536 blue; ours are below 256. */
async function writePanoptic(path: string, frame: Frame): Promise<void> {
  const { size, instances } = frame.canvas;
  const data = new Uint8Array(size * size * 3);
  for (let p = 0; p < instances.length; p++) data[3 * p] = instances[p]! || backgroundSegment(frame);
  writeAtomic(path, await encodePicture(rgbPicture(size, size, data), path));
}
