/** The cell that is looked at, and the window around it, drawn over a picture. */
import type { CellSight, Look } from '../engine/lab.js';
import type { Cell } from '../engine/places.js';
import { el } from './dom.js';

export interface Marks {
  readonly element: HTMLElement;
  update(look: Look, cell: Cell | undefined, window: CellSight['window'] | undefined): void;
}

export function markCell(): Marks {
  const around = el('div', 'window');
  const here = el('div', 'cell');
  const element = el('div', { class: 'marks', attributes: { 'aria-hidden': 'true' } }, around, here);
  const place = (mark: HTMLElement, look: Look, y1: number, x1: number, y2: number, x2: number) => {
    Object.assign(mark.style, {
      left: `${(100 * x1) / look.workingWidth}%`,
      top: `${(100 * y1) / look.workingHeight}%`,
      width: `${(100 * (x2 - x1)) / look.workingWidth}%`,
      height: `${(100 * (y2 - y1)) / look.workingHeight}%`,
    });
  };
  return {
    element,
    update(look, cell, window) {
      here.hidden = !cell;
      around.hidden = !window || look.windows === 1;
      if (cell) {
        // Cells are patches; a rest at the right or the bottom belongs to none.
        const height = look.patch;
        place(here, look, cell.row * height, cell.column * height, (cell.row + 1) * height, (cell.column + 1) * height);
      }
      if (window) place(around, look, window.y1, window.x1, window.y2, window.x2);
    },
  };
}
