/** Where patches lie: cells over the whole working picture, and the window that each cell is looked at in. */
import type { Grid } from '../../../attention/attention.js';
import { slidingWindows, type WindowRect } from '../../../segment/dense/windows.js';
import type { Planes } from '../../../segment/windowRuns.js';
import type { Values } from '../../../tensor/compile.js';

/** A cell of the picture, one patch large. */
export interface Cell {
  readonly row: number;
  readonly column: number;
}

/** The picture at its working size, in windows. */
export interface Places {
  /** Cells of the whole picture. */
  readonly cells: Grid;
  readonly windows: readonly WindowRect[];
  /** Patches of one window. */
  readonly grid: Grid;
}

export function placesOf(
  { height, width }: { readonly height: number; readonly width: number },
  { window, stride }: { readonly window: number; readonly stride: number },
  patch: number,
): Places {
  const windows = slidingWindows(height, width, window, stride);
  const { y1, x1, y2, x2 } = windows[0]!;
  const patches = (side: number) => Math.max(1, Math.floor(side / patch));
  return {
    cells: { rows: patches(height), columns: patches(width) },
    windows,
    grid: { rows: patches(y2 - y1), columns: patches(x2 - x1) },
  };
}

/** The window in whose middle a cell lies best, and the patch of that window that has the cell's centre. */
export function windowOf({ windows, grid }: Places, cell: Cell, patch: number): { window: number; patch: Cell } {
  const y = (cell.row + 0.5) * patch;
  const x = (cell.column + 0.5) * patch;
  let window = 0;
  let least = Number.POSITIVE_INFINITY;
  windows.forEach(({ y1, x1, y2, x2 }, i) => {
    const inside = y >= y1 && y < y2 && x >= x1 && x < x2;
    const off = Math.hypot(y - (y1 + y2) / 2, x - (x1 + x2) / 2);
    if (!inside || off >= least) return;
    least = off;
    window = i;
  });
  const { y1, x1 } = windows[window]!;
  const at = (offset: number, count: number) => Math.min(Math.max(Math.floor(offset / patch), 0), count - 1);
  return { window, patch: { row: at(y - y1, grid.rows), column: at(x - x1, grid.columns) } };
}

/** A window's whole patches as pixels for the tower, `[1, 3, height, width]`. */
export function windowPixels(planes: Planes, { y1, x1 }: WindowRect, { rows, columns }: Grid, patch: number): Values {
  const height = Math.min(rows * patch, planes.height);
  const width = Math.min(columns * patch, planes.width);
  const data = new Float32Array(3 * height * width);
  for (let channel = 0; channel < 3; channel++) {
    for (let y = 0; y < height; y++) {
      const from = (channel * planes.height + y1 + y) * planes.width + x1;
      data.set(planes.values.subarray(from, from + width), (channel * height + y) * width);
    }
  }
  return { data, shape: [1, 3, height, width] };
}
