/** Dense logits: worked out row by row where they need not lie in memory, or as planes where they must. */
import { InputError } from '../../errors.js';
import { atOnce, type Steps } from '../../turns.js';
import { checkWhole, largeArray } from './checks.js';

/** Logits of every pixel, a row at a time. */
export interface DenseLogits {
  readonly queries: number;
  readonly height: number;
  readonly width: number;
  /** Writes row `y` to `into`, `[width, queries]`: the queries of one pixel lie together. */
  row(y: number, into: Float32Array): void;
}

/**
 * Rows `y1..y2 - 1` as planes, `[queries, y2 - y1, width]`; all rows by default.
 * @throws InputError when the rows lie outside the image or the result would pass 2 GiB.
 */
export const logitPlanes = (dense: DenseLogits, y1 = 0, y2 = dense.height): Float32Array =>
  atOnce(logitPlanesSteps(dense, y1, y2));

/** `logitPlanes` in steps. */
export function* logitPlanesSteps(dense: DenseLogits, y1 = 0, y2 = dense.height): Steps<Float32Array> {
  const { queries, height, width } = dense;
  checkWhole(y1, 'logitPlanes: first row', 0, height - 1);
  checkWhole(y2, 'logitPlanes: end row', y1 + 1, height);
  const plane = (y2 - y1) * width;
  const out = largeArray(queries * plane, 'logitPlanes', 'ask for fewer rows, classes or pixels');
  const row = new Float32Array(width * queries);
  for (let y = y1; y < y2; y++) {
    dense.row(y, row);
    for (let q = 0; q < queries; q++) {
      let to = q * plane + (y - y1) * width;
      for (let at = q; at < row.length; at += queries) out[to++] = row[at]!;
    }
    yield;
  }
  return out;
}

/** Logits that lie in memory as planes `[queries, height, width]`, such as PAMR returns, as rows for `labelMap`. */
export function denseFromPlanes(planes: Float32Array, queries: number, height: number, width: number): DenseLogits {
  if (planes.length !== queries * height * width) {
    throw new InputError(
      `denseFromPlanes: expected ${queries} x ${height} x ${width} = ${queries * height * width} values, got ${planes.length}`,
    );
  }
  return {
    queries,
    height,
    width,
    row(y, into) {
      checkWhole(y, 'row: y', 0, height - 1);
      for (let q = 0; q < queries; q++) {
        let from = (q * height + y) * width;
        for (let to = q; to < width * queries; to += queries) into[to] = planes[from++]!;
      }
    },
  };
}
