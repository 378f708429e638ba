/**
 * From the windows' patch logits to logits at every pixel of the photo, without ever holding classes x pixels.
 *
 * The published code upsamples each window's patch logits to pixels, adds the windows up, divides by how many cover a
 * pixel, and resizes the sum to the photo. All of that is linear, and because the windows form a grid it is one sparse
 * matrix per axis: an output row is a blend of a few rows of patches, an output column of a few columns. So the patches
 * of all windows are laid side by side once, with the queries innermost, and a row of pixels takes two short blends.
 */
import { InputError } from '../../errors.js';
import { bilinearTaps } from './bilinear.js';
import { checkWhole } from './checks.js';
import type { DenseLogits } from './logits.js';
import type { Padding, WindowRect } from './windows.js';

/** Longest side of any image, in pixels. */
const longestSide = 2 ** 20;

/** One window's answer: cosines of its patches with every query. */
export interface WindowLogits extends WindowRect {
  /** `[queries, gridHeight, gridWidth]`, row-major. */
  readonly logits: Float32Array;
  /** Patches down. */
  readonly gridHeight: number;
  /** Patches across. */
  readonly gridWidth: number;
  /** What was added around the window before the model saw it; cut away again after upsampling. */
  readonly padding?: Padding;
}

/** What `stitch` puts together. */
export interface StitchInput {
  /** A full grid of windows as `slidingWindows` gives it, in any order. */
  readonly windows: readonly WindowLogits[];
  readonly queries: number;
  /** Size of the resized image the windows were cut from. */
  readonly inputHeight: number;
  readonly inputWidth: number;
  /** Size of the photo, at which logits are wanted. */
  readonly outputHeight: number;
  readonly outputWidth: number;
}

/** One span of windows along an axis; `base` is where its patches begin in the row of all patches. */
interface Band {
  readonly start: number;
  readonly end: number;
  readonly before: number;
  readonly after: number;
  readonly patches: number;
  readonly base: number;
}

/** Sparse rows: output `i` blends patches `index[at]` by `weight[at]` for `at` from `first[i]` to `first[i + 1] - 1`. */
interface Blend {
  readonly first: Int32Array;
  readonly index: Int32Array;
  readonly weight: Float64Array;
}

/** The distinct spans of the windows along one axis, with their places among all patches. */
function bands(windows: readonly WindowLogits[], axis: 'y' | 'x'): Map<string, Band> {
  const found = new Map<string, Omit<Band, 'base'>>();
  for (const w of windows) {
    const [start, end, patches] = axis === 'y' ? [w.y1, w.y2, w.gridHeight] : [w.x1, w.x2, w.gridWidth];
    const { left = 0, right = 0, top = 0, bottom = 0 } = w.padding ?? {};
    const [before, after] = axis === 'y' ? [top, bottom] : [left, right];
    const key = `${start}:${end}`;
    const known = found.get(key);
    if (known && (known.patches !== patches || known.before !== before || known.after !== after)) {
      throw new InputError(`stitch: windows of the span ${key} along ${axis} differ in their patches or padding`);
    }
    if (!known) found.set(key, { start, end, before, after, patches });
  }
  let base = 0;
  return new Map(
    [...found].map(([key, band]) => {
      const placed = { ...band, base };
      base += band.patches;
      return [key, placed];
    }),
  );
}

/**
 * The whole way of one axis as one sparse matrix, output pixels x patches: patches -> padded window (bilinear) -> window
 * -> mean of the windows at an input pixel -> output pixel (bilinear).
 */
function axisBlend(axisBands: Iterable<Band>, input: number, output: number, axis: string): Blend {
  const atInput: Map<number, number>[] = Array.from({ length: input }, () => new Map());
  const covering = new Int32Array(input);
  for (const { start, end, before, after, patches, base } of axisBands) {
    const taps = bilinearTaps(patches, end - start + before + after);
    for (let pixel = start; pixel < end; pixel++) {
      const upsampled = pixel - start + before;
      const fraction = taps.fraction[upsampled]!;
      const weights = atInput[pixel]!;
      weights.set(base + taps.low[upsampled]!, 1 - fraction);
      if (fraction > 0) weights.set(base + taps.high[upsampled]!, fraction);
      covering[pixel]!++;
    }
  }
  const gap = covering.indexOf(0);
  if (gap >= 0) throw new InputError(`stitch: no window covers ${axis} = ${gap} of an image with ${input}`);

  const taps = bilinearTaps(input, output);
  const first = new Int32Array(output + 1);
  const index: number[] = [];
  const weight: number[] = [];
  for (let i = 0; i < output; i++) {
    const blended = new Map<number, number>();
    const fraction = taps.fraction[i]!;
    for (const [pixel, share] of [
      [taps.low[i]!, 1 - fraction],
      [taps.high[i]!, fraction],
    ] as const) {
      if (share === 0) continue;
      for (const [patch, w] of atInput[pixel]!) {
        blended.set(patch, (blended.get(patch) ?? 0) + (share * w) / covering[pixel]!);
      }
    }
    index.push(...blended.keys());
    weight.push(...blended.values());
    first[i + 1] = index.length;
  }
  return { first, index: Int32Array.from(index), weight: Float64Array.from(weight) };
}

