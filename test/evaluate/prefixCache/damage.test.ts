import { mkdirSync, readdirSync, readFileSync, renameSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { safetensorsBytes } from '../../../src/files/safetensors/write.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { fill, found, keyOf, open, openSmall, rounded, shardOf, shardsIn, windowOf } from './windows.js';

/** A folder with one shard of three windows. */
async function withShard(work: (folder: string, path: string) => Promise<void>): Promise<void> {
  await inTemporaryFolder(async folder => {
    await fill(open(folder), 0, 3);
    await work(folder, shardsIn(folder)[0]!);
  });
}

function flip(path: string, at: number, bit = 0): void {
  const bytes = readFileSync(path);
  bytes[at]! ^= 1 << bit;
  writeFileSync(path, bytes);
}

const endOfHeader = (path: string) => 8 + Number(readFileSync(path).readBigUInt64LE());

/** Another text of the same length in the header. */
function rewrite(path: string, from: string, to: string): void {
  const text = readFileSync(path, 'latin1');
  if (!text.includes(from) || from.length !== to.length) throw new Error(`rewrite: no '${from}'`);
  writeFileSync(path, text.replace(from, to), 'latin1');
}

const cut = (length: (path: string) => number) => (path: string) => truncateSync(path, length(path));
const size = (path: string) => readFileSync(path).length;

/** `most` is how many of three windows may be read before the damage is met. */
const damages: [name: string, damage: (path: string) => void, most: number][] = [
  ['a byte in the middle of the data', path => flip(path, endOfHeader(path) + 12_000), 2],
  ['its first byte', path => flip(path, 0), 0],
  ['a byte of the header', path => flip(path, 40), 0],
  ['the last byte of the header', path => flip(path, endOfHeader(path) - 1, 3), 0],
  ['a type of the same width', path => rewrite(path, '"F16"', '"U16"'), 0],
  ['another shape of the same size', path => rewrite(path, '[50,80]', '[80,50]'), 0],
  ['another version', path => rewrite(path, 'prefix cache 1', 'prefix cache 2'), 0],
  ['other weights', path => rewrite(path, '"weights":"weights"', '"weights":"Weights"'), 0],
  ['a file cut in the data', cut(path => size(path) - 1), 0],
  ['a file cut in the header', cut(() => 100), 0],
  ['a file cut at the end of the header', cut(endOfHeader), 0],
  ['an empty file', cut(() => 0), 0],
  ['nothing but zeros', path => writeFileSync(path, new Uint8Array(size(path))), 0],
  ['zeros for data', path => zeroTail(path, endOfHeader(path)), 2],
  ['safetensors of somebody else', path => writeFileSync(path, safetensorsBytes([])), 0],
];

function zeroTail(path: string, from: number): void {
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.fill(0, from));
}

