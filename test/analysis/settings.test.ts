import { expect } from 'chai';
import { settingName, trained, variantOf } from '../../src/analysis/settings.js';
import { attentions } from '../../src/attention/index.js';
import { InputError } from '../../src/errors.js';

describe('settings of the last block', () => {
  it('are variants of the tower: 0 leaves the attention out, infinity the residual', () => {
    const { qq, qk } = attentions;
    expect(variantOf(trained)).to.deep.equal({ attention: qk, residual: 1, ffn: true });
    expect(variantOf({ attention: 'qq', alpha: 0, ffn: false })).to.deep.equal({
      attention: qq,
      residual: 0,
      ffn: false,
    });
    const alone = { attention: 'qq', alpha: Number.POSITIVE_INFINITY, ffn: true };
    expect(variantOf(alone)).to.deep.equal({ attention: qq, residual: false, ffn: true });
  });

  it('have a name each', () => {
    expect(settingName(trained)).to.equal('qk alpha=1 ffn=on');
    expect(settingName({ attention: 'kk', alpha: Number.POSITIVE_INFINITY, ffn: false })).to.equal(
      'kk alpha=inf ffn=off',
    );
  });

  it('refuse an attention that there is not', () => {
    expect(() => variantOf({ ...trained, attention: 'qkk' })).to.throw(InputError, /unknown attention 'qkk'/);
  });
});
