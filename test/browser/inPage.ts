/** What `page.mjs` gives to the functions that tests run in a page. */
import type { TaskName } from './tasks.js';

type Library = typeof import('../../src/browser.js');

declare global {
  var clipscope: Library;
  var bytesAt: (path: string) => Promise<Uint8Array>;
  var loadModel: (options?: Parameters<Library['loadClipFiles']>[1]) => ReturnType<Library['loadClipFiles']>;
  var decoded: (path: string) => Promise<ReturnType<Library['pictureOfCanvas']>>;
  var runTask: (name: TaskName, options: import('../../src/browser.js').CompileOptions) => Promise<number[][]>;
}
