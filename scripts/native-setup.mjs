#!/usr/bin/env node
/**
 * `npm run native:setup`: puts @tensorflow/tfjs-node, the engine `node`, into this project's node_modules where only
 * package registries can be reached. The package's own install script is not used: it downloads from a host of its own
 * and hangs where that is out of reach. See `usage` for what it does; native/engines.mjs holds what is pinned.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { engines, missingParts, packageFolder } from './native/engines.mjs';
import { SetupError } from './native/run.mjs';
import {
  compileBinding,
  fetchLibraries,
  findCompiler,
  findPython,
  installPackage,
  selfCheck,
} from './native/steps.mjs';

const usage = `npm run native:setup [-- --gpu] [-- --force] [-- --root DIR]

Installs the engine 'node' (@tensorflow/tfjs-node) into node_modules, from npm's registry and Python's package index
alone: the package without its install script, TensorFlow's C library out of a wheel (never run as Python), and the
binding compiled here. package.json and package-lock.json stay as they are; so 'npm ci' and 'npm install' take the
engine away, as this does with packages neither file names: run it again then. Run where the engine works, it changes
nothing; a broken or half-done install it mends.

Needs Linux on x64 with glibc, Python's pip, a C++ compiler, 1.1 GB of disk (1.8 GB with --gpu) while it works.

  --gpu       the engine 'node-gpu' (@tensorflow/tfjs-node-gpu) in place of it. Not tried on a card: it computes on the
              CPU unless CUDA 12.2 and cuDNN 8.9 are on the library path
  --force     begin anew, whatever is there
  --root DIR  the project to install into (this one)
  --help      this text

Exit status: 0 the engine works, 2 something you can mend, 1 anything else.
`;

function parse(args) {
  const options = {
    engine: engines.cpu,
    force: false,
    help: false,
    root: fileURLToPath(new URL('..', import.meta.url)),
  };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (arg === '--gpu') options.engine = engines.gpu;
    else if (arg === '--force') options.force = true;
    else if (arg === '--help') options.help = true;
    else if (arg === '--root' && args[i + 1]) options.root = args[++i];
    else throw new SetupError(`unexpected '${arg}'; known: --gpu, --force, --root DIR, --help`);
  }
  return { ...options, root: resolve(options.root) };
}

async function main(args) {
  const { engine, force, help, root } = parse(args);
  if (help) return console.log(usage);
  if (!existsSync(join(root, 'node_modules', '@tensorflow', 'tfjs-core'))) {
    throw new SetupError(`${root} has no node_modules/@tensorflow/tfjs-core: run 'npm ci' there first`);
  }
  // An engine that works is left alone, however it came here.
  if (!force && existsSync(packageFolder(root, engine))) {
    const found = await selfCheck(root, engine).catch(() => undefined);
    if (found) return console.log(`${engine.name} is there and works (${describe(found)}): nothing to do`);
  }
  const fetching = force || missingParts(root, engine).includes('libraries');
  checkMachine(root, engine, fetching ? engine.diskMB : 0);
  const tools = { compiler: await findCompiler(), python: await findPython() };
  const download = fetching ? `, ${engine.downloadMB} MB to download` : '';
  console.log(`${engine.name} ${engine.version} over ${engine.wheel.replace('==', ' ')}${download}`);
  await inWorkFolder(root, async work => {
    const step = async (name, f) => {
      const start = performance.now();
      await f(root, engine, { ...tools, ...work });
      console.log(`  ${name}: ${((performance.now() - start) / 1000).toFixed(0)} s`);
    };
    if (force) rmSync(packageFolder(root, engine), { recursive: true, force: true });
    if (missingParts(root, engine).includes('package')) await step('package', installPackage);
    if (missingParts(root, engine).includes('libraries')) await step('libraries', fetchLibraries);
    await step('binding', compileBinding);
  });
  const found = await selfCheck(root, engine).catch(error => {
    throw new SetupError(`${error.message}; try again with --force`);
  });
  console.log(`${engine.name} works (${describe(found)}): use --engine ${engine.engine}`);
}

const describe = ({ tensorflow, tfjs, node, seconds }) =>
  `TensorFlow ${tensorflow}, tfjs ${tfjs}, Node ${node}, loads in ${seconds.toFixed(1)} s`;

/** @throws SetupError when the wheel's library could not run here or would not fit on the disk. */
function checkMachine(root, { name, version }, needMB) {
  const glibc = process.report.getReport().header.glibcVersionRuntime;
  if (process.platform !== 'linux' || process.arch !== 'x64' || !glibc) {
    const here = `${process.platform} ${process.arch}${process.platform === 'linux' && !glibc ? ' without glibc' : ''}`;
    const ordinary = `npm install --no-save ${name}@${version}`;
    throw new SetupError(`works on Linux x64 with glibc, this is ${here}: try '${ordinary}', or use --engine wasm`);
  }
  const { bavail, bsize } = statfsSync(join(root, 'node_modules'));
  const freeMB = Math.floor((bavail * bsize) / 1e6);
  if (freeMB < needMB) throw new SetupError(`${root}: needs ${needMB} MB of disk, ${freeMB} MB are free`);
}

/**
 * Runs `f` with an empty folder on node_modules' disk, taken away whatever happens, and a signal that calls it off on
 * Ctrl-C. The folder keeps a second run out.
 */
async function inWorkFolder(root, f) {
  const folder = join(root, 'node_modules', '.native-setup');
  const holder = join(folder, 'pid');
  const clean = () => rmSync(folder, { recursive: true, force: true });
  const pid = existsSync(holder) ? Number(readFileSync(holder, 'utf8')) : 0;
  if (pid && alive(pid))
    throw new SetupError(`process ${pid} is setting up the engine in ${root} already: wait for it`);
  clean();
  mkdirSync(folder);
  writeFileSync(holder, String(process.pid));
  const off = new AbortController();
  const stop = () => off.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await f({ work: folder, signal: off.signal });
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    clean();
  }
}

function alive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const mendable = error instanceof SetupError || error.syscall !== undefined;
  console.error(`native:setup: ${mendable ? error.message : error.stack}`);
  process.exitCode = mendable ? 2 : 1;
}
