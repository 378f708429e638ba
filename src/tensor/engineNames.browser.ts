/** In the place of `engineNames.ts`. */
import type { EngineName } from './engineNames.js';

/** `wasm` is the default; `webgpu` needs `@tensorflow/tfjs-backend-webgpu` beside clipscope. */
export const engineNames: readonly EngineName[] = ['wasm', 'cpu', 'webgpu'];
