import { type Picture, rgbPicture } from '../picture.js';
import { type Canvas, type Colour, createCanvas, fillRectangle, paste } from './canvas.js';
import { drawText, fitText, letterSize, textWidth } from './text.js';

/** One line of a legend. */
export interface LegendEntry {
  readonly name: string;
  readonly colour: Colour;
  /** Share of the picture, 0 to 1, printed in percent. */
  readonly share?: number;
}

const paper: Colour = [255, 255, 255];
const ink: Colour = [32, 36, 42];
const faint: Colour = [110, 116, 124];

function shareText(share: number | undefined): string {
  if (share === undefined) return '';
  const percent = share * 100;
  return percent > 0 && percent < 0.1 ? '< 0.1 %' : `${percent.toFixed(1)} %`;
}

interface Layout {
  readonly size: number;
  readonly swatch: number;
  readonly gap: number;
  readonly margin: number;
  readonly line: number;
  readonly nameWidth: number;
  readonly columnWidth: number;
  readonly rows: number;
  readonly columns: number;
}

function layOut(picture: Picture, entries: readonly LegendEntry[], side: 'right' | 'below'): Layout {
  const size = letterSize(picture.width, picture.height);
  const [swatch, gap, margin] = [Math.round(size * 1.3), Math.round(size * 0.8), Math.round(size * 1.3)];
  const shareWidth = Math.max(...entries.map(({ share }) => textWidth(shareText(share), size)));
  const beside = swatch + gap + (shareWidth > 0 ? 2 * gap + shareWidth : 0);
  const longest = Math.max(...entries.map(({ name }) => textWidth(name, size)));
  const room = side === 'right' ? 18 * size : Math.max(picture.width - 2 * margin - beside, 4 * size);
  const nameWidth = Math.min(longest, room);
  const columnWidth = beside + nameWidth;
  const fitting = side === 'right' ? 1 : Math.floor(picture.width / (columnWidth + 2 * margin));
  const columns = Math.min(Math.max(fitting, 1), entries.length);
  const rows = Math.ceil(entries.length / columns);
  return { size, swatch, gap, margin, line: Math.round(size * 1.9), nameWidth, columnWidth, rows, columns };
}

/**
 * The picture with a legend beside or below it on white: for each entry a swatch of its colour, its name and its share.
 * A name that does not fit is cut and ends in `...`; below, the entries stand in as many columns as fit.
 * @returns an RGB picture, larger by the legend; the same picture where there are no entries
 */
export function withLegend(
  picture: Picture,
  entries: readonly LegendEntry[],
  side: 'right' | 'below' = 'right',
): Picture {
  if (entries.length === 0) return picture;
  const layout = layOut(picture, entries, side);
  const { margin, rows, columns } = layout;
  const pitch = layout.columnWidth + 2 * margin;
  const legendWidth = columns * pitch;
  const legendHeight = (rows - 1) * layout.line + layout.swatch + 2 * margin;
  const canvas =
    side === 'right'
      ? createCanvas(picture.width + legendWidth, Math.max(picture.height, legendHeight), paper)
      : createCanvas(Math.max(picture.width, legendWidth), picture.height + legendHeight, paper);
  paste(canvas, picture, 0, 0);
  const left = (side === 'right' ? picture.width : 0) + margin;
  const top = (side === 'right' ? 0 : picture.height) + margin;
  entries.forEach((entry, i) => {
    drawEntry(canvas, left + Math.floor(i / rows) * pitch, top + (i % rows) * layout.line, entry, layout);
  });
  return rgbPicture(canvas.width, canvas.height, canvas.data);
}

/** A colour value for the edge of a swatch. */
const darker = (value: number) => Math.round(value * 0.7);

function drawEntry(canvas: Canvas, x: number, y: number, entry: LegendEntry, layout: Layout): void {
  const { size, swatch, gap, nameWidth, columnWidth } = layout;
  const [red, green, blue] = entry.colour;
  fillRectangle(canvas, x, y, swatch, swatch, [darker(red), darker(green), darker(blue)]);
  fillRectangle(canvas, x + 1, y + 1, swatch - 2, swatch - 2, entry.colour);
  const textTop = y + Math.round((swatch - size * 1.13) / 2);
  drawText(canvas, x + swatch + gap, textTop, fitText(entry.name, size, nameWidth), size, ink);
  const share = shareText(entry.share);
  drawText(canvas, x + columnWidth - textWidth(share, size), textTop, share, size, faint);
}
