/** In the place of `engines.ts`: how each engine starts in a page. */
import { InputError } from '../errors.js';
import type { engines as inNode } from './engines.js';

declare const location: { readonly href: string };
declare const navigator: { readonly gpu?: { requestAdapter(): Promise<object | null> } };

export const engines: typeof inNode = {
  async wasm({ threads, wasmPaths }) {
    const { default: wasm } = await import('./tfjsWasm.cjs');
    try {
      if (wasmPaths !== undefined) wasm.setWasmPaths(new URL(wasmPaths.replace(/\/?$/, '/'), location.href).href);
    } catch {
      throw new InputError("engine 'wasm': it did not start when it was asked before; load the page again");
    }
    if (threads !== undefined) wasm.setThreadsCount(threads);
    const mend = 'serve the dist folder of @tensorflow/tfjs-backend-wasm, and pass its address as wasmPaths';
    return { backend: 'wasm', threads: wasm.getThreadsCount, mend };
  },
  async cpu() {
    await import('./tfjsCpu.cjs');
    return { backend: 'cpu', threads: () => 1 };
  },
  async webgpu() {
    if (!(await navigator.gpu?.requestAdapter())) {
      throw new InputError("engine 'webgpu': this browser offers no WebGPU here; use engine wasm");
    }
    const mend = 'install @tensorflow/tfjs-backend-webgpu beside clipscope';
    // Not by `catch`: webpack lets a package be missing where it is imported inside a `try`.
    try {
      await import('@tensorflow/tfjs-backend-webgpu');
    } catch (error) {
      const reason = String(error instanceof Error ? error.message : error).split('\n', 1)[0];
      throw new InputError(`engine 'webgpu': its package does not load (${reason}); ${mend}`);
    }
    return { backend: 'webgpu', threads: () => undefined, mend };
  },
};
