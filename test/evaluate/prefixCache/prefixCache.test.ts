import { chmodSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openPrefixCache } from '../../../src/evaluate/prefixCache/prefixCache.js';
import { openBytes } from '../../../src/files/bytes.js';
import { openSafetensors } from '../../../src/files/safetensors/read.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { unprivileged } from '../../unprivileged.js';
import { fill, found, keyOf, open, openSmall, rounded, shardsIn, windowOf } from './windows.js';

describe('evaluate/prefixCache/prefixCache', () => {
  it('finds what it was given, before and after it was written, in order and shape', () =>
    inTemporaryFolder(async folder => {
      const shapes = Array.from({ length: 12 }, (_, i) => [i + 1, 2]);
      const window = windowOf(3, ...shapes, [], [0, 3], [2, 5, 5]);
      const huge = { data: Float32Array.of(0.1, 70000), shape: [2] };
      const expected = [...rounded(window), huge];
      const first = open(folder);
      expect(await first.get(keyOf(3))).to.equal(undefined);
      await first.put(keyOf(3), [...window, huge]);
      expect(await first.get(keyOf(3))).to.deep.equal(expected);
      expect(shardsIn(folder)).to.have.length(0);
      await first.close();
      expect(await first.get(keyOf(3))).to.deep.equal(expected);
      // What it was given itself is no hit.
      expect(first.statistics).to.deep.equal({ hits: 0, misses: 1, evicted: 0, damaged: 0 });
      const second = open(folder);
      expect(await second.get(keyOf(3))).to.deep.equal(expected);
      expect(second.statistics).to.deep.equal({ hits: 1, misses: 0, evicted: 0, damaged: 0 });
      expect(shardsIn(folder)).to.have.length(1);
    }));

  it('tells pictures, windows, weights and prefixes apart, whatever their names', () =>
    inTemporaryFolder(async folder => {
      const texts = [
        '',
        'a',
        'a b',
        'b',
        '","',
        '../../x',
        '__proto__',
        'a\u0000\n',
        '\ud800',
        '\ufffd',
        'é',
        'e\u0301',
      ].concat('x'.repeat(1e6), `${'x'.repeat(1e6)}y`);
      const keys = texts.flatMap(picture => ['', 'b', '","'].map(window => ({ picture, window })));
      const cache = open(folder);
      for (const [n, key] of keys.entries()) await cache.put(key, windowOf(n, [3]));
      await cache.close();
      const again = open(folder);
      for (const [n, key] of keys.entries()) expect(await again.get(key)).to.deep.equal(rounded(windowOf(n, [3])));
      for (const other of [{ weights: 'others' }, { prefix: 'another' }, { weights: 'prefix', prefix: 'weights' }]) {
        expect(await open(folder, other).get(keys[0]!)).to.equal(undefined);
      }
      expect(readdirSync(folder)).to.have.length(1);
    }));

  it('writes safetensors of float16, of a bounded size', () =>
    inTemporaryFolder(async folder => {
      await fill(open(folder, { bytes: 8 * 50_000 }), 0, 20);
      const shards = shardsIn(folder);
      expect(shards.map(path => statSync(path).size)).to.satisfy((sizes: number[]) =>
        sizes.every(size => size < 50_000),
      );
      expect(shards).to.have.length(4);
      const tensors = shards.flatMap(path => {
        const file = openSafetensors(openBytes(path));
        file.close();
        return [...file.tensors.values()];
      });
      expect(tensors).to.have.length(20);
      for (const { name, dtype, shape } of tensors) {
        expect([name.length, dtype, shape]).to.deep.equal([66, 'F16', [50, 80]]);
      }
      const cache = open(folder);
      expect(await found(cache, 21)).to.have.length(20);
      expect(cache.statistics).to.deep.equal({ hits: 20, misses: 1, evicted: 0, damaged: 0 });
    }));

  it('keeps a window once', () =>
    inTemporaryFolder(async folder => {
      const cache = open(folder);
      await cache.put(keyOf(0), windowOf(0));
      await cache.put(keyOf(0), windowOf(1));
      await cache.close();
      const again = open(folder);
      await again.put(keyOf(0), windowOf(2));
      await again.close();
      expect(await found(open(folder), 1)).to.deep.equal([0]);
      expect(shardsIn(folder)).to.have.length(1);
    }));

  it('serves many questions at once, with memory of their own', () =>
    inTemporaryFolder(async folder => {
      await fill(openSmall(folder, 12), 0, 12);
      const cache = open(folder);
      const answers = await Promise.all(Array.from({ length: 64 }, (_, i) => cache.get(keyOf(i % 12))));
      for (const [i, values] of answers.entries()) expect(values).to.deep.equal(rounded(windowOf(i % 12)));
    }));

  it('after closing keeps nothing more', () =>
    inTemporaryFolder(async folder => {
      const cache = open(folder);
      await cache.close();
      await cache.put(keyOf(0), windowOf(0));
      await cache.close();
      expect(await cache.get(keyOf(0))).to.equal(undefined);
      expect(readdirSync(folder)).to.deep.equal([]);
    }));

  it('shares a folder: each writes files of its own, and misses what another has removed', () =>
    inTemporaryFolder(async folder => {
      const warnings: string[] = [];
      const one = open(folder, { warnings });
      const two = open(folder, { warnings });
      for (let n = 0; n < 10; n++) await (n % 2 ? one : two).put(keyOf(n), windowOf(n));
      await Promise.all([one.close(), two.close()]);
      const both = open(folder, { warnings });
      expect(await found(both, 10)).to.have.length(10);
      for (const path of shardsIn(folder)) unlinkSync(path);
      expect(await found(both, 10)).to.deep.equal([]);
      expect(both.statistics).to.deep.equal({ hits: 10, misses: 10, evicted: 0, damaged: 0 });
      await fill(both, 0, 10);
      expect(await found(open(folder, { warnings }), 10)).to.have.length(10);
      expect(warnings).to.deep.equal([]);
    }));

  it('reads from a folder that it may not write to, and says so once', () =>
    inTemporaryFolder(async folder => {
      await fill(open(folder), 0, 2);
      chmodSync(folder, 0o555);
      const warnings: string[] = [];
      await unprivileged(async () => {
        const cache = open(folder, { warnings });
        expect(await found(cache, 2)).to.deep.equal([0, 1]);
        await fill(cache, 2, 4);
        expect(await found(cache, 4)).to.deep.equal([0, 1]);
      });
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.match(/permission denied; the prefix cache keeps nothing more in this run$/);
      expect(shardsIn(folder)).to.have.length(1);
      chmodSync(folder, 0o755);
    }));

  it('refuses a limit that is none, and a folder that is a file', () =>
    inTemporaryFolder(folder => {
      for (const bytes of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        expect(() => open(folder, { bytes })).to.throw('prefix cache: expected a limit in whole bytes above 0');
      }
      const path = join(folder, 'file');
      writeFileSync(path, '');
      const origin = { weights: 'w', prefix: 'p', bytes: 1 };
      expect(() => openPrefixCache({ folder: path, ...origin })).to.throw(path);
      expect(readFileSync(path)).to.have.length(0);
    }));
});
