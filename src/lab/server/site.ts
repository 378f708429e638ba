/** Gathers what the lab is made of: the bundled page, a model, the vocabulary, example pictures, ONNX Runtime. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findModel } from '../../checkpoint/modelFiles.js';
import { InputError } from '../../errors.js';
import { type Offer, type OfferedExample, type OfferedFile, offerPath, runtimePath, sandboxPath } from '../offer.js';
import { addFile, addFolder, addText, type Routes } from './routes.js';
import { sandboxFrame } from './sandboxFrame.js';

const root = dirname(fileURLToPath(new URL('../../../package.json', import.meta.url)));
const inPackage = (path: string): string => join(root, path);

export interface SiteOptions {
  /** The model's folder, or one that has been pulled. */
  readonly model: string;
  /** What the page calls it. */
  readonly name: string;
  /** The bundled page; default: the package's own. */
  readonly page?: string;
}

/** @throws InputError when there is no such model, its weights are not safetensors, or the page has not been built */
export async function labRoutes({ model, name, page = inPackage('dist/lab/page') }: SiteOptions): Promise<Routes> {
  const files = modelFiles(model);
  if (!existsSync(join(page, 'index.html'))) {
    throw new InputError(`${page}: the lab's page is not there; 'npm run build' makes it`);
  }
  const routes: Routes = new Map();
  await addFolder(routes, '/', page);
  routes.set('/', routes.get('/index.html')!);
  const under = (prefix: string, paths: readonly string[]): Promise<OfferedFile[]> =>
    Promise.all(paths.map(path => addFile(routes, prefix + basename(path), path)));

  const offer: Offer = {
    model: { name, files: await under('/model/', files) },
    embedded: resolve(model) === resolve(inPackage('weights/scenes')),
    vocabulary: (await under('/data/', [inPackage('data/bpe_simple_vocab_16e6.txt.gz')]))[0]!,
    examples: await examplePictures(routes),
    webgpu: await addGraphicsRuntime(routes),
  };
  addText(routes, offerPath, '.json', JSON.stringify(offer));
  addText(routes, sandboxPath, '.html', sandboxFrame);
  return routes;
}

/** The drawn scenes, each with the words for what is in it. */
async function examplePictures(routes: Routes): Promise<OfferedExample[]> {
  const folder = inPackage('examples');
  const scenes: { file: string; labels: string[] }[] = JSON.parse(readFileSync(join(folder, 'scenes.json'), 'utf8'));
  return Promise.all(
    scenes.map(async ({ file, labels }) => ({
      ...(await addFile(routes, `/examples/${file}`, join(folder, file))),
      classes: labels.join('; '),
    })),
  );
}

/** The files of a model that a page can read. */
function modelFiles(model: string): string[] {
  const { folder, weights, config, preprocessor, settings } = findModel(model);
  if (!weights!.endsWith('.safetensors')) {
    throw new InputError(`${weights}: the lab reads one .safetensors file; 'clipscope convert' makes one of it`);
  }
  const openClip = join(folder, 'open_clip_config.json');
  const found = [weights, config, preprocessor, settings, existsSync(openClip) ? openClip : undefined];
  return [...new Set(found.filter(path => path !== undefined).map(path => resolve(path)))];
}

/** The page has ONNX Runtime for processors; the one for graphics processors is large, and there only if installed. */
async function addGraphicsRuntime(routes: Routes): Promise<boolean> {
  const { resolve } = createRequire(import.meta.url);
  try {
    for (const kind of ['wasm', 'mjs']) {
      const file = `ort-wasm-simd-threaded.asyncify.${kind}`;
      await addFile(routes, runtimePath + file, resolve(`onnxruntime-web/${file}`));
    }
    return true;
  } catch {
    return false;
  }
}
