/**
 * As much of a browser's 2D canvas as Vega draws plots with, on a canvas of pixels: so plots become PNGs without a
 * browser, a native package, or fonts, of which a machine may have none.
 */
import { InputError } from '../../errors.js';
import { blend, type Canvas, createCanvas } from '../../image/drawing/canvas.js';
import { drawText, textHeight, textWidth } from '../../image/drawing/text.js';
import { type Box, boxOf, dashed, fillArea, type Ink, strokeLines, within } from './raster.js';

/** What `save` keeps. */
interface State {
  fillStyle: string;
  strokeStyle: string;
  globalAlpha: number;
  lineWidth: number;
  font: string;
  textAlign: string;
  /** Columns `a b`, `c d` and the shift `e f`: `x' = a x + c y + e`. */
  matrix: readonly [a: number, b: number, c: number, d: number, e: number, f: number];
  dash: readonly number[];
  clip: Box;
}

/** Capitals of sans-serif fonts are about this high, of the font's size. */
const capitalShare = 0.72;

/** A context that draws on a canvas. Turns are by quarters where text is drawn; joints and ends of lines are round. */
export function plotContext(canvas: Canvas) {
  const state: State = {
    fillStyle: '#000000',
    strokeStyle: '#000000',
    globalAlpha: 1,
    lineWidth: 1,
    font: '10px sans-serif',
    textAlign: 'left',
    matrix: [1, 0, 0, 1, 0, 0],
    dash: [],
    clip: { left: 0, top: 0, right: canvas.width, bottom: canvas.height },
  };
  const kept: State[] = [];
  let path: number[][] = [];

  const placed = (x: number, y: number): [number, number] => {
    const [a, b, c, d, e, f] = state.matrix;
    return [a * x + c * y + e, b * x + d * y + f];
  };
  /** How much longer lengths become. */
  const scale = () => Math.sqrt(Math.abs(state.matrix[0] * state.matrix[3] - state.matrix[1] * state.matrix[2]));
  const times = (a: number, b: number, c: number, d: number, e: number, f: number) => {
    const [ma, mb, mc, md] = state.matrix;
    const [x, y] = placed(e, f);
    state.matrix = [ma * a + mc * b, mb * a + md * b, ma * c + mc * d, mb * c + md * d, x, y];
  };
  const lineTo = (x: number, y: number) => {
    if (path.length === 0) path.push([]);
    path.at(-1)!.push(...placed(x, y));
  };
  /** A curve as short lines; `at` gives its place for 0 to 1, in the canvas's own pixels. */
  const curve = (steps: number, at: (t: number) => readonly [number, number]) => {
    for (let i = 1; i <= steps; i++) path.at(-1)!.push(...at(i / steps));
  };
  const end = (): [number, number] => path.at(-1)!.slice(-2) as [number, number];

  const context = {
    save: () => void kept.push({ ...state }),
    restore: () => void Object.assign(state, kept.pop()),
    translate: (x: number, y: number) => times(1, 0, 0, 1, x, y),
    scale: (x: number, y: number) => times(x, 0, 0, y, 0, 0),
    rotate: (angle: number) => times(Math.cos(angle), Math.sin(angle), -Math.sin(angle), Math.cos(angle), 0, 0),
    setLineDash(pattern: readonly number[]) {
      state.dash = pattern;
    },
    beginPath() {
      path = [];
    },
    moveTo: (x: number, y: number) => void path.push(placed(x, y)),
    lineTo,
    closePath() {
      const [line] = path.slice(-1);
      if (line) line.push(line[0]!, line[1]!);
    },
    rect(x: number, y: number, width: number, height: number) {
      context.moveTo(x, y);
      lineTo(x + width, y);
      lineTo(x + width, y + height);
      lineTo(x, y + height);
      context.closePath();
    },
    arc(x: number, y: number, radius: number, from: number, to: number, back = false) {
      const turn = back && to > from ? to - from - 2 * Math.PI : to - from;
      const at = (t: number) => placed(x + radius * Math.cos(from + t * turn), y + radius * Math.sin(from + t * turn));
      if (path.length === 0) path.push([]);
      path.at(-1)!.push(...at(0));
      curve(24, at);
    },
    quadraticCurveTo(cx: number, cy: number, x: number, y: number) {
      const [[x0, y0], [x1, y1], [x2, y2]] = [end(), placed(cx, cy), placed(x, y)];
      const mix = (t: number, a: number, b: number, c: number) => (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t * t * c;
      curve(12, t => [mix(t, x0, x1, x2), mix(t, y0, y1, y2)]);
    },
    bezierCurveTo(ax: number, ay: number, bx: number, by: number, x: number, y: number) {
      const [[x0, y0], [x1, y1], [x2, y2], [x3, y3]] = [end(), placed(ax, ay), placed(bx, by), placed(x, y)];
      const mix = (t: number, a: number, b: number, c: number, d: number) =>
        (1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t * t * (1 - t) * c + t ** 3 * d;
      curve(16, t => [mix(t, x0, x1, x2, x3), mix(t, y0, y1, y2, y3)]);
    },
    clip() {
      state.clip = within(state.clip, boxOf(path, 0));
    },
    fill: () => fillArea(canvas, path, inkOf(state.fillStyle, state.globalAlpha), state.clip),
    fillRect(x: number, y: number, width: number, height: number) {
      context.beginPath();
      context.rect(x, y, width, height);
      context.fill();
    },
    stroke() {
      const lines =
        state.dash.length === 0
          ? path
          : path.flatMap(line =>
              dashed(
                line,
                state.dash.map(d => d * scale()),
              ),
            );
      strokeLines(canvas, lines, state.lineWidth * scale(), inkOf(state.strokeStyle, state.globalAlpha), state.clip);
    },
    fillText(text: string, x: number, y: number) {
      const size = Number(/([\d.]+)px/.exec(state.font)?.[1] ?? 10) * scale() * capitalShare;
      const width = textWidth(text, size);
      const before = state.textAlign === 'center' ? width / 2 : state.textAlign === 'right' ? width : 0;
      const [across, down] = [Math.round(state.matrix[0] / scale()), Math.round(state.matrix[1] / scale())];
      const height = textHeight(size);
      const [startX, startY] = placed(x, y);
      const stencil = createCanvas(width + 4, height + 2, [0, 0, 0]);
      const strokes = /bold/.test(state.font) ? [1, 1 + size / 12] : [1];
      for (const left of strokes) drawText(stencil, left, 1, text, size, [255, 255, 255]);
      const { colour, opacity } = inkOf(state.fillStyle, state.globalAlpha);
      // The base line lies a pen's radius and the capitals' height below the box's top.
      const base = size * (1 + 0.46 / 7) + 1;
      for (let v = 0; v < stencil.height; v++) {
        for (let u = 0; u < stencil.width; u++) {
          const share = stencil.data[3 * (v * stencil.width + u)]! / 255;
          if (share === 0) continue;
          const [dx, dy] = [u - before - 1, v - base];
          const toX = Math.round(startX + across * dx - down * dy);
          const toY = Math.round(startY + down * dx + across * dy);
          blend(canvas, toX, toY, colour, share * opacity);
        }
      }
    },
  };
  return Object.assign(settable(state), context);
}

/** The state's plain properties, to be set from outside; a browser's other ones are taken and ignored. */
function settable(state: State) {
  const names = ['fillStyle', 'strokeStyle', 'globalAlpha', 'lineWidth', 'font', 'textAlign'] as const;
  const target = {};
  for (const name of names) {
    Object.defineProperty(target, name, {
      get: () => state[name],
      set(value: never) {
        state[name] = value;
      },
    });
  }
  return target;
}

const named: Readonly<Record<string, string>> = { black: '#000000', white: '#ffffff', transparent: '#00000000' };

/** A colour of CSS: by number, `rgb(...)`, or one of a few names. @throws InputError for others */
function inkOf(style: string, alpha: number): Ink {
  const numbers = /^rgb\((\d+), ?(\d+), ?(\d+)\)$/.exec(style)?.slice(1).map(Number);
  if (numbers) return { colour: numbers as [number, number, number], opacity: alpha };
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(style);
  const hex =
    named[style] ??
    (short
      ? `#${short
          .slice(1)
          .map(digit => digit + digit)
          .join('')}`
      : style);
  const parts = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})?$/i.exec(hex)?.slice(1);
  if (!parts) throw new InputError(`plot: expected a colour such as #336699, got '${style}'`);
  const [red, green, blue, opacity = 255] = parts.map(part =>
    part === undefined ? undefined : Number.parseInt(part, 16),
  );
  return { colour: [red!, green!, blue!], opacity: (alpha * opacity) / 255 };
}
