/** Large files that the server has at a path of their own, and that therefore must not come into the bundle as well. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Plugin } from 'vite';
import { runtimePath } from '../offer.js';

const { resolve } = createRequire(import.meta.url);

/** `new URL('…', import.meta.url)` of these files is left as it is; without this the bundler would bring them along. */
const served = /new URL\((?=\s*["'](?:ort-wasm|ort\.[\w.]+mjs|[./]*\/data\/bpe_simple_vocab))/g;

/** Leaves out ONNX Runtime's WebAssembly and the vocabulary. */
export const withoutServedFiles = (): Plugin => ({
  name: 'clipscope:without-served-files',
  enforce: 'pre',
  transform: (code, id) =>
    /onnxruntime-web|fetchVocabulary/.test(id)
      ? { code: code.replace(served, 'new URL(/* @vite-ignore */ '), map: null }
      : undefined,
});

/** Puts ONNX Runtime for processors where the server has it. */
export const runtimeFiles = (): Plugin => ({
  name: 'clipscope:runtime-files',
  generateBundle() {
    for (const kind of ['wasm', 'mjs']) {
      const file = `ort-wasm-simd-threaded.${kind}`;
      const source = readFileSync(resolve(`onnxruntime-web/${file}`));
      this.emitFile({ type: 'asset', fileName: join(runtimePath, file).slice(1), source });
    }
  },
});
