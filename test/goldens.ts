/**
 * Reference numbers and the one matcher for closeness. A golden is looked for in `test/fixtures/goldens`, then in
 * `../shared/goldens` beside the checkout. What is in neither skips its test with a printed reason.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Context } from 'mocha';

const roots = ['./fixtures/goldens/', '../../shared/goldens/'].map(root =>
  fileURLToPath(new URL(root, import.meta.url)),
);

/** The path of a golden, or undefined when no root holds it. */
export function findGolden(relative: string): string | undefined {
  return roots.map(root => root + relative).find(path => existsSync(path));
}

/** The path of a golden; skips the running test, saying why, when it is not there. */
export function goldenPath(test: Context, relative: string): string {
  const path = findGolden(relative);
  if (path) return path;
  console.log(`      skipped: ${relative} is large and lives beside the repository (../shared/goldens)`);
  return test.skip();
}

export interface GoldenTensor {
  dtype: string;
  shape: number[];
  data: Float32Array | Int32Array | BigInt64Array | Uint8Array;
}

/** A golden `.safetensors` file, read by a few lines independent of the reader under test. */
export function readGolden(path: string): Record<string, GoldenTensor> {
  const file = readFileSync(path);
  const headerEnd = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.subarray(8, headerEnd).toString('utf8'));
  const types = { F32: Float32Array, I32: Int32Array, I64: BigInt64Array, U8: Uint8Array, BOOL: Uint8Array };
  const tensors: Record<string, GoldenTensor> = {};
  for (const [name, { dtype, shape, data_offsets: range }] of Object.entries<{
    dtype: keyof typeof types;
    shape: number[];
    data_offsets: [number, number];
  }>(header)) {
    if (name === '__metadata__') continue;
    const bytes = file.buffer.slice(file.byteOffset + headerEnd + range[0], file.byteOffset + headerEnd + range[1]);
    tensors[name] = { dtype, shape, data: new types[dtype](bytes as ArrayBuffer) };
  }
  return tensors;
}

export interface Tolerance {
  /** Largest allowed |actual - expected|. */
  maxAbs: number;
  /** Added to it: this times |expected|. */
  relative?: number;
  /** Share of values that may lie outside. */
  outliers?: number;
}

/**
 * Compares element by element and throws with the worst place: its index per axis, both values, and how many differ.
 * NaN equals only NaN.
 */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: Tolerance,
  where: { name?: string; shape?: readonly number[] } = {},
): void {
  const name = where.name ?? 'values';
  if (actual.length !== expected.length) {
    throw new Error(`${name}: ${actual.length} values, expected ${expected.length}`);
  }
  let worst = -1;
  let worstExcess = 0;
  let outside = 0;
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i]!;
    const e = expected[i]!;
    if (a === e || (Number.isNaN(a) && Number.isNaN(e))) continue;
    const difference = Math.abs(a - e);
    const allowed = tolerance.maxAbs + (tolerance.relative ?? 0) * Math.abs(e);
    const excess = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference - allowed;
    if (excess <= 0) continue;
    outside++;
    if (worst < 0 || excess > worstExcess) {
      worst = i;
      worstExcess = excess;
    }
  }
  if (outside <= (tolerance.outliers ?? 0) * expected.length) return;
  throw new Error(
    `${name}: ${outside} of ${expected.length} values differ; worst at [${indexOf(worst, where.shape)}]: ` +
      `${actual[worst]} instead of ${expected[worst]} (allowed ${tolerance.maxAbs})`,
  );
}

function indexOf(flat: number, shape: readonly number[] | undefined): string {
  if (!shape) return String(flat);
  const index: number[] = [];
  let rest = flat;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index.unshift(rest % shape[axis]!);
    rest = Math.floor(rest / shape[axis]!);
  }
  return index.join(', ');
}

/** Cosine of two vectors, in double precision. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let dot = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
  }
  return dot / Math.sqrt(aa * bb);
}
