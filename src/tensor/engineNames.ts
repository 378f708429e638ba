/** The engines that Node can have; a browser has `engineNames.browser.ts` in its place. */

/** What computes eagerly. `node` and `node-gpu` are for Node, `webgpu` is for pages. */
export type EngineName = 'wasm' | 'cpu' | 'node' | 'node-gpu' | 'webgpu';

/** `wasm` is the default; `node` and `node-gpu` need `@tensorflow/tfjs-node` or `-gpu` beside clipscope. */
export const engineNames: readonly EngineName[] = ['wasm', 'cpu', 'node', 'node-gpu'];
