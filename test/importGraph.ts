/** The house's rules on who may import whom, checked over a map of source files. Paths are relative to `src/`. */
import { posix } from 'node:path';

/** Floors, lowest first; what stands beside each other on a floor does not import each other. */
const floors: readonly (readonly string[])[] = [
  ['errors.ts', 'turns.ts'],
  ['tensor', 'files', 'image', 'tokenizer'],
  ['attention', 'scenes'],
  ['model'],
  ['segment', 'checkpoint', 'train', 'regions'],
  ['evaluate', 'methods'],
  ['analysis'],
  ['cli', 'bench', 'lab', 'cli.ts', 'index.ts', 'browser.ts'],
];

/** Imports beside each other that are meant: byte helpers and atomic writes, and the command line's own entry. */
const besides = ['image > files', 'tokenizer > files', 'tensor > files', 'cli.ts > cli', 'cli > bench', 'cli > lab'];

/** Imports downwards that are none of a folder's business: networks touch no files or pictures, scenes no tensors. */
const strangers = ['model > files', 'model > image', 'attention > files', 'attention > image', 'scenes > tensor'];

/** Packages that belong to one place. */
const homes: Readonly<Record<string, readonly string[]>> = {
  '@tensorflow': [
    'tensor/tfjsCore.',
    'tensor/tfjsCpu.',
    'tensor/tfjsWasm.',
    'tensor/allGradients.browser.ts',
    'tensor/engines.browser.ts',
    'tensor/tfjs.ts',
    'tensor/internals.ts',
  ],
  '@jsquash': ['image/'],
  jimp: ['image/'],
  commander: ['cli/'],
  'cli-progress': ['cli/'],
  vega: ['image/drawing/vega.ts'],
  'vega-lite': ['image/drawing/vega.ts', 'train/plot.ts', 'analysis/'],
  '@codemirror': ['lab/page/editor/'],
  '@lezer': ['lab/page/editor/'],
  '@ts-morph': ['lab/build/', 'lab/page/editor/'],
  vite: ['lab/build/'],
};

/** Packages that only the bundler sees: its users get what it makes of them. */
const bundled = ['@codemirror', '@lezer', '@ts-morph', 'vite'];

/** Where what is imported is the user's own and cannot be followed. */
const open = ['evaluate/methods/userModule.ts'];

/** Folders of pure arithmetic, which need nothing of Node. */
const pure = ['attention', 'model'];

export type Sources = ReadonlyMap<string, string>;

/**
 * What a file imports: static, side-effect, re-exported, required, dynamic and type imports. Biome's layout is taken
 * for granted: a statement begins its line, quotes are single.
 */
export function importsOf(source: string): string[] {
  const statement = /^(?:import|export)\s[\w\s{},*$]*?\bfrom\s+'([^']+)'/gm;
  const sideEffect = /^import\s+'([^']+)'/gm;
  const required = /^import\s+\w+\s*=\s*require\('([^']+)'\)/gm;
  const dynamic = /\bimport\(\s*([^)]*?)\s*\)/g;
  const found = [statement, sideEffect, required].flatMap(pattern =>
    [...source.matchAll(pattern)].map(([, name]) => name!),
  );
  const late = [...source.matchAll(dynamic)].map(
    ([, argument]) => /^'([^']+)'$/.exec(argument!)?.[1] ?? `(${argument})`,
  );
  return [...found, ...late];
}

/** The file of `sources` that a relative import names, or undefined. */
function target(from: string, specifier: string, sources: Sources): string | undefined {
  const path = posix.normalize(posix.join(posix.dirname(from), specifier)).replace(/\.(c?)js(\?.*)?$/, '.$1ts');
  return sources.has(path) ? path : undefined;
}

const unitOf = (path: string): string => path.split('/', 1)[0]!;
const floorOf = (unit: string): number => floors.findIndex(units => units.includes(unit));
const packageOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');

/** Every breach of the rules, one line each. `dependencies` are the names package.json gives to its users. */
export function breaches(sources: Sources, dependencies: readonly string[]): string[] {
  const found: string[] = [];
  const edges = new Map<string, string[]>();
  for (const [path, source] of sources) {
    if (floorOf(unitOf(path)) < 0) found.push(`${path}: '${unitOf(path)}' has no floor`);
    const inner: string[] = [];
    for (const specifier of importsOf(source)) {
      // Data, which the compiler looks for.
      if (specifier.endsWith('.json')) continue;
      if (specifier.startsWith('.')) {
        const to = target(path, specifier, sources);
        if (to) inner.push(to);
        found.push(...(to ? neighbours(path, to) : [`${path}: no file ${specifier}`]));
      } else found.push(...outside(path, specifier, dependencies));
    }
    edges.set(path, inner);
  }
  const cycle = firstCycle(edges);
  if (cycle) found.push(`cycle: ${cycle.join(' > ')}`);
  return found;
}

function neighbours(from: string, to: string): string[] {
  const [upper, lower] = [unitOf(from), unitOf(to)];
  if (to === 'index.ts' || to === 'browser.ts') return [`${from}: imports ${to}, the door for users`];
  if (upper === lower) return [];
  const edge = `${upper} > ${lower}`;
  const [high, low] = [floorOf(upper), floorOf(lower)];
  if (high < low || strangers.includes(edge)) return [`${from}: may not import ${to}`];
  if (high === low && !besides.includes(edge)) return [`${from}: may not import ${to}, which is on its floor`];
  return [];
}

function outside(from: string, specifier: string, dependencies: readonly string[]): string[] {
  if (specifier.startsWith('(')) return open.includes(from) ? [] : [`${from}: import${specifier} cannot be followed`];
  if (specifier.startsWith('node:')) return pure.includes(unitOf(from)) ? [`${from}: may not import ${specifier}`] : [];
  const name = packageOf(specifier);
  const home = homes[name] ?? homes[unitOf(name)];
  if (home && !home.some(place => from.startsWith(place))) return [`${from}: may not import ${specifier}`];
  if (bundled.includes(unitOf(name)) || specifier.startsWith('virtual:')) return [];
  return dependencies.includes(name) ? [] : [`${from}: ${name} is not among package.json's dependencies`];
}

/** A cycle of imports, its first file repeated at its end; undefined when there is none. */
function firstCycle(edges: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): string[] | undefined => {
    const open = trail.indexOf(path);
    if (open >= 0) return [...trail.slice(open), path];
    if (done.has(path)) return undefined;
    trail.push(path);
    for (const next of edges.get(path) ?? []) {
      const cycle = visit(next);
      if (cycle) return cycle;
    }
    trail.pop();
    done.add(path);
    return undefined;
  };
  for (const path of edges.keys()) {
    const cycle = visit(path);
    if (cycle) return cycle;
  }
  return undefined;
}