function checkWindow(w: WindowLogits, number: number, { queries, inputHeight, inputWidth }: StitchInput): void {
  const where = `stitch: window ${number}`;
  const inside = 0 <= w.y1 && w.y1 < w.y2 && w.y2 <= inputHeight && 0 <= w.x1 && w.x1 < w.x2 && w.x2 <= inputWidth;
  if (!inside || ![w.y1, w.y2, w.x1, w.x2].every(Number.isInteger)) {
    throw new InputError(
      `${where}: rows ${w.y1}..${w.y2}, columns ${w.x1}..${w.x2} do not lie inside ${inputHeight} x ${inputWidth}`,
    );
  }
  checkWhole(w.gridHeight, `${where}: gridHeight`, 1);
  checkWhole(w.gridWidth, `${where}: gridWidth`, 1);
  for (const [side, pixels] of Object.entries(w.padding ?? {})) {
    checkWhole(pixels, `${where}: padding ${side}`, 0, longestSide);
  }
  const expected = queries * w.gridHeight * w.gridWidth;
  if (w.logits.length !== expected) {
    throw new InputError(
      `${where}: expected ${queries} queries x ${w.gridHeight} x ${w.gridWidth} = ${expected} logits, got ${w.logits.length}`,
    );
  }
  if (!w.logits.every(Number.isFinite)) {
    throw new InputError(`${where}: a logit is not a finite number; are the weights whole?`);
  }
}

/**
 * Joins windows into the logits of the whole photo. Costs nothing in proportion to classes x pixels: `row` works out one
 * row of pixels from the patches whenever it is asked.
 *
 * For protocols without windows the published code stretches the patches straight to the photo: give one window of the
 * photo's size and the photo's size as input size too.
 * @throws InputError when windows lie outside the image, leave gaps, do not form a grid, hold the wrong number of logits or
 * values that are not finite.
 */
export function stitch(input: StitchInput): DenseLogits {
  const { windows, queries, outputHeight, outputWidth } = input;
  checkWhole(queries, 'stitch: queries', 1);
  checkWhole(input.inputHeight, 'stitch: inputHeight', 1, longestSide);
  checkWhole(input.inputWidth, 'stitch: inputWidth', 1, longestSide);
  checkWhole(outputHeight, 'stitch: outputHeight', 1, longestSide);
  checkWhole(outputWidth, 'stitch: outputWidth', 1, longestSide);
  windows.forEach((w, i) => {
    checkWindow(w, i, input);
  });

  const down = bands(windows, 'y');
  const across = bands(windows, 'x');
  const distinct = new Set(windows.map(w => `${w.y1}:${w.y2} ${w.x1}:${w.x2}`));
  if (distinct.size !== windows.length || windows.length !== down.size * across.size) {
    throw new InputError(
      `stitch: expected a grid of ${down.size} x ${across.size} windows, got ${windows.length} (${distinct.size} distinct)`,
    );
  }
  const vertical = axisBlend(down.values(), input.inputHeight, outputHeight, 'y');
  const horizontal = axisBlend(across.values(), input.inputWidth, outputWidth, 'x');

  // All patches of all windows as one picture [patch rows, patch columns, queries].
  const columns = [...across.values()].reduce((sum, { patches }) => sum + patches, 0);
  const rowLength = columns * queries;
  const rows = [...down.values()].reduce((sum, { patches }) => sum + patches, 0);
  const patches = new Float32Array(rows * rowLength);
  for (const w of windows) {
    const top = down.get(`${w.y1}:${w.y2}`)!.base;
    const left = across.get(`${w.x1}:${w.x2}`)!.base;
    let at = 0;
    for (let q = 0; q < queries; q++) {
      for (let y = 0; y < w.gridHeight; y++) {
        let to = (top + y) * rowLength + left * queries + q;
        for (let x = 0; x < w.gridWidth; x++, to += queries) patches[to] = w.logits[at++]!;
      }
    }
  }

  const blendedRow = new Float32Array(rowLength);
  return {
    queries,
    height: outputHeight,
    width: outputWidth,
    row(y, into) {
      checkWhole(y, 'row: y', 0, outputHeight - 1);
      if (into.length < outputWidth * queries) {
        throw new InputError(`row: expected room for ${outputWidth * queries} values, got ${into.length}`);
      }
      blendInto(blendedRow, 0, rowLength, vertical, y, patches, rowLength);
      for (let x = 0; x < outputWidth; x++) {
        blendInto(into, x * queries, queries, horizontal, x, blendedRow, queries);
      }
    },
  };
}

/** `out[offset + i] = sum over output n's taps of weight * source[index * stride + i]`, for `length` values. */
function blendInto(
  out: Float32Array,
  offset: number,
  length: number,
  { first, index, weight }: Blend,
  n: number,
  source: Float32Array,
  stride: number,
): void {
  const end = first[n + 1]!;
  let at = first[n]!;
  // Where one window covers a pixel.
  if (end - at === 2) {
    const a = index[at]! * stride;
    const b = index[at + 1]! * stride;
    const wa = weight[at]!;
    const wb = weight[at + 1]!;
    for (let i = 0; i < length; i++) out[offset + i] = source[a + i]! * wa + source[b + i]! * wb;
    return;
  }
  // Four taps a sweep: one store for four products; the missing ones of a short sweep weigh nothing.
  for (let sweep = 0; at < end; at += 4, sweep++) {
    const a = index[at]! * stride;
    const b = at + 1 < end ? index[at + 1]! * stride : a;
    const c = at + 2 < end ? index[at + 2]! * stride : a;
    const d = at + 3 < end ? index[at + 3]! * stride : a;
    const wa = weight[at]!;
    const wb = at + 1 < end ? weight[at + 1]! : 0;
    const wc = at + 2 < end ? weight[at + 2]! : 0;
    const wd = at + 3 < end ? weight[at + 3]! : 0;
    if (sweep === 0) {
      for (let i = 0; i < length; i++) {
        out[offset + i] = source[a + i]! * wa + source[b + i]! * wb + source[c + i]! * wc + source[d + i]! * wd;
      }
    } else {
      for (let i = 0; i < length; i++) {
        out[offset + i]! += source[a + i]! * wa + source[b + i]! * wb + source[c + i]! * wc + source[d + i]! * wd;
      }
    }
  }
}
