import { createRequire } from 'node:module';
import { type GradConfig, registerGradient } from './internals.js';
import { reshape, sum, type Tensor } from './tfjs.js';

/**
 * Registers the gradients of all of TensorFlow.js' operations, which its core leaves out. Their table is one for the
 * whole process, so one call serves every engine; the 200 modules are loaded only here.
 */
export function enableGradients(): void {
  createRequire(import.meta.url)('./tfjsGradients.cjs');
  registerGradient(tileGradient);
}

/**
 * The gradient of copies is their sum. TensorFlow.js' own adds up slices one by one, as many as there are copies, so
 * that a graph would be another for every batch.
 */
const tileGradient: GradConfig = {
  kernelName: 'Tile',
  inputsToSave: ['x'],
  gradFunc: (dy, saved, attributes) => {
    const { shape } = saved[0]!;
    const reps = attributes.reps as number[];
    const apart: number[] = []; // each repeated axis as [copies, size]
    const copies: number[] = [];
    shape.forEach((size, axis) => {
      if (reps[axis] !== 1) copies.push(apart.push(reps[axis]!) - 1);
      apart.push(size);
    });
    return { x: () => sum(reshape(dy as Tensor, apart), copies) };
  },
};
