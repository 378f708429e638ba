/** Prefixes of windows out of a store, and into it where it has none. */
import type { ImageConfig } from '../model/config.js';
import type { Reads } from '../model/imageTower.js';
import { prefixInputs } from '../model/prefix.js';
import type { Values } from '../tensor/compile.js';
import type { Padding, WindowRect } from './dense/windows.js';
import type { DenseRun, WindowBatch } from './denseRun.js';
import type { PrefixKey, PrefixStore } from './prefixStore.js';

/** Where one picture's prefixes are kept, and under what. */
export interface KeptPrefixes {
  readonly store: PrefixStore;
  /** The caller's name for the picture. */
  readonly picture: string;
  /** How the picture was resized and normalised, and how positions meet the grid. */
  readonly made: string;
}

/** What a window's prefix is kept under. */
export function keyOf(
  { picture, made }: KeptPrefixes,
  { height, width }: { readonly height: number; readonly width: number },
  { y1, x1, y2, x2 }: WindowRect,
  { top, bottom, left, right }: Padding,
  reads: Required<Reads>,
): PrefixKey {
  const place = { size: [height, width], window: [y1, x1, y2, x2], padding: [top, bottom, left, right] };
  return { picture, window: JSON.stringify({ made, ...place, ...reads }) };
}

/**
 * The prefix of a batch of windows. What the store lacks is computed, put there and taken back from it, so that a run
 * with an empty store goes on with the same, perhaps rounded, values as the next one.
 */
export async function keptPrefix(
  run: DenseRun,
  config: ImageConfig,
  store: PrefixStore,
  keys: readonly PrefixKey[],
  batch: WindowBatch,
): Promise<Values[]> {
  const shapes = shapesOf(config, run.reads, batch);
  const fetch = async (key: PrefixKey) => {
    const values = await store.get(key);
    return values && fits(values, shapes) ? values : undefined;
  };
  const found = await Promise.all(keys.map(fetch));
  if (found.includes(undefined)) {
    // The whole batch, though some may be there: what a window gets shall not depend on what else was missing.
    const made = await run.prefix(batch.pixels);
    await Promise.all(
      keys.map(async (key, i) => {
        if (found[i]) return;
        const own = made.map(values => partOf(values, i, keys.length));
        await store.put(key, own);
        found[i] = (await fetch(key)) ?? own;
      }),
    );
  }
  return shapes.map((shape, leaf) =>
    joined(
      found.map(values => values![leaf]!),
      shape,
    ),
  );
}

/** Shapes of one window's values. */
function shapesOf(config: ImageConfig, reads: Required<Reads>, { grid }: WindowBatch): number[][] {
  const sizes: Record<string, number> = { ...grid, tokens: 1 + grid.rows * grid.columns };
  return prefixInputs(config, reads).map(({ shape }) =>
    shape.slice(1).map(size => (typeof size === 'number' ? size : sizes[size]!)),
  );
}

/** Whether values are those of one window; of others, as after a change of the code, there is no use. */
const fits = (values: readonly Values[], shapes: readonly number[][]): boolean =>
  values.length === shapes.length &&
  values.every(({ data, shape }, i) => data instanceof Float32Array && String(shape) === String(shapes[i]));

/** One window's part of a batch of `count`. */
function partOf({ data, shape }: Values, at: number, count: number): Values {
  const size = data.length / count;
  return { data: data.slice(at * size, (at + 1) * size), shape: shape.slice(1) };
}

function joined(parts: readonly Values[], shape: readonly number[]): Values {
  const size = shape.reduce((product, axis) => product * axis, 1);
  const data = new Float32Array(parts.length * size);
  parts.forEach((part, i) => {
    data.set(part.data as Float32Array, i * size);
  });
  return { data, shape: [parts.length, ...shape] };
}
