import { expect } from 'chai';
import { patchDistances } from '../../../src/analysis/reduce/heads.js';
import { expectClose } from '../../goldens.js';

describe('patch distances', () => {
  it('are Euclidean, in patches', () => {
    const d = Math.SQRT2;
    expectClose(patchDistances({ rows: 2, columns: 2 }), [0, 1, 1, d, 1, 0, d, 1, 1, d, 0, 1, d, 1, 1, 0], {
      maxAbs: 0,
      relative: 1e-15,
    });
    const wide = patchDistances({ rows: 1, columns: 4 });
    expect([...wide.subarray(0, 4)]).to.deep.equal([0, 1, 2, 3]);
  });
});