describe('evaluate/prefixCache: damage', () => {
  for (const [name, damage, most] of damages) {
    it(`${name}: noticed, removed, computed again, told once`, () =>
      withShard(async (folder, path) => {
        damage(path);
        const warnings: string[] = [];
        const cache = open(folder, { warnings });
        const left = await found(cache, 3);
        expect(left.length).to.be.at.most(most);
        expect(await found(cache, 3)).to.deep.equal([]);
        expect(shardsIn(folder)).to.deep.equal([]);
        expect(cache.statistics).to.deep.equal({ hits: left.length, misses: 6 - left.length, evicted: 0, damaged: 1 });
        expect(warnings).to.have.length(1);
        expect(warnings[0])
          .to.match(/^[^\n]*prefix-[^\n]*; the windows in it are computed again$/)
          .and.include(path);
        await fill(cache, 0, 3);
        const healed = open(folder, { warnings });
        expect(await found(healed, 3)).to.deep.equal([0, 1, 2]);
        expect(healed.statistics.damaged + warnings.length).to.equal(1);
      }));
  }

  it('never a wrong value: any bit changed, byte put in, or end cut off', () =>
    withShard(async (folder, path) => {
      const good = readFileSync(path);
      const data = endOfHeader(path);
      const expected = [0, 1, 2].map(n => rounded(windowOf(n)));
      const place = fc.oneof(fc.nat(data), fc.integer({ min: data, max: good.length - 1 }));
      const change = fc.oneof(
        fc.tuple(place, fc.nat(7)).map(([at, bit]) => {
          const bytes = Buffer.from(good);
          bytes[at]! ^= 1 << bit;
          return bytes;
        }),
        fc
          .tuple(place, fc.nat(255))
          .map(([at, byte]) => Buffer.concat([good.subarray(0, at), Buffer.of(byte), good.subarray(at)])),
        place.map(at => good.subarray(0, at)),
      );
      await fc.assert(
        fc.asyncProperty(change, async bytes => {
          writeFileSync(path, bytes);
          const warnings: string[] = [];
          const cache = open(folder, { warnings });
          for (const [n, values] of expected.entries()) {
            const got = await cache.get(keyOf(n));
            if (got) expect(got).to.deep.equal(values);
          }
          expect([cache.statistics.damaged, warnings.length]).to.deep.equal([1, 1]);
          expect(shardsIn(folder)).to.deep.equal([]);
        }),
        { numRuns: 150 },
      );
    }));

  it('that comes while the cache is open', () =>
    withShard(async (folder, path) => {
      const warnings: string[] = [];
      const cache = open(folder, { warnings });
      expect(await found(cache, 3)).to.have.length(3);
      zeroTail(path, endOfHeader(path));
      // All at once: the one file is counted once.
      expect(await Promise.all([0, 1, 2].map(n => cache.get(keyOf(n))))).to.deep.equal(new Array(3).fill(undefined));
      expect(cache.statistics).to.deep.equal({ hits: 3, misses: 3, evicted: 0, damaged: 1 });
      expect(warnings).to.have.length(1);
      await fill(cache, 0, 3);
      expect(await found(cache, 3)).to.deep.equal([0, 1, 2]);
    }));

  it('a file that became shorter while the cache was open', () =>
    withShard(async (folder, path) => {
      const cache = open(folder);
      truncateSync(path, endOfHeader(path) + 1);
      expect(await found(cache, 3)).to.deep.equal([]);
      expect(cache.statistics.damaged).to.equal(1);
    }));

  it('of several files is counted, and told once; whole files stay', () =>
    inTemporaryFolder(async folder => {
      await fill(openSmall(folder, 12), 0, 6);
      for (const n of [1, 4]) flip(shardOf(folder, n), 3000);
      const warnings: string[] = [];
      const cache = open(folder, { warnings });
      expect(await found(cache, 6)).to.deep.equal([0, 2, 3, 5]);
      expect(cache.statistics).to.deep.equal({ hits: 4, misses: 2, evicted: 0, damaged: 2 });
      expect(warnings).to.have.length(1);
      expect(shardsIn(folder)).to.have.length(4);
    }));

  it('leaves what is not its own alone, and removes what a killed process left an hour ago', () =>
    withShard(async (folder, path) => {
      const foreign = ['README', 'prefix-1.safetensors', 'model.safetensors', 'prefix-cache.json', '.x.tmp'];
      const [old, young] = ['0', '1'].map(digit => `.${digit.repeat(24)}.tmp`) as [string, string];
      for (const name of [...foreign, old, young]) writeFileSync(join(folder, name), 'not ours');
      for (const name of [...foreign, old]) utimesSync(join(folder, name), 1000, 1000);
      const directory = path.replace(/.{8}\.safetensors$/, '00000000.safetensors');
      mkdirSync(directory);
      const warnings: string[] = [];
      const cache = open(folder, { bytes: 5 * 9000, warnings });
      expect(await found(cache, 3)).to.have.length(3);
      await fill(cache, 3, 9);
      const left = readdirSync(folder);
      expect(left)
        .to.include.members([...foreign, young])
        .and.not.include(old);
      expect(readdirSync(directory)).to.deep.equal([]);
      expect(cache.statistics.damaged).to.equal(0);
      expect(warnings[0]).to.include('expected a file, got a directory');
    }));

  it("a shard under another origin's name is not believed", () =>
    withShard(async (folder, path) => {
      await fill(open(folder, { prefix: 'other' }), 5, 6);
      const other = shardOf(folder, 5);
      renameSync(path, other);
      const cache = open(folder, { prefix: 'other' });
      expect(await found(cache, 6)).to.deep.equal([]);
      expect(cache.statistics.damaged).to.equal(1);
    }));
});
