/** Norms block by block as a drawing: lines are means over the window's patches, dots the patch that is looked at. */
import type { CellSight } from '../engine/lab.js';
import { svg } from './dom.js';

const names: Readonly<Record<string, string>> = { resid_pre: 'X_res', attn_out: 'X_attn', mlp_out: 'FFN' };
const width = 340;
const height = 200;
const margin = { left: 34, right: 52, top: 8, bottom: 30 };

export function normsPlot({ layers, norms }: CellSight): SVGElement {
  const most = Math.max(...norms.flatMap(({ patch, mean }) => [...patch, ...mean])) || 1;
  const ticks = ticksUpTo(most);
  const top = Math.max(most, ticks.at(-1)!);
  const x = (layer: number) =>
    margin.left + (layers < 2 ? 0 : (layer / (layers - 1)) * (width - margin.left - margin.right));
  const y = (value: number) => height - margin.bottom - (value / top) * (height - margin.top - margin.bottom);
  const steps = Array.from({ length: layers }, (_, i) => i).filter(i => i % Math.ceil(layers / 12) === 0);
  const ends = spread(norms.map(({ mean }) => y(mean.at(-1)!)));
  return svg(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, class: 'plot', role: 'img', 'aria-label': wordsOf(norms) },
    ...ticks.flatMap(tick => [
      svg('line', { class: 'grid', x1: margin.left, x2: width - margin.right, y1: y(tick), y2: y(tick) }),
      svg('text', { x: margin.left - 5, y: y(tick) + 3.5, 'text-anchor': 'end' }, String(tick)),
    ]),
    ...steps.map(layer =>
      svg('text', { x: x(layer), y: height - margin.bottom + 14, 'text-anchor': 'middle' }, String(layer)),
    ),
    svg('text', { x: (margin.left + width - margin.right) / 2, y: height - 3, 'text-anchor': 'middle' }, 'block'),
    ...norms.flatMap(({ point, patch, mean }, i) => [
      svg('path', {
        class: `line ${point}`,
        d: mean.map((value, layer) => `${layer ? 'L' : 'M'}${x(layer)} ${y(value)}`).join(''),
      }),
      ...patch.map((value, layer) => svg('circle', { class: `dot ${point}`, cx: x(layer), cy: y(value), r: 2.6 })),
      svg('text', { class: `name ${point}`, x: width - margin.right + 6, y: ends[i]! + 3.5 }, names[point]!),
    ]),
  );
}

/** Round values from 0 on, four or five of them. */
function ticksUpTo(most: number): number[] {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map(factor => factor * power).find(size => size >= rough)!;
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}

/** Places for labels, none over another. */
function spread(places: readonly number[]): number[] {
  const result = [...places];
  const order = places.map((_, i) => i).sort((a, b) => places[a]! - places[b]!);
  let last = Number.NEGATIVE_INFINITY;
  for (const i of order) {
    result[i] = Math.max(places[i]!, last + 12);
    last = result[i]!;
  }
  return result;
}

function wordsOf(norms: CellSight['norms']): string {
  const line = (values: readonly number[]) => values.map(value => value.toFixed(1)).join(', ');
  return norms.map(({ point, patch, mean }) => `${names[point]}: mean ${line(mean)}; patch ${line(patch)}`).join('. ');
}
