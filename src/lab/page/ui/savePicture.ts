/** All panels as one picture, with their settings and a legend. */
import type { Shown, ShownPanel } from '../shown.js';
import { el } from './dom.js';
import { paintHeat, paintLabels, paintPixels, styleColour } from './paint.js';

const side = 320;
const gap = 16;
const line = 22;
const font = '14px system-ui, sans-serif';

/** Has the browser save the panels as a PNG. */
export async function savePicture(shown: Shown): Promise<void> {
  const canvas = drawn(shown);
  const blob = await new Promise<Blob | null>(resolve => (canvas ? canvas.toBlob(resolve) : resolve(null)));
  if (!blob) return;
  const address = URL.createObjectURL(blob);
  el('a', { set: { href: address, download: `${shown.picture!.name.replace(/\.\w+$/, '')}-maps.png` } }).click();
  // The download has its own hold on the data by then.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

function drawn(shown: Shown): HTMLCanvasElement | undefined {
  const { picture, panels, classes } = shown;
  if (!picture) return undefined;
  const { width, height } = picture.look;
  const cellHeight = Math.round((side * height) / width);
  const columns = Math.min(panels.length + 1, 4);
  const rows = Math.ceil((panels.length + 1) / columns);
  const canvas = el('canvas');
  canvas.width = columns * (side + gap) + gap;
  const context = canvas.getContext('2d')!;
  context.font = font;
  const keys = legendPlaces(context, shown, canvas.width);
  const mapsHeight = rows * (cellHeight + line + gap) + gap;
  canvas.height = mapsHeight + (keys.length > 0 ? keys.at(-1)!.y + line + gap : 0);
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.font = font;
  context.textBaseline = 'middle';

  const under = el('canvas');
  paintPixels(under, width, height, picture.rgba);
  const place = (at: number, title: string, over?: HTMLCanvasElement) => {
    const x = gap + (at % columns) * (side + gap);
    const y = gap + Math.floor(at / columns) * (cellHeight + line + gap);
    context.fillStyle = '#222';
    context.fillText(title, x, y + line / 2 - 2, side);
    context.drawImage(under, x, y + line, side, cellHeight);
    if (!over) return;
    context.globalAlpha = 0.7;
    context.imageSmoothingEnabled = false;
    context.drawImage(over, x, y + line, side, cellHeight);
    context.imageSmoothingEnabled = true;
    context.globalAlpha = 1;
  };
  place(0, picture.name);
  panels.forEach((panel, i) => {
    place(i + 1, titleOf(panel), mapOf(panel, shown));
  });
  for (const { x, y, label } of keys) {
    const { name, colour } = classes[label]!;
    context.fillStyle = styleColour(colour);
    context.fillRect(x, mapsHeight + y + 3, 14, 14);
    context.fillStyle = '#222';
    context.fillText(name, x + 20, mapsHeight + y + 10);
  }
  return canvas;
}

function mapOf({ map, heat }: ShownPanel, { classes }: Shown): HTMLCanvasElement | undefined {
  if (!map) return undefined;
  const canvas = el('canvas');
  if (heat) paintHeat(canvas, heat.width, heat.height, heat.values);
  else paintLabels(canvas, map.width, map.height, map.labels, classes);
  return canvas;
}

function titleOf({ setting: { method, attention, residual, ffn } }: ShownPanel): string {
  const changes = [
    attention && (attention === 'mine' ? 'own attention' : attention),
    residual !== undefined && `residual ${typeof residual === 'number' ? residual : residual ? 'on' : 'off'}`,
    ffn !== undefined && `FFN ${ffn ? 'on' : 'off'}`,
  ].filter(Boolean);
  return [method, ...changes].join(', ');
}

/** Where each class stands in the legend, in rows of `width`. */
function legendPlaces(
  context: CanvasRenderingContext2D,
  { classes }: Shown,
  width: number,
): { x: number; y: number; label: number }[] {
  let [x, y] = [gap, 0];
  return classes.map(({ name }, label) => {
    const needed = 20 + context.measureText(name).width + 18;
    if (x + needed > width && x > gap) [x, y] = [gap, y + line];
    const place = { x, y, label };
    x += needed;
    return place;
  });
}
