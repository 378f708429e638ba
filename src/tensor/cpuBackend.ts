import { createRequire } from 'node:module';

/** Loads TensorFlow.js' cpu backend at once, in Node; a browser has `cpuBackend.browser.ts` in its place. */
export function loadCpuBackend(): void {
  createRequire(import.meta.url)('./tfjsCpu.cjs');
}
