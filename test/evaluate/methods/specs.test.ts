import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { methodSpecs, moduleSpec, sweepSpecs } from '../../../src/evaluate/methods/specs.js';

describe('methods by their names', () => {
  it('are published ones, or attentions put into the base', () => {
    expect(methodSpecs(' sclip, kk ,naclip', 'clearclip')).to.deep.equal([
      { label: 'sclip', method: 'sclip' },
      { label: 'kk', method: 'clearclip', attention: 'kk' },
      { label: 'naclip', method: 'naclip' },
    ]);
  });

  for (const [text, says] of [
    ['sclipp', /^--methods: unknown method or attention 'sclipp'; did you mean .*sclip/],
    ['sclip,,clip', /parted by commas, got 'sclip,,clip'/],
    ['', /parted by commas, got ''/],
    ['clip,sclip,clip', /'clip' is there twice/],
    ['__proto__', /unknown method or attention '__proto__'/],
  ] as const) {
    it(`refuses '${text}'`, () => expect(() => methodSpecs(text, 'clip')).to.throw(InputError, says));
  }

  it('refuses files that are no module, and those that are not there', () => {
    expect(() => moduleSpec('mine.py', 'clip')).to.throw(InputError, /ends in \.ts, \.js or \.mjs, got 'mine\.py'/);
    expect(() => moduleSpec('nowhere/mine.ts', 'clip')).to.throw(InputError, /nowhere\/mine\.ts: cannot be read/);
  });
});

describe('sweeps', () => {
  it('are every combination, the last axis turning fastest', () => {
    const specs = sweepSpecs('attention=qk,qq residual=on,off,2 ffn=on,off', 'clip');
    expect(specs).to.have.length(12);
    expect(specs[0]).to.deep.equal({
      label: 'attention=qk residual=on ffn=on',
      method: 'clip',
      attention: 'qk',
      residual: true,
      ffn: true,
    });
    expect(specs[5]).to.include({ attention: 'qk', residual: 2, ffn: false });
    expect(specs[11]).to.include({ label: 'attention=qq residual=2 ffn=off', residual: 2, ffn: false });
    expect(new Set(specs.map(({ label }) => label))).to.have.property('size', 12);
  });

  it('know of blocks, and of one axis alone', () => {
    expect(sweepSpecs('  blocks=1,3 ', 'gem')).to.deep.equal([
      { label: 'blocks=1', method: 'gem', blocks: 1 },
      { label: 'blocks=3', method: 'gem', blocks: 3 },
    ]);
  });

  for (const [text, says] of [
    ['', /expected axes such as .*, got ''/],
    ['attention', /expected axes such as .*, got 'attention'/],
    ['attentoin=qk', /nothing to sweep is called 'attentoin'; did you mean attention\?/],
    ['attention=qk,xx', /expected attention as qk, qq, .*; got 'xx'/],
    ['attention=', /--sweep: attention: expected names parted by commas/],
    ['residual=half', /expected residual as on, off, or a factor.*; got 'half'/],
    ['residual=Infinity', /got 'Infinity'/],
    ['residual=1,1', /'1' is there twice/],
    ['ffn=2', /expected ffn as on, off; got '2'/],
    ['blocks=0', /expected blocks as whole numbers from 1; got '0'/],
    ['ffn=on ffn=off', /'ffn' is there twice/],
    ['toString=on', /nothing to sweep is called 'toString'/],
    [
      `residual=${Array.from({ length: 40 }, (_, i) => i)} blocks=${Array.from({ length: 40 }, (_, i) => i + 1)}`,
      /at most 1000 combinations, got 1600/,
    ],
  ] as const) {
    it(`refuses '${text.slice(0, 30)}'`, () => expect(() => sweepSpecs(text, 'clip')).to.throw(InputError, says));
  }
});
