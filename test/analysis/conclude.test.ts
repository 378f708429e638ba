import { expect } from 'chai';
import { conclude } from '../../src/analysis/conclude.js';
import type { Measured } from '../../src/analysis/measure.js';
import { parts } from '../../src/analysis/studies/parts.js';
import { InputError } from '../../src/errors.js';
import { measuredWith } from './measured.js';

const rows = (mIoU: number) => [
  { term: 'X_res', mIoU: 0.01, mAcc: 0.1, aAcc: 0.1 },
  { term: 'X_attn', mIoU, mAcc: 0.5, aAcc: 0.5 },
  { term: 'X_sum', mIoU: 0.2, mAcc: 0.5, aAcc: 0.5 },
  { term: 'X_out', mIoU: null, mAcc: null, aAcc: null },
];
const measured = (model: string, mIoU: number): Measured => measuredWith(model, { parts: { parts: rows(mIoU) } });

describe('a conclusion', () => {
  it('puts models side by side: rows, panels and sentences with their names', () => {
    const { tables, plot, paragraph } = conclude(parts, [measured('B/16', 0.35), measured('L/14', 0.1)]);
    expect(tables.parts).to.have.length(8);
    expect(tables.parts[1]).to.deep.equal({ model: 'B/16', term: 'X_attn', mIoU: 0.35, mAcc: 0.5, aAcc: 0.5 });
    expect((plot as unknown as { concat: unknown[] }).concat).to.have.length(2);
    expect(paragraph).to.match(/^B\/16: From X_attn alone the labels reach 35\.0 % mIoU, from X_res alone 1\.0 %/);
    expect(paragraph).to.match(/Taking the residual away gains 15\.0 points\. L\/14: /);
    expect(paragraph).to.match(/no score\. Taking the residual away costs 10\.0 points\./);
    expect(paragraph).to.match(
      /\(scenes:n=2: 2 images, 18 and 18 windows of 96 pixels at stride 48 by the protocol of /,
    );
  });

  it('says nothing of a name where there is one model', () => {
    expect(conclude(parts, [measured('B/16', 0.35)]).paragraph).to.match(/^From X_attn alone/);
  });

  it('refuses no models, two of one name, and a study that was not made', () => {
    expect(() => conclude(parts, [])).to.throw(
      InputError,
      'parts: expected at least one model that was measured, got none',
    );
    expect(() => conclude(parts, [measured('a', 1), measured('a', 1)])).to.throw(
      InputError,
      "two models are called 'a'",
    );
    expect(() => conclude(parts, [measuredWith('a', {})])).to.throw(InputError, "'a' was measured without this study");
  });
});
