/**
 * Makes few files of the many that the compiler leaves in dist/: a process that has just started would spend a tenth of a
 * second on finding and reading modules. For Node all of them go into dist/node, and its doors, which stay where they
 * were, lead there. What pages load stays as it is, since their bundlers follow it module by module.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

/** What is imported or started from outside, or from inside as a process or thread. */
const doors = [
  'index.js',
  'analysis/draw/plotThread.js',
  'cli.js',
  'cli/program.js',
  'bench/child.js',
  'evaluate/methods/moduleHooks.js',
  'evaluate/workers/process.js',
  'image/apart/pictureThread.js',
  'methods/clipself/batchThread.js',
  'tensor/run/workerThread.js',
  'train/clip/batchThread.js',
  'train/plotThread.js',
];
const pageDoors = ['browser.js', 'tensor/run/workerThread.browser.js'];

const common = { absWorkingDir: root, bundle: true, logLevel: 'warning', legalComments: 'eof', allowOverwrite: true };

/** Of these packages only parts are used. */
async function bundleParts() {
  const node = { ...common, platform: 'node' };
  await build({ ...node, entryPoints: ['src/tensor/tfjsGradients.cts'], outfile: 'dist/tensor/tfjsGradients.cjs' });
  await build({ ...node, entryPoints: ['src/files/schema.ts'], outfile: 'dist/files/schema.js', format: 'esm' });
}

const bundleName = door => door.replaceAll('/', '.').replace(/\.js$/, '');

/** Leaves CommonJS and where a module finds its neighbours as they were: all that is written lies in dist/node. */
const neighbours = {
  name: 'neighbours',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\..*\.cjs$/ }, ({ path, resolveDir }) => ({
      path: `../${relative(dist, join(resolveDir, path))}`,
      external: true,
    }));
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      const place = `new URL('../${relative(dist, path)}', import.meta.url).href`;
      return { contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', place) };
    });
  },
};

async function bundleForNode() {
  await build({
    ...common,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    splitting: true,
    packages: 'external',
    entryPoints: doors.map(door => ({ in: `dist/${door}`, out: bundleName(door) })),
    outdir: 'dist/node',
    plugins: [neighbours],
  });
  for (const door of doors) {
    const [first] = readFileSync(join(dist, door), 'utf8').split('\n');
    const shebang = first.startsWith('#!') ? `${first}\n` : '';
    const way = relative(dirname(door), join('node', `${bundleName(door)}.js`));
    writeFileSync(join(dist, door), `${shebang}export * from '${way.startsWith('.') ? way : `./${way}`}';\n`);
  }
}

/** The modules that a page's bundler would follow. */
async function reachedByPages() {
  const { metafile } = await build({
    ...common,
    platform: 'browser',
    format: 'esm',
    packages: 'external',
    entryPoints: pageDoors.map(door => `dist/${door}`),
    outdir: 'unwritten',
    write: false,
    metafile: true,
  });
  return Object.keys(metafile.inputs);
}

/** Takes out the modules that now are in dist/node alone. */
function prune(kept) {
  for (const path of readdirSync(dist, { recursive: true })) {
    const file = join('dist', path);
    if (/^(node|lab)\b/.test(path) || !path.endsWith('.js')) continue;
    if (!doors.includes(path) && !kept.includes(file)) rmSync(join(root, file));
  }
}

await bundleParts();
const kept = await reachedByPages();
await bundleForNode();
prune(kept);
