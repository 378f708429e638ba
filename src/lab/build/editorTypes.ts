/** The types that the editor checks against, as one module: the library's own, and those of the language. */
import { readFileSync } from 'node:fs';
import { posix, resolve } from 'node:path';
import { getLibFiles, ts } from '@ts-morph/common';
import type { Plugin } from 'vite';

const moduleName = 'virtual:editor-types';
/** What the user's code may import, and what stands for TensorFlow.js in it. */
const library = 'src/lab/page/sandbox/library.ts';
const tensors = 'src/lab/page/editor/tensors.d.ts';

/** `import types from 'virtual:editor-types'`: the text of each file by its path in the editor's own file system. */
export function editorTypes(root: string): Plugin {
  return {
    name: 'clipscope:editor-types',
    enforce: 'pre',
    // TypeScript asks for `perf_hooks` in Node alone.
    resolveId: name => (name === moduleName || name === 'perf_hooks' ? `\0${name}` : undefined),
    load(id) {
      if (id === '\0perf_hooks') return 'export default {}';
      return id === `\0${moduleName}` ? `export default ${JSON.stringify(typesBelow(root))}` : undefined;
    },
  };
}

/** Declarations that `library` leads to, as `/src/….d.ts`, and the language's as `/lib.….d.ts`. */
export function typesBelow(root: string): Record<string, string> {
  const types = new Map(reached(emitted(root), `/${library.replace(/\.ts$/, '.d.ts')}`));
  types.set('/tensors.d.ts', readFileSync(resolve(root, tensors), 'utf8'));
  const texts = new Map(getLibFiles().map(({ fileName, text }) => [fileName, text]));
  for (const [path, text] of languageFiles(texts, 'lib.es2022.d.ts')) types.set(path, text);
  return Object.fromEntries([...types].sort());
}

/** What the compiler makes of the library's sources, by path below the root. */
function emitted(root: string): Map<string, string> {
  const declarations = new Map<string, string>();
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    exactOptionalPropertyTypes: true,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: root,
    outDir: '/',
    types: [],
    paths: { '@tensorflow/tfjs-core': [resolve(root, tensors)] },
  };
  const program = ts.createProgram([resolve(root, library)], options);
  program.emit(undefined, (path, text) => declarations.set(path, text));
  return declarations;
}

/** A declaration file and those that it imports, and so on. */
function reached(declarations: ReadonlyMap<string, string>, entry: string): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (path: string) => {
    const text = declarations.get(path);
    if (text === undefined || found.has(path)) return;
    found.set(path, text);
    for (const [, specifier] of text.matchAll(/from '(\.[^']+)'/g)) {
      visit(posix.resolve(posix.dirname(path), specifier!.replace(/\.(c?)js$/, '.d.$1ts')));
    }
  };
  visit(entry);
  return found;
}

/** A library of the language and those it refers to, without the comments on what everybody knows. */
function languageFiles(texts: ReadonlyMap<string, string>, entry: string): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (name: string) => {
    const text = texts.get(name);
    if (text === undefined || found.has(`/${name}`)) return;
    found.set(`/${name}`, text);
    for (const [, reference] of text.matchAll(/<reference lib="([^"]+)" \/>/g)) visit(`lib.${reference}.d.ts`);
  };
  visit(entry);
  return found;
}
