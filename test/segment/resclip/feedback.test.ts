import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { clearPaths, feedbackMatrix } from '../../../src/segment/resclip/feedback.js';
import { expectClose, findGolden, type GoldenTensor, readGolden } from '../../goldens.js';

const golden = readGolden(findGolden('dense-more/dense_more.safetensors')!);
const numbers = ({ data }: GoldenTensor) => Int32Array.from(data as BigInt64Array, Number);

/** A golden matrix without its class token's row and column, which are 0. */
function patchesOnly({ data, shape }: GoldenTensor): { values: Float32Array; rows: number } {
  const [, rows, columns] = shape as [number, number, number];
  const values = new Float32Array((rows - 1) * (columns - 1));
  for (let a = 0; a < rows; a++) {
    for (let b = 0; b < columns; b++) {
      const value = (data as Float32Array)[a * columns + b]!;
      if (a === 0 || b === 0) expect(value).to.equal(0);
      else values[(a - 1) * (columns - 1) + b - 1] = value;
    }
  }
  return { values, rows: rows - 1 };
}

describe('ResCLIP: the feedback matrix', () => {
  const cases = ['4x4.std5', '6x4.std5', '7x9.std5', '7x9.std1', '14x14.std5'];
  for (const name of cases) {
    const classes = golden[`sfr_alone/${name}.patch_class`]!;
    const [rows, columns] = classes.shape as [number, number];
    const grid = { rows, columns };
    const sigma = Number(name.at(-1));

    it(`${name}: clear paths`, () => {
      const expected = golden[`sfr_alone/${name}.path_valid`]!;
      expect([...clearPaths(numbers(classes), grid)]).to.deep.equal([...(expected.data as Uint8Array)]);
    });

    for (const pathCheck of [true, false]) {
      const kind = pathCheck ? 'path_check' : 'no_path_check';
      it(`${name}: the matrix, ${kind}`, () => {
        const full = `sfr_alone/${name}.${kind}`;
        const { values, rows: given } = patchesOnly((golden[full] ?? golden[`${full}.first40rows`])!);
        const matrix = feedbackMatrix(numbers(classes), grid, { sigma, pathCheck });
        expectClose(matrix.subarray(0, given * rows * columns), values, { maxAbs: 1e-6 }, { name: full });
      });
    }
  }

  it('of one patch, one row and one column', () => {
    for (const [rows, columns] of [
      [1, 1],
      [1, 5],
      [5, 1],
    ] as const) {
      const classes = new Int32Array(rows * columns);
      const matrix = feedbackMatrix(classes, { rows, columns }, { sigma: 5, pathCheck: true });
      for (let a = 0; a < classes.length; a++) {
        const row = matrix.subarray(a * classes.length, (a + 1) * classes.length);
        expect(row.reduce((x, y) => x + y)).to.be.closeTo(1, 1e-6);
      }
    }
  });

  it('refuses classes of another grid and a sigma of none', () => {
    const grid = { rows: 2, columns: 3 };
    expect(() => clearPaths(new Int32Array(5), grid)).to.throw(InputError, 'expected 6 classes, one a patch, got 5');
    const options = { sigma: 0, pathCheck: true };
    expect(() => feedbackMatrix(new Int32Array(6), grid, options)).to.throw(InputError, 'a sigma above 0');
  });
});
