import { createRequire } from 'node:module';

/** Registers TensorFlow.js' gradients, in Node; a browser has `allGradients.browser.ts` in its place. */
export function registerAllGradients(): void {
  createRequire(import.meta.url)('./tfjsGradients.cjs');
}
