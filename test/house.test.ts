/** The house's rules: who imports whom, how long a file may be, and that the data a file reads is in the package. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { breaches, importsOf } from './importGraph.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8'));
const { dependencies: needed, optionalDependencies: wanted, peerDependencies: peers } = manifest;
const dependencies = Object.keys({ ...needed, ...wanted, ...peers });

/** The source files below a folder of the repository, by their paths in it, with their text. */
function sourcesIn(folder: string): Map<string, string> {
  const paths = readdirSync(resolve(root, folder), { recursive: true, encoding: 'utf8' });
  const sources = paths
    .map(path => path.replaceAll('\\', '/'))
    .filter(path => /^(?!.*node_modules\/).*\.(ts|cts|mjs)$/.test(path));
  return new Map(sources.sort().map(path => [path, readFileSync(resolve(root, folder, path), 'utf8')]));
}

const sources = sourcesIn('src');

describe('the house', () => {
  it('imports point downwards, packages stay in their places, nothing goes round in a circle', () => {
    expect(sources.size).to.be.greaterThan(80);
    expect(breaches(sources, dependencies)).to.deep.equal([]);
  });

  it('index.ts does nothing but re-export', () => {
    const rest = sources.get('index.ts')!.replace(/\/\*\*.*?\*\//gs, '');
    expect(rest.replace(/^export (type )?\{[^}]*\} from '[^']+';$/gm, '').trim()).to.equal('');
  });

  it('no file is over 300 lines', () => {
    const long: string[] = [];
    for (const folder of ['src', 'test', 'bench', 'scripts']) {
      for (const [path, source] of sourcesIn(folder)) {
        const lines = source.split('\n').length - 1;
        if (lines > 300) long.push(`${folder}/${path}: ${lines}`);
      }
    }
    expect(long).to.deep.equal([]);
  });

  it('files read beside the code are there, and are in the package', () => {
    const shipped = [...manifest.files, 'package.json'];
    const read: string[] = [];
    for (const [path, source] of sources) {
      for (const [, relative] of source.matchAll(/new URL\(\s*['`](\.[^'`]*)['`],\s*import\.meta\.url/g)) {
        // Of a path with a part filled in, the folder above that part.
        const fixed = relative!.includes('${') ? posix.dirname(relative!.split('${', 1)[0]!.concat('x')) : relative!;
        const file = posix.join('src', posix.dirname(path), fixed);
        if (file.endsWith('.js')) {
          // A module of ours that runs in a thread of its own.
          expect(existsSync(resolve(root, file.replace(/\.js$/, '.ts'))), `${path} starts ${file}`).to.equal(true);
          continue;
        }
        expect(existsSync(resolve(root, file)), `${path} reads ${file}`).to.equal(true);
        expect(shipped, `package.json's files, of which ${path} reads ${file}`).to.include(file.split('/', 1)[0]);
        read.push(file);
      }
    }
    expect(read).to.include('data/bpe_simple_vocab_16e6.txt.gz');
  });
});

describe('the walker over imports', () => {
  it('finds every form of import', () => {
    const source = [
      "import a from './a.js';",
      "import type { B } from './b.js';",
      'import {',
      '  c,',
      '  type C,',
      "} from './c.js';",
      "import * as d from './d.js';",
      "import './e.js';",
      "export { f } from './f.js';",
      "export * from './g.js';",
      "export type * from './h.js';",
      "const i = await import('./i.js');",
      'const j = await import(name);',
      " * import k from './k.js';",
      "export const l = Array.from('l'); // from './m.js'",
    ];
    const names = [...'abcdfghei'].map(name => `./${name}.js`);
    expect(importsOf(source.join('\n'))).to.deep.equal([...names, '(name)']);
  });

  const good = {
    'errors.ts': '',
    'tensor/tfjs.ts': "import * as tf from '@tensorflow/tfjs-core';",
    'files/bytes.ts': "import { open } from 'node:fs/promises';\nimport { InputError } from '../errors.js';",
    'image/encode.ts': "import { bytes } from '../files/bytes.js';\nconst { Jimp } = await import('jimp');",
    'model/clip.ts': "import { tensor } from '../tensor/tfjs.js';",
    'checkpoint/load.ts': "import { clip } from '../model/clip.js';",
    'segment/dense.ts': "import { clip } from '../model/clip.js';",
    'cli/program.ts': "import { Command } from 'commander';\nimport { dense } from '../segment/dense.js';",
    'cli.ts': "import { run } from './cli/program.js';",
  };
  const packages = ['@tensorflow/tfjs-core', 'commander', 'jimp'];
  const check = (files: Record<string, string>) => breaches(new Map(Object.entries(files)), packages);

  it('has nothing to say against a graph that keeps the rules', () => {
    expect(check(good)).to.deep.equal([]);
  });

  const bad: [path: string, specifier: string, complaint: string][] = [
    ['errors.ts', './files/bytes.js', 'errors.ts: may not import files/bytes.ts'],
    ['files/bytes.ts', '../tensor/tfjs.js', 'files/bytes.ts: may not import tensor/tfjs.ts, which is on its floor'],
    ['tensor/tfjs.ts', '../model/clip.js', 'tensor/tfjs.ts: may not import model/clip.ts'],
    ['model/clip.ts', '../files/bytes.js', 'model/clip.ts: may not import files/bytes.ts'],
    ['model/clip.ts', '../image/encode.js', 'model/clip.ts: may not import image/encode.ts'],
    ['model/clip.ts', 'node:fs', 'model/clip.ts: may not import node:fs'],
    ['model/clip.ts', '@tensorflow/tfjs-core', 'model/clip.ts: may not import @tensorflow/tfjs-core'],
    [
      'segment/dense.ts',
      '../checkpoint/load.js',
      'segment/dense.ts: may not import checkpoint/load.ts, which is on its floor',
    ],
    [
      'checkpoint/load.ts',
      '../segment/dense.js',
      'checkpoint/load.ts: may not import segment/dense.ts, which is on its floor',
    ],
    ['checkpoint/load.ts', '../cli/program.js', 'checkpoint/load.ts: may not import cli/program.ts'],
    ['segment/dense.ts', 'commander', 'segment/dense.ts: may not import commander'],
    ['files/bytes.ts', 'left-pad', "files/bytes.ts: left-pad is not among package.json's dependencies"],
    ['files/bytes.ts', './gone.js', 'files/bytes.ts: no file ./gone.js'],
  ];
  for (const [path, specifier, complaint] of bad) {
    it(`says: ${complaint}`, () => {
      const spoilt = { ...good, [path]: `import { x } from '${specifier}';` };
      expect(check(spoilt)).to.include(complaint);
      expect(check({ ...good, [path]: `const { x } = await import('${specifier}');` })).to.include(complaint);
    });
  }

  it('says which files import each other in a circle', () => {
    const circle = {
      'image/a.ts': "import './b.js';",
      'image/b.ts': "export * from './c.js';",
      'image/c.ts': "const { a } = await import('./a.js');",
    };
    expect(check({ ...good, ...circle })).to.deep.equal(['cycle: image/a.ts > image/b.ts > image/c.ts > image/a.ts']);
  });

  it('wants a floor for every folder, and no one through the door for users', () => {
    expect(check({ ...good, 'attic/a.ts': '' })).to.deep.equal(["attic/a.ts: 'attic' has no floor"]);
    const inside = { ...good, 'index.ts': '', 'cli.ts': "import { x } from './index.js';" };
    expect(check(inside)).to.deep.equal(['cli.ts: imports index.ts, the door for users']);
  });
});
