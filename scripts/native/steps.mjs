/** The steps of `native:setup`, each safe to run over what an earlier run left. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bindingPath, links, packageFolder, wheelPlatform } from './engines.mjs';
import { npm, run, SetupError } from './run.mjs';

const beside = file => fileURLToPath(new URL(file, import.meta.url));

/** Loads the engine in a process of its own and multiplies matrices; says the versions it found. */
export async function selfCheck(root, { name }) {
  const args = [beside('selfCheck.mjs'), root, name];
  return JSON.parse(await run(process.execPath, args, { what: `${name} does not work`, minutes: 2 }));
}

/** The package and what it depends on, without its install script, the manifest or the lock file being touched. */
export async function installPackage(root, { name, version }, { signal }) {
  const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const mend = 'is the npm registry within reach?';
  await npm([...args, `${name}@${version}`], { cwd: root, what: 'npm install', mend, signal });
}

/** TensorFlow's C library and headers, out of the wheel that pip fetches and holds to its hash. */
export async function fetchLibraries(root, engine, { python, work, signal }) {
  const requirements = join(work, 'requirements.txt');
  writeFileSync(requirements, `${engine.wheel} --hash=sha256:${engine.sha256}\n`);
  const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--require-hashes', '--only-binary=:all:'];
  await run(python, [...pip, ...wheelPlatform, '--dest', work, '--requirement', requirements], {
    what: `pip download ${engine.wheel}`,
    mend: "is Python's package index within reach (PIP_INDEX_URL)?",
    env: { ...process.env, TMPDIR: work },
    signal,
  });
  const wheel = readdirSync(work).find(file => file.endsWith('.whl'));
  const unpacked = join(work, 'deps');
  await run(python, [beside('unpackWheel.py'), join(work, wheel), unpacked], { what: `unpacking ${wheel}`, signal });
  for (const [link, target] of Object.entries(links)) symlinkSync(target, join(unpacked, 'lib', link));
  // Whole or not at all: the work folder lies on the same disk.
  const deps = join(packageFolder(root, engine), 'deps');
  rmSync(deps, { recursive: true, force: true });
  renameSync(unpacked, deps);
}

/**
 * The binding, compiled from the sources the package ships. The compiler is called directly: node-gyp would look for a
 * ready binary and for Node's headers on hosts that are no package registry. Only Node-API is used, whose headers fit
 * every Node.
 */
export async function compileBinding(root, engine, { compiler, work, signal }) {
  const folder = packageFolder(root, engine);
  const { file, version } = bindingPath(folder);
  const sources = readdirSync(join(folder, 'binding')).filter(name => name.endsWith('.cc'));
  const lib = join(folder, 'deps', 'lib');
  const object = join(work, 'tfjs_binding.node');
  const flags = ['-shared', '-fPIC', '-O2', '-std=c++17', '-pthread', `-DNAPI_VERSION=${version}`];
  const include = [await nodeHeaders(work, signal), join(folder, 'deps', 'include')].map(path => `-I${path}`);
  const link = [`-L${lib}`, '-Wl,-rpath,$ORIGIN/../../deps/lib', '-ltensorflow', '-ltensorflow_framework'];
  const inputs = sources.map(name => join(folder, 'binding', name));
  await run(compiler, [...flags, ...include, ...inputs, '-o', object, ...link], {
    what: `compiling with ${compiler}`,
    signal,
  });
  mkdirSync(dirname(file), { recursive: true });
  renameSync(object, file);
}

/** A folder with `node_api.h`: of `nodedir` where npm is set so, of this Node, of the system, or of npm's registry. */
async function nodeHeaders(work, signal) {
  const prefixes = [process.env.npm_config_nodedir, dirname(dirname(process.execPath)), '/usr'];
  for (const prefix of prefixes) {
    const folder = prefix && join(prefix, 'include', 'node');
    if (folder && existsSync(join(folder, 'node_api.h'))) return folder;
  }
  const args = ['install', '--prefix', work, '--no-save', '--ignore-scripts', '--loglevel=error', 'node-api-headers@1'];
  await npm(args, { cwd: work, what: "fetching Node's headers", signal });
  return join(work, 'node_modules', 'node-api-headers', 'include');
}

/** The first Python that has pip. @throws SetupError naming what to install. */
export async function findPython() {
  for (const python of [process.env.PYTHON, 'python3', 'python'].filter(Boolean)) {
    if (await works(python, ['-m', 'pip', '--version'])) return python;
  }
  throw new SetupError(
    "no Python with pip, which fetches TensorFlow's library: 'apt-get install python3-pip' or the like",
  );
}

/** The C++ compiler. @throws SetupError naming what to install. */
export async function findCompiler() {
  for (const compiler of [process.env.CXX, 'g++', 'clang++'].filter(Boolean)) {
    if (await works(compiler, ['--version'])) return compiler;
  }
  throw new SetupError("no C++ compiler to build the binding with: 'apt-get install g++' or the like, or set CXX");
}

const works = (program, args) =>
  run(program, args, { minutes: 1 }).then(
    () => true,
    () => false,
  );
