/** One patch: where it looks in every block and head, how long it is there, and which classes are nearest to it. */
import type { CellSight } from '../engine/lab.js';
import type { Shown } from '../shown.js';
import { el, fill } from './dom.js';
import type { View } from './header.js';
import { nearestTable } from './nearest.js';
import { normsPlot } from './normsPlot.js';
import { paintHeat } from './paint.js';

/** @param onAttention told which head is pointed at, by its values over the window; undefined for none */
export function patchView(onAttention: (values: Float32Array | undefined) => void): View {
  const title = el('h2', {}, 'Patch');
  const maps = el('div', { class: 'heads', on: { pointerleave: () => onAttention(undefined) } });
  const norms = el('div', 'norms');
  const nearest = el('div', 'nearest');
  const element = el(
    'section',
    { class: 'patch', attributes: { 'aria-labelledby': 'patch-title' } },
    title,
    el(
      'div',
      'patch-parts',
      part(
        'Where it looks',
        'A row a block, a column a head, of CLIP as trained; the bar is what goes to the class token.',
        maps,
      ),
      part(
        'How long its vectors are',
        'L2 norm of what enters a block (X_res), of its attention and its FFN. Lines: mean of the window; dots: this patch.',
        norms,
      ),
      part('Nearest classes', 'Cosine at the middle of the patch, by panel.', nearest),
    ),
  );
  title.id = 'patch-title';

  let drawn: CellSight | undefined;
  return {
    element,
    update(shown: Shown) {
      const { sight, cell } = shown;
      element.hidden = !sight;
      if (!sight || !cell || drawn === sight) return;
      drawn = sight;
      fill(
        title,
        `Patch ${cell.row + 1}, ${cell.column + 1}`,
        el('span', 'quiet number', ` ${sight.milliseconds.toFixed(0)} ms`),
      );
      drawHeads(maps, sight, onAttention);
      fill(norms, normsPlot(sight));
      fill(nearest, nearestTable(shown, sight));
    },
  };
}

const part = (title: string, about: string, content: HTMLElement): HTMLElement =>
  el('div', 'part', el('h3', {}, title), el('p', 'quiet', about), content);

/** A small map for each head of each block; canvases are made once and painted anew. */
function drawHeads(
  parent: HTMLElement,
  { layers, heads, grid, patch, attention, toClass }: CellSight,
  onAttention: (values: Float32Array) => void,
): void {
  const shape = `${layers} ${heads}`;
  if (parent.dataset.shape !== shape) {
    parent.dataset.shape = shape;
    parent.style.setProperty('--heads', String(heads));
    const rows = Array.from({ length: layers }, (_, layer) => [
      el('span', 'quiet number', `${layer}`),
      ...Array.from({ length: heads }, (_, head) => {
        const canvas = el('canvas', { attributes: { role: 'img', 'aria-label': `block ${layer}, head ${head}` } });
        return el('div', { class: 'head-map', attributes: { title: `block ${layer}, head ${head}` } }, canvas, el('i'));
      }),
    ]);
    const names = Array.from({ length: heads }, (_, head) => el('span', 'quiet number', String(head)));
    fill(parent, el('span'), ...names, ...rows.flat());
  }
  const size = grid.rows * grid.columns;
  parent.style.setProperty('--aspect', `${grid.columns} / ${grid.rows}`);
  const own = patch.row * grid.columns + patch.column;
  [...parent.querySelectorAll<HTMLElement>('.head-map')].forEach((map, at) => {
    const values = attention.subarray(at * size, (at + 1) * size);
    const canvas = map.querySelector('canvas')!;
    paintHeat(canvas, grid.columns, grid.rows, values);
    map.querySelector('i')!.style.width = `${100 * toClass[at]!}%`;
    map.title = `block ${Math.floor(at / heads)}, head ${at % heads}: to itself ${values[own]!.toFixed(3)}, to the class token ${toClass[at]!.toFixed(3)}`;
    map.onpointerenter = () => onAttention(values);
  });
}
