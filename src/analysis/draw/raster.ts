/** Areas and lines on a canvas of pixels, smooth at their edges. */
import { blend, type Canvas, type Colour } from '../../image/drawing/canvas.js';

/** Corners of a polygon or line in pixels: `x0, y0, x1, y1, ...`. */
export type Polyline = readonly number[];

/** Pixels from `left`, `top` up to but not including `right`, `bottom`. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A colour and how much of it covers what is there, 0 to 1. */
export interface Ink {
  readonly colour: Colour;
  readonly opacity: number;
}

/** Lines across a pixel row along which an area's ends are looked for. */
const scans = 4;

/** Fills polygons (each closed; inside where they wind around a point), as much of each pixel as they cover. */
export function fillArea(canvas: Canvas, polygons: readonly Polyline[], { colour, opacity }: Ink, clip: Box): void {
  const box = within(boxOf(polygons, 0), clip);
  const covered = new Float64Array(Math.max(0, box.right - box.left));
  for (let y = box.top; y < box.bottom; y++) {
    covered.fill(0);
    for (let scan = 0; scan < scans; scan++) {
      const crossings = polygons.flatMap(polygon => crossingsOf(polygon, y + (scan + 0.5) / scans));
      crossings.sort((a, b) => a.x - b.x);
      let winding = 0;
      crossings.forEach(({ x, turn }, i) => {
        winding += turn;
        if (winding !== 0) cover(covered, x - box.left, crossings[i + 1]!.x - box.left);
      });
    }
    covered.forEach((share, i) => {
      if (share > 0) blend(canvas, box.left + i, y, colour, (opacity * share) / scans);
    });
  }
}

/** Draws lines of a width in pixels with round ends and joints. */
export function strokeLines(
  canvas: Canvas,
  lines: readonly Polyline[],
  width: number,
  { colour, opacity }: Ink,
  clip: Box,
): void {
  const radius = width / 2;
  const box = within(boxOf(lines, radius + 1), clip);
  const across = box.right - box.left;
  if (across <= 0 || box.bottom <= box.top) return;
  const nearest = new Float64Array(across * (box.bottom - box.top)).fill(Number.POSITIVE_INFINITY);
  for (const line of lines) {
    for (let i = 0; i + 3 < line.length; i += 2) {
      const [x0, y0, x1, y1] = line.slice(i, i + 4) as [number, number, number, number];
      const near = within(boxOf([[x0, y0, x1, y1]], radius + 1), box);
      for (let y = near.top; y < near.bottom; y++) {
        for (let x = near.left; x < near.right; x++) {
          const at = (y - box.top) * across + x - box.left;
          nearest[at] = Math.min(nearest[at]!, distance(x + 0.5, y + 0.5, x0, y0, x1, y1));
        }
      }
    }
  }
  nearest.forEach((far, i) => {
    const share = Math.min(radius + 0.5 - far, 1, width);
    if (share > 0) blend(canvas, box.left + (i % across), box.top + Math.floor(i / across), colour, opacity * share);
  });
}

/** A line cut into dashes; `pattern` has lengths of dash and gap in turns, and without gaps leaves the line whole. */
export function dashed(line: Polyline, pattern: readonly number[]): Polyline[] {
  if (!pattern.some((length, i) => i % 2 === 1 && length > 0)) return [line];
  const dashes: number[][] = [];
  let [at, left, open] = [0, pattern[0]!, undefined as number[] | undefined];
  for (let i = 0; i + 3 < line.length; i += 2) {
    const [x0, y0, x1, y1] = line.slice(i, i + 4) as [number, number, number, number];
    const length = Math.hypot(x1 - x0, y1 - y0);
    for (let done = 0; done < length; ) {
      const end = Math.min(done + left, length);
      const place = (along: number) => [x0 + ((x1 - x0) * along) / length, y0 + ((y1 - y0) * along) / length] as const;
      if (at % 2 === 0) {
        if (!open) {
          open = [...place(done)];
          dashes.push(open);
        }
        open.push(...place(end));
      }
      left -= end - done;
      done = end;
      // What rounding leaves of a dash is too short to go on by.
      if (left > 1e-6) continue;
      at++;
      left = pattern[at % pattern.length]!;
      open = undefined;
    }
  }
  return dashes;
}

/** Where two boxes overlap. */
export const within = (a: Box, b: Box): Box => ({
  left: Math.max(a.left, b.left),
  top: Math.max(a.top, b.top),
  right: Math.min(a.right, b.right),
  bottom: Math.min(a.bottom, b.bottom),
});

/** The pixels that lines touch, and so many more on every side. */
export function boxOf(lines: readonly Polyline[], margin: number): Box {
  let [left, top] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  let [right, bottom] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const line of lines) {
    for (let i = 0; i < line.length; i += 2) {
      [left, right] = [Math.min(left, line[i]!), Math.max(right, line[i]!)];
      [top, bottom] = [Math.min(top, line[i + 1]!), Math.max(bottom, line[i + 1]!)];
    }
  }
  return {
    left: Math.floor(left - margin),
    top: Math.floor(top - margin),
    right: Math.ceil(right + margin),
    bottom: Math.ceil(bottom + margin),
  };
}

/** Where a closed polygon crosses a horizontal line, and which way. */
function crossingsOf(polygon: Polyline, y: number): { x: number; turn: 1 | -1 }[] {
  const found: { x: number; turn: 1 | -1 }[] = [];
  for (let i = 0; i < polygon.length; i += 2) {
    const [x0, y0] = [polygon[i]!, polygon[i + 1]!];
    const next = (i + 2) % polygon.length;
    const [x1, y1] = [polygon[next]!, polygon[next + 1]!];
    if (y0 <= y === y1 <= y) continue;
    found.push({ x: x0 + ((y - y0) / (y1 - y0)) * (x1 - x0), turn: y1 > y0 ? 1 : -1 });
  }
  return found;
}

/** Adds to each pixel of a row how much of it lies from one end to the other. */
function cover(row: Float64Array, from: number, to: number): void {
  const [start, end] = [Math.max(from, 0), Math.min(to, row.length)];
  for (let x = Math.floor(start); x < end; x++) row[x]! += Math.min(x + 1, end) - Math.max(x, start);
}

/** From a point to a segment. */
function distance(x: number, y: number, x0: number, y0: number, x1: number, y1: number): number {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const squared = dx * dx + dy * dy;
  const t = squared === 0 ? 0 : Math.min(Math.max(((x - x0) * dx + (y - y0) * dy) / squared, 0), 1);
  return Math.hypot(x - x0 - t * dx, y - y0 - t * dy);
}
