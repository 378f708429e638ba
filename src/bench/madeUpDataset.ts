/** Data sets made up for measuring: photo-like pixels and label maps, in the files of published ones. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { encodePicture } from '../image/encode.js';
import { type Picture, rgbPicture } from '../image/picture.js';
import { uniform } from './random.js';

/** Where each kind has its files, and how many classes. */
const layouts = {
  voc21: {
    classes: 21,
    image: (id: string) => `JPEGImages/${id}.jpg`,
    labels: (id: string) => `SegmentationClass/${id}.png`,
    list: 'ImageSets/Segmentation/val.txt',
  },
  'coco-stuff': {
    classes: 171,
    image: (id: string) => `images/val2017/${id}.jpg`,
    labels: (id: string) => `annotations/val2017/${id}_labelTrainIds.png`,
    list: 'imageLists/val.txt',
  },
} as const;

/** What a made-up data set holds. */
export interface MadeUp {
  readonly kind: keyof typeof layouts;
  readonly images: number;
  readonly width: number;
  readonly height: number;
}

/** A made-up data set on disk. */
export interface MadeUpFiles {
  /** As `evaluate` is given it. */
  readonly spec: string;
  readonly classes: number;
  readonly images: readonly { readonly image: string; readonly labels: string }[];
}

/** Writes such a data set into a folder of its own. */
export async function writeMadeUp(folder: string, { kind, images, width, height }: MadeUp): Promise<MadeUpFiles> {
  const { classes, list, ...layout } = layouts[kind];
  const write = (path: string, content: Uint8Array | string) => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  };
  const files: { image: string; labels: string }[] = [];
  const ids = Array.from({ length: images }, (_, i) => String(i + 1).padStart(6, '0'));
  for (const [i, id] of ids.entries()) {
    const { photo, labels } = drawn(width, height, classes, i + 1);
    files.push({
      image: write(layout.image(id), await encodePicture(photo, '.jpg')),
      labels: write(layout.labels(id), await encodePicture(labels, '.png')),
    });
  }
  write(list, `${ids.join('\n')}\n`);
  return { spec: `${kind}:${folder}`, classes, images: files };
}

/** Shapes in a picture: VOC has about as many segments. */
const shapes = 6;

/** Striped ellipses on a soft ground, with noise on all of it; the ground is class 0. */
function drawn(width: number, height: number, classes: number, seed: number): Record<'photo' | 'labels', Picture> {
  const next = uniform(seed);
  const colour = () => [next(), next(), next()].map(value => 40 + 170 * value);
  const ellipses = Array.from({ length: shapes }, () => ({
    x: next() * width,
    y: next() * height,
    across: (0.08 + 0.25 * next()) * width,
    down: (0.08 + 0.25 * next()) * height,
    stripes: 0.02 + 0.3 * next(),
    colour: colour(),
    label: 1 + Math.floor(next() * (classes - 1)),
  }));
  const ground = { stripes: 0.01, colour: colour(), label: 0 };
  const rgb = new Uint8Array(3 * width * height);
  const labels = new Uint8Array(width * height);
  for (let y = 0, pixel = 0; y < height; y++) {
    for (let x = 0; x < width; x++, pixel++) {
      const inside = ellipses.find(one => ((x - one.x) / one.across) ** 2 + ((y - one.y) / one.down) ** 2 < 1);
      const { stripes, colour, label } = inside ?? ground;
      labels[pixel] = label;
      const shade = 25 * Math.sin(stripes * (x + 0.6 * y)) + 16 * (next() - 0.5);
      for (let c = 0; c < 3; c++) rgb[3 * pixel + c] = colour[c]! + shade;
    }
  }
  return {
    photo: rgbPicture(width, height, rgb),
    labels: { width, height, mode: 'L', data: labels, orientation: 1, format: 'png' },
  };
}
