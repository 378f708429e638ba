import { InputError } from '../../errors.js';
import { type Picture, rgbPicture } from '../picture.js';
import { type Colour, createCanvas, paste } from './canvas.js';
import { drawText, fitText, letterSize, textHeight, textWidth } from './text.js';

/** One picture of a grid and what stands above it. */
export interface Panel {
  readonly title: string;
  readonly picture: Picture;
}

const paper: Colour = [255, 255, 255];
const ink: Colour = [32, 36, 42];

/** As many columns as make the whole somewhat wider than high, one more where the last row would hold a single picture. */
function balancedColumns(count: number, cellWidth: number, cellHeight: number): number {
  const wanted = Math.min(Math.max(Math.round(Math.sqrt((count * cellHeight * 1.4) / cellWidth)), 1), count);
  return wanted > 1 && count % wanted === 1 ? wanted + 1 : wanted;
}

/**
 * Pictures side by side on white, in rows, each with its title centred above it. All cells are as large as the largest
 * picture; smaller ones stand in the middle of theirs.
 *
 * @param columns how many to a row; without it a number that suits their shape
 * @returns an RGB picture
 * @throws InputError for no panels, or columns that are not a whole number from 1 on
 */
export function gridPicture(panels: readonly Panel[], columns?: number): Picture {
  if (panels.length === 0) throw new InputError('gridPicture: expected at least one panel, got none');
  if (columns !== undefined && (!Number.isInteger(columns) || columns < 1)) {
    throw new InputError(`gridPicture: expected a whole number of columns from 1 on, got ${columns}`);
  }
  const cellWidth = Math.max(...panels.map(({ picture }) => picture.width));
  const cellHeight = Math.max(...panels.map(({ picture }) => picture.height));
  const across = Math.min(columns ?? balancedColumns(panels.length, cellWidth, cellHeight), panels.length);
  const down = Math.ceil(panels.length / across);

  const size = letterSize(cellWidth, cellHeight);
  const margin = Math.round(size * 1.3);
  const titled = panels.some(({ title }) => title !== '');
  const heading = titled ? textHeight(size) + Math.round(size * 0.5) : 0;
  const pitchX = cellWidth + margin;
  const pitchY = cellHeight + heading + margin;
  const canvas = createCanvas(across * pitchX + margin, down * pitchY + margin, paper);
  panels.forEach(({ title, picture }, i) => {
    const x = margin + (i % across) * pitchX;
    const y = margin + Math.floor(i / across) * pitchY;
    const text = fitText(title, size, cellWidth);
    drawText(canvas, x + Math.floor((cellWidth - textWidth(text, size)) / 2), y, text, size, ink);
    const insetX = Math.floor((cellWidth - picture.width) / 2);
    paste(canvas, picture, x + insetX, y + heading + Math.floor((cellHeight - picture.height) / 2));
  });
  return rgbPicture(canvas.width, canvas.height, canvas.data);
}
