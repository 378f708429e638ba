/** A site on 127.0.0.1 with a page that has the package in it, bundled as its users would. */
import { createReadStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { build as buildByVite } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));

/** How a page is bundled; `bare` by esbuild without what its users may leave out: onnxruntime-web and the worker. */
export type Bundle = 'esbuild' | 'bare' | 'vite';

const bundles = new Map<Bundle, Promise<string>>();

/**
 * Bundles the page and the worker, once for all tests; the package is what was built, found by its own name.
 * @returns the folder
 */
export function bundledPage(by: Bundle): Promise<string> {
  const known = bundles.get(by) ?? bundle(by);
  bundles.set(by, known);
  return known;
}

async function bundle(by: Bundle): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'clipscope-page-'));
  process.on('exit', () => rmSync(folder, { recursive: true }));
  const page = join(here, 'page.mjs');
  if (by === 'vite') {
    await buildByVite({
      configFile: false,
      root,
      publicDir: false,
      base: '/page/',
      logLevel: 'error',
      build: { outDir: folder, rolldownOptions: { input: { page }, output: { entryFileNames: '[name].js' } } },
    });
    return folder;
  }
  const bare = by === 'bare';
  const worker = { 'workerThread.browser': 'clipscope/browser/worker' };
  await build({
    entryPoints: { page, ...(!bare && worker) },
    ...(bare && { external: ['onnxruntime-web/*'] }),
    absWorkingDir: root,
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'chrome110',
    logLevel: 'error',
  });
  return folder;
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** What isolates a page from others, so that its threads may share memory. */
const isolating = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

export interface Site {
  readonly origin: string;
  close(): Promise<void>;
}

/** Serves the page in `folder`, and under a path each the runtimes' files, the embedded model and the package's data. */
export async function startSite(folder: string, { isolated }: { isolated: boolean }): Promise<Site> {
  const folders: Record<string, string> = {
    page: folder,
    ort: join(root, 'node_modules/onnxruntime-web/dist'),
    tfjs: join(root, 'node_modules/@tensorflow/tfjs-backend-wasm/dist'),
    weights: join(root, 'weights/scenes'),
    data: join(root, 'data'),
    examples: join(root, 'examples'),
    images: join(root, 'test/fixtures/goldens/preprocess/images'),
  };
  const server = createServer((request, response) => {
    const [, place = '', ...rest] = new URL(request.url!, 'http://site').pathname.split('/');
    const headers = isolated ? isolating : {};
    if (place === '') {
      const html = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page/page.js"></script>';
      response.writeHead(200, { 'content-type': types['.html'], ...headers }).end(html);
      return;
    }
    const path = join(folders[place] ?? folder, normalize(`/${rest.join('/')}`));
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    if (!folders[place] || size === undefined) {
      response.writeHead(404, headers).end();
      return;
    }
    const type = types[extname(path)] ?? 'application/octet-stream';
    response.writeHead(200, { 'content-type': type, 'content-length': size, ...headers });
    createReadStream(path).pipe(response);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
