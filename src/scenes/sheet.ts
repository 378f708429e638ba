import { InputError } from '../errors.js';
import { type Colour, createCanvas, paste } from '../image/drawing/canvas.js';
import { gridPicture } from '../image/drawing/grid.js';
import { drawText, textHeight, textWidth } from '../image/drawing/text.js';
import { type Picture, rgbPicture } from '../image/picture.js';
import { sceneCaption } from './caption.js';
import { drawScene, sceneCanvas } from './draw.js';
import type { Scene } from './scene.js';

const paper: Colour = [255, 255, 255];
const ink: Colour = [32, 36, 42];
const leastCell = 190;
const letters = 9;
const margin = 5;
const mostPixels = 2 ** 26;

/**
 * A contact sheet: scenes side by side, small ones magnified, each above its caption.
 * @param columns how many to a row; without it a number that suits their shape
 * @throws InputError for no scenes, or more than 2^26 pixels of them
 */
export function sceneSheet(scenes: readonly Scene[], columns?: number): Picture {
  const pixels = scenes.reduce((sum, { size }) => sum + size * size, 0);
  if (pixels > mostPixels) {
    throw new InputError(`sceneSheet: expected scenes of at most ${mostPixels} pixels together, got ${pixels}`);
  }
  const drawn = scenes.map(scene => ({ picture: magnified(scene), caption: sceneCaption(scene) }));
  const wrapped = drawn.map(({ picture, caption }) => wrap(caption, picture.width));
  const lines = Math.max(0, ...wrapped.map(({ length }) => length));
  const panels = drawn.map(({ picture }, i) => ({ title: '', picture: withLines(picture, wrapped[i]!, lines) }));
  return gridPicture(panels, columns);
}

/** The scene's picture, every pixel a square of whole pixels. */
function magnified(scene: Scene): Picture {
  const canvas = sceneCanvas(scene.size);
  drawScene(scene, canvas);
  const times = Math.ceil(leastCell / scene.size);
  const side = scene.size * times;
  const data = new Uint8Array(side * side * 3);
  for (let y = 0, o = 0; y < side; y++) {
    for (let x = 0; x < side; x++, o += 3) {
      const from = (Math.floor(y / times) * scene.size + Math.floor(x / times)) * 3;
      for (let c = 0; c < 3; c++) data[o + c] = canvas.pixels[from + c]!;
    }
  }
  return rgbPicture(side, side, data);
}

/** The caption in lines no wider than `width` pixels. */
function wrap(caption: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of caption.split(' ')) {
    const longer = lines.length > 0 ? `${lines.at(-1)} ${word}` : word;
    if (lines.length > 0 && textWidth(longer, letters) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** The picture with lines of text under it, and room for `room` lines. */
function withLines(picture: Picture, lines: readonly string[], room: number): Picture {
  const pitch = textHeight(letters) + 1;
  const canvas = createCanvas(picture.width, picture.height + margin + room * pitch, paper);
  paste(canvas, picture, 0, 0);
  lines.forEach((line, i) => {
    drawText(canvas, 0, picture.height + margin + i * pitch, line, letters, ink);
  });
  return rgbPicture(canvas.width, canvas.height, canvas.data);
}
