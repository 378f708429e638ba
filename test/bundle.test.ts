/** What `scripts/bundle.mjs` leaves of the many files in dist/. */
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { expect } from 'chai';

describe('the bundle for Node', () => {
  it('has a door for each module that is started by its place', () => {
    const [, list] = /^const doors = \[(.*?)\];$/ms.exec(readFileSync('scripts/bundle.mjs', 'utf8'))!;
    const doors = [...list!.matchAll(/'([^']+)'/g)].map(([, door]) => door!);
    const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(
      path => path.endsWith('.ts') && !path.endsWith('.browser.ts') && !path.startsWith('lab/'),
    );
    const started = sources.flatMap(path => {
      const text = readFileSync(`src/${path}`, 'utf8');
      const places = text.matchAll(/(?:new URL|register)\('(\.[^']+\.js)', import\.meta\.url/g);
      return [...places].map(([, place]) => posix.join(posix.dirname(path), place!));
    });
    expect(started).to.include.members(['tensor/run/workerThread.js', 'evaluate/methods/moduleHooks.js']);
    expect(doors).to.include.members(started);
  });
});
