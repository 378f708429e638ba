/** The public door for pages: nothing of Node behind it, and every stand-in known to bundlers. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { expect } from 'chai';
import { importsOf } from '../importGraph.js';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const standIns = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .map(path => path.replaceAll('\\', '/'))
  .filter(path => path.endsWith('.browser.ts') && !path.endsWith('workerThread.browser.ts'));

/** The file that another stands in for. */
const original = (standIn: string): string =>
  ['.ts', '.cts'].map(end => standIn.replace(/\.browser\.ts$/, end)).find(path => existsSync(`src/${path}`))!;

/** The files that a page loads, from a file on, with their text. */
function reached(from: string, found = new Map<string, string>()): Map<string, string> {
  if (found.has(from)) return found;
  const text = readFileSync(`src/${from}`, 'utf8');
  found.set(from, text);
  const code = text.replace(/^(import|export) type [^;]*;/gm, '');
  for (const specifier of importsOf(code)) {
    if (!specifier.startsWith('.') || specifier.endsWith('.json')) continue;
    const path = posix.join(posix.dirname(from), specifier).replace(/\.(c?)js$/, '.$1ts');
    reached(standIns.find(standIn => original(standIn) === path) ?? path, found);
  }
  return found;
}

describe('the door for pages', () => {
  it('has every stand-in in the map that bundlers read', () => {
    const built = (path: string) => `./dist/${path.replace(/ts$/, 'js')}`;
    const pairs = standIns.map(standIn => [built(original(standIn)), built(standIn)]);
    expect(manifest.browser).to.deep.equal(Object.fromEntries(pairs));
    expect(standIns.length).to.be.above(5);
  });

  it('has stand-ins that export what they stand in for', () => {
    const valuesOf = (path: string) =>
      [...readFileSync(`src/${path}`, 'utf8').matchAll(/^export (?:async )?(?:const|function) (\w+)/gm)]
        .map(([, name]) => name)
        .sort();
    for (const standIn of standIns) expect(valuesOf(standIn), standIn).to.deep.equal(valuesOf(original(standIn)));
  });

  it('does nothing but re-export', () => {
    const rest = readFileSync('src/browser.ts', 'utf8').replace(/\/\*\*.*?\*\//gs, '');
    expect(rest.replace(/^export (type )?\{[^}]*\} from '[^']+';$/gm, '').trim()).to.equal('');
  });

  it('leads to nothing of Node', () => {
    const files = reached('tensor/run/workerThread.browser.ts', reached('browser.ts'));
    expect(files.size).to.be.above(80);
    for (const [path, text] of files) {
      const code = text.replace(/\/\*\*.*?\*\/|\/\/.*$/gms, '').replace(/^(import|export) type [^;]*;/gm, '');
      expect(code, path).to.not.match(/'node:|\bBuffer\b|\bprocess\.|\brequire\(|'onnxruntime-node'/);
    }
  });
});
