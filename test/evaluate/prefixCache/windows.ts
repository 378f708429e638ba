/** Windows to keep, and caches to keep them in. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openPrefixCache, type PrefixCache } from '../../../src/evaluate/prefixCache/prefixCache.js';
import { toFloat16Bits, toFloat32 } from '../../../src/files/dtype.js';
import type { PrefixKey } from '../../../src/segment/prefixStore.js';
import type { Values } from '../../../src/tensor/compile.js';

export const keyOf = (n: number): PrefixKey => ({ picture: `picture ${n}`, window: 'whole' });

/** A window's tensors, other ones for each `n`; all fit float16. */
export function windowOf(n: number, ...shapes: number[][]): Values[] {
  return (shapes.length > 0 ? shapes : [[50, 80]]).map((shape, t) => {
    const size = shape.reduce((product, axis) => product * axis, 1);
    return { shape, data: Float32Array.from({ length: size }, (_, i) => Math.sin(i * 0.37 + t + 10 * n) * 9) };
  });
}

/** What float16 leaves of values. */
export const rounded = (values: readonly Values[]): Values[] =>
  values.map(({ data, shape }) => {
    const bits = Uint16Array.from(data, toFloat16Bits);
    return { shape, data: toFloat32('F16', new Uint8Array(bits.buffer)) };
  });

/** A cache that keeps each window of `windowOf(n)` in a file of its own and has room for `files` of them, at most 14. */
export function openSmall(folder: string, files: number, warnings?: string[]): PrefixCache {
  return open(folder, { bytes: files * 9000 + 1100, ...(warnings && { warnings }) });
}

export function open(
  folder: string,
  { bytes = 1e8, warnings = [] as string[], weights = 'weights', prefix = 'prefix' } = {},
): PrefixCache {
  return openPrefixCache({ folder, bytes, weights, prefix, warn: text => warnings.push(text) });
}

/** Puts windows and closes. */
export async function fill(cache: PrefixCache, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) await cache.put(keyOf(n), windowOf(n));
  await cache.close();
}

/** Which of the first `count` windows a cache has; those it has must be right. */
export async function found(cache: PrefixCache, count: number): Promise<number[]> {
  const there: number[] = [];
  for (let n = 0; n < count; n++) {
    const values = await cache.get(keyOf(n));
    if (!values) continue;
    expect(values).to.deep.equal(rounded(windowOf(n)));
    there.push(n);
  }
  return there;
}

export const shardsIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter(name => name.startsWith('prefix-'))
    .map(name => join(folder, name));

/** The shard that a window of `windowOf(n)` was written to, told by its bytes. */
export function shardOf(folder: string, n: number): string {
  const bytes = Buffer.from(Uint16Array.from(windowOf(n)[0]!.data, toFloat16Bits).buffer);
  return shardsIn(folder).find(path => readFileSync(path).includes(bytes))!;
}

export const bytesIn = (folder: string): number => shardsIn(folder).reduce((sum, path) => sum + statSync(path).size, 0);
