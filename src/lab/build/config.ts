/** How the page of the lab is bundled. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { InlineConfig } from 'vite';
import { browserFiles } from './browserFiles.js';
import { classicWorker } from './classicWorker.js';
import { editorTypes } from './editorTypes.js';
import { licences } from './licences.js';
import { runtimeFiles, withoutServedFiles } from './runtimeFiles.js';

export const root = dirname(fileURLToPath(new URL('../../../package.json', import.meta.url)));

/**
 * @param page the folder of `index.html`
 * @param folder where the bundle goes, emptied before
 */
export function labBuild(page: string, folder: string): InlineConfig {
  const { note, write } = licences('licences.md');
  const plugins = () => [browserFiles(root), editorTypes(root), withoutServedFiles(), note()];
  // Computes nothing in the lab, and need not be installed.
  const external = ['@tensorflow/tfjs-backend-webgpu'];
  return {
    configFile: false,
    root: page,
    publicDir: false,
    logLevel: 'warn',
    plugins: [...plugins(), runtimeFiles(), write()],
    worker: {
      format: 'es',
      plugins: () => [...plugins(), classicWorker('sandboxWorker')],
      // The sandbox's worker can load nothing, so each worker is one file.
      rolldownOptions: { external, output: { codeSplitting: false } },
    },
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: 'es2022',
      // The policy forbids what is inline.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 8000,
      reportCompressedSize: false,
      rolldownOptions: { external, checks: { pluginTimings: false } },
    },
  };
}
