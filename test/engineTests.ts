/**
 * The tests that CLIPSCOPE_ENGINE can change: those from whose imports one comes to a file that reads it. On another
 * engine any other test would do again what it does on the first. Run by itself, prints them a line each.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of ours in quotes: an import, or a script that is started. */
const quoted = /'(\.{1,2}\/[^']+\.c?)[jt]s'/g;

/** By their paths in the repository. */
export function engineTests(): string[] {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.test.ts'))
    .map(path => join('test', path));
  const texts = new Map<string, string>();
  const textOf = (path: string): string => {
    const text = texts.get(path) ?? readFileSync(join(root, path), 'utf8');
    texts.set(path, text);
    return text;
  };
  const leadsToEngine = (test: string): boolean => {
    const seen = new Set([test]);
    for (const path of seen) {
      const text = textOf(path);
      if (/process\.env\.CLIPSCOPE_ENGINE/.test(text)) return true;
      for (const [, name] of text.matchAll(quoted)) {
        const next = join(dirname(path), `${name}ts`);
        if (existsSync(join(root, next))) seen.add(next);
      }
    }
    return false;
  };
  return tests.sort().filter(leadsToEngine);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(engineTests().join('\n'));
