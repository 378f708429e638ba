/** Lettering with built-in strokes, smooth at every size. */
import { blend, type Canvas, type Colour } from './canvas.js';
import { glyphs, missingGlyph } from './glyphs.js';

/** Heights in glyph units: from the top of capitals to the baseline, and from there to the lowest descender. */
const capital = 7;
const descender = 2;
/** Half the width of a stroke, and the room between two glyphs, in glyph units. */
const penRadius = 0.46;
const spacing = 1.8;
const blankWidth = 2.8;

/** A glyph as straight segments `x0, y0, x1, y1, ...` and its width. */
interface Outline {
  readonly segments: readonly number[];
  readonly width: number;
}

function outlineOf(strokes: string): Outline {
  const segments: number[] = [];
  let width = 0;
  for (const stroke of strokes.split(';').filter(Boolean)) {
    const points = stroke.split(' ').map(point => ({
      control: point.startsWith('~'),
      at: point.replace('~', '').split(',').map(Number) as [number, number],
    }));
    let [x, y] = points[0]!.at;
    width = Math.max(width, x);
    const lineTo = (toX: number, toY: number) => {
      segments.push(x, y, toX, toY);
      [x, y] = [toX, toY];
      width = Math.max(width, toX);
    };
    for (let i = 1; i < points.length; i++) {
      const { control, at } = points[i]!;
      if (!control) {
        lineTo(...at);
        continue;
      }
      const [fromX, fromY] = [x, y];
      const [toX, toY] = points[++i]!.at;
      for (let step = 1; step <= 8; step++) {
        const t = step / 8;
        const along = (from: number, bend: number, to: number) =>
          (1 - t) * (1 - t) * from + 2 * t * (1 - t) * bend + t * t * to;
        lineTo(along(fromX, at[0], toX), along(fromY, at[1], toY));
      }
    }
  }
  return { segments, width };
}

/** What is drawn of a text: its characters without accents. */
function charactersOf(text: string): string[] {
  return Array.from(text.normalize('NFD').replace(/\p{M}/gu, ''));
}

// Each glyph's curves are worked out once, on first use.
const outlines = new Map<string, Outline>();

function outlineOfCharacter(character: string): Outline {
  const strokes = Object.hasOwn(glyphs, character) ? glyphs[character]! : missingGlyph;
  let outline = outlines.get(strokes);
  if (!outline) {
    outline = strokes === '' ? { segments: [], width: blankWidth - spacing } : outlineOf(strokes);
    outlines.set(strokes, outline);
  }
  return outline;
}

/** Letter size that suits a picture of this size: capitals of 9 to 48 pixels. */
export function letterSize(width: number, height: number): number {
  return Math.round(Math.min(Math.max(Math.max(width, height) / 48, 9), 48));
}

/** The width in pixels of a line of text whose capitals are `size` pixels high. */
export function textWidth(text: string, size: number): number {
  const advances = charactersOf(text).map(character => outlineOfCharacter(character).width + spacing);
  const total = advances.reduce((sum, advance) => sum + advance, 0);
  return text === '' ? 0 : Math.ceil((total - spacing + 2 * penRadius) * (size / capital));
}

/** The height in pixels of a line of text, descenders included. */
export function textHeight(size: number): number {
  return Math.ceil((capital + descender + 2 * penRadius) * (size / capital));
}

/** The text, cut and ended by `...` where it is wider than `width` pixels. */
export function fitText(text: string, size: number, width: number): string {
  if (textWidth(text, size) <= width) return text;
  let room = width - textWidth('...', size);
  let kept = '';
  for (const character of charactersOf(text)) {
    room -= (outlineOfCharacter(character).width + spacing) * (size / capital);
    if (room < 0) break;
    kept += character;
  }
  return kept === '' ? '' : `${kept.trimEnd()}...`;
}

/**
 * Draws one line of text whose box has its corner at (`left`, `top`); capitals are `size` pixels high. ASCII from blank
 * to tilde is drawn, letters lose their accents, any other character is a hollow box.
 */
export function drawText(canvas: Canvas, left: number, top: number, text: string, size: number, colour: Colour): void {
  const scale = size / capital;
  const pen = Math.max(penRadius * scale, 0.55);
  const baseTop = top + penRadius * scale;
  let x = left + penRadius * scale;
  for (const character of charactersOf(text)) {
    const outline = outlineOfCharacter(character);
    drawOutline(canvas, outline.segments, x, baseTop, scale, pen, colour);
    x += (outline.width + spacing) * scale;
  }
}

/** Inks every pixel by how much of it lies within `pen` of a segment. */
function drawOutline(
  canvas: Canvas,
  segments: readonly number[],
  left: number,
  top: number,
  scale: number,
  pen: number,
  colour: Colour,
): void {
  const xs = segments.filter((_, i) => i % 2 === 0).map(x => left + x * scale);
  const ys = segments.filter((_, i) => i % 2 === 1).map(y => top + y * scale);
  if (xs.length === 0) return;
  const reach = pen + 1;
  const firstX = Math.floor(Math.min(...xs) - reach);
  const firstY = Math.floor(Math.min(...ys) - reach);
  const width = Math.ceil(Math.max(...xs) + reach) - firstX + 1;
  const height = Math.ceil(Math.max(...ys) + reach) - firstY + 1;
  // The squared distance of every pixel's centre to the nearest segment, as far as the pen reaches.
  const nearest = new Float64Array(width * height).fill(Number.POSITIVE_INFINITY);
  for (let s = 0; s < xs.length; s += 2) {
    const [x0, y0, x1, y1] = [xs[s]! - firstX, ys[s]! - firstY, xs[s + 1]! - firstX, ys[s + 1]! - firstY];
    const lastY = Math.floor(Math.max(y0, y1) + reach);
    const lastX = Math.floor(Math.max(x0, x1) + reach);
    for (let y = Math.floor(Math.min(y0, y1) - reach); y <= lastY; y++) {
      for (let x = Math.floor(Math.min(x0, x1) - reach); x <= lastX; x++) {
        const i = y * width + x;
        nearest[i] = Math.min(nearest[i]!, squaredDistance(x + 0.5, y + 0.5, x0, y0, x1, y1));
      }
    }
  }
  for (let i = 0; i < nearest.length; i++) {
    const ink = Math.min(pen + 0.5 - Math.sqrt(nearest[i]!), 1);
    if (ink > 0) blend(canvas, firstX + (i % width), firstY + Math.floor(i / width), colour, ink);
  }
}

/** From a point to a segment. */
function squaredDistance(x: number, y: number, x0: number, y0: number, x1: number, y1: number): number {
  const dx = x1 - x0;
  const dy = y1 - y0;
  const squared = dx * dx + dy * dy;
  const t = squared === 0 ? 0 : Math.min(Math.max(((x - x0) * dx + (y - y0) * dy) / squared, 0), 1);
  return (x - x0 - t * dx) ** 2 + (y - y0 - t * dy) ** 2;
}
