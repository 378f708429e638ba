/** Every operation that is known to compile, as cases that `ops.test.ts` runs and `docs/ops.md` is written from. */
import { elementwise } from './elementwise.js';
import { picks } from './pick.js';
import { ownOperations, products } from './product.js';
import { reductions } from './reduce.js';
import type { Section } from './row.js';
import { shapes } from './shape.js';
import { windows } from './window.js';

export const sections: readonly Section[] = [
  ...elementwise,
  reductions,
  shapes,
  picks,
  products,
  ...windows,
  ownOperations,
];
