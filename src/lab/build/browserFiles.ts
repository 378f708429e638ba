/** For a bundle from the sources: what package.json's `browser` says of the built files. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Plugin } from 'vite';

/** Puts the file for pages in the place of the one for Node, wherever it is imported. */
export function browserFiles(root: string): Plugin {
  const { browser } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as {
    browser: Record<string, string>;
  };
  const inSources = (path: string) => resolve(root, path.replace(/^\.\/dist\//, 'src/'));
  const instead = new Map(
    Object.entries(browser).map(([from, to]) => [inSources(from), inSources(to).replace(/\.js$/, '.ts')]),
  );
  return {
    name: 'clipscope:browser-files',
    enforce: 'pre',
    resolveId: (specifier, importer) =>
      importer && specifier.startsWith('.') ? instead.get(resolve(dirname(importer), specifier)) : undefined,
  };
}
