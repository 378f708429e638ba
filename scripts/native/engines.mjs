/** What `native:setup` installs, pinned, and what of it a project folder holds. */
import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The ABI of the wheels below: its own Python, which need not be the machine's, since nothing in a wheel is run. */
const wheelTags = ['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311'];
export const wheelPlatform = [...wheelTags, '--platform', 'manylinux2014_x86_64'];

/**
 * tfjs-node 4.22.0 was written for libtensorflow 2.9.1, which only its own download host has. TensorFlow's wheels carry
 * the same C library, newer; 2.15 is the last whose wheels bring its headers and that the binding compiles against.
 * Hashes are those the package index states; sizes tell a half-written library from a whole one.
 */
export const engines = {
  cpu: {
    engine: 'node',
    name: '@tensorflow/tfjs-node',
    version: '4.22.0',
    wheel: 'tensorflow-cpu==2.15.1',
    sha256: '54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26',
    libraries: { 'libtensorflow_cc.so.2': 564733624, 'libtensorflow_framework.so.2': 49042544 },
    downloadMB: 207,
    diskMB: 1100,
  },
  gpu: {
    engine: 'node-gpu',
    name: '@tensorflow/tfjs-node-gpu',
    version: '4.22.0',
    wheel: 'tensorflow==2.15.1',
    sha256: 'bb0edd69103c154245c5f209f0507355cc68ba7e4de350084bc31edc562478e4',
    libraries: { 'libtensorflow_cc.so.2': 977852928, 'libtensorflow_framework.so.2': 51968272 },
    downloadMB: 475,
    diskMB: 1800,
  },
};

/** Names the binding is linked by, and the one by which the package's own install script knows that it need not download. */
export const links = {
  'libtensorflow.so': 'libtensorflow_cc.so.2',
  'libtensorflow.so.2': 'libtensorflow_cc.so.2',
  'libtensorflow.so.2.9.1': 'libtensorflow_cc.so.2',
  'libtensorflow_framework.so': 'libtensorflow_framework.so.2',
};

/** The engine's package folder in a project. */
export const packageFolder = (root, { name }) => join(root, 'node_modules', name);

/** Where the package looks for its binding, which is by the newest Node-API version that it and this Node both know. */
export function bindingPath(folder, napi = Number(process.versions.napi)) {
  const { binary } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const version = Math.max(...binary.napi_versions.filter(known => known <= napi));
  return {
    file: join(folder, binary.module_path.replace('{napi_build_version}', version), `${binary.module_name}.node`),
    version,
  };
}

/**
 * What a project lacks of an engine or holds in half: `package` (with all it depends on) and `libraries` (with their
 * headers). Reads names and sizes only; whether the engine computes is for the self-check to say.
 */
export function missingParts(root, engine) {
  const folder = packageFolder(root, engine);
  const missing = [];
  if (manifest(folder)?.version !== engine.version || missingDependency(folder)) missing.push('package');
  if (!librariesWhole(folder, engine)) missing.push('libraries');
  return missing;
}

function librariesWhole(folder, { libraries }) {
  const lib = join(folder, 'deps', 'lib');
  return (
    existsSync(join(folder, 'deps', 'include', 'tensorflow', 'c', 'c_api.h')) &&
    Object.entries(libraries).every(([file, size]) => sizeOf(join(lib, file)) === size) &&
    Object.entries(links).every(([link, target]) => targetOf(join(lib, link)) === target)
  );
}

/** The first package, in the tree below this one, that Node would not find; undefined when all are there. */
function missingDependency(folder, seen = new Set()) {
  for (const name of Object.keys(manifest(folder)?.dependencies ?? {})) {
    const found = findPackage(folder, name);
    if (!found) return name;
    if (seen.has(found)) continue;
    seen.add(found);
    const below = missingDependency(found, seen);
    if (below) return below;
  }
  return undefined;
}

/** Node's own search: `node_modules` beside every folder from this one upwards. */
function findPackage(from, name) {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (manifest(candidate)) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

function manifest(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

const sizeOf = file => statSync(file, { throwIfNoEntry: false })?.size;

function targetOf(link) {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}
