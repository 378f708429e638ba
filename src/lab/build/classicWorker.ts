/** A worker's bundle as a script of the old kind: browsers start no other from memory in a frame without an origin. */
import type { Plugin } from 'vite';

/** @param name of the worker's file, without its ending */
export const classicWorker = (name: string): Plugin => ({
  name: 'clipscope:classic-worker',
  renderChunk(code, chunk) {
    if (chunk.name !== name) return undefined;
    if (chunk.imports.length + chunk.exports.length > 0) {
      throw new Error(`${name}: expected one file without imports and exports`);
    }
    // In a function, so that what it defines is not seen by code that is evaluated beside it.
    return { code: `(()=>{${code.replaceAll('import.meta.url', 'self.location.href')}\n})();`, map: null };
  },
});
