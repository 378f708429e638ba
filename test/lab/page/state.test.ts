/** The page's state in addresses and on command lines. */
import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import fc from 'fast-check';
import { attentions } from '../../../src/attention/index.js';
import { InputError } from '../../../src/errors.js';
import { type CommandContext, commandsOf, shellWord } from '../../../src/lab/page/commands.js';
import { methodInfos } from '../../../src/lab/page/engine/settings.js';
import { attentionNames, hashOf, isPlain, type LabState, settled, stateFromHash } from '../../../src/lab/page/state.js';
import { methodByName } from '../../../src/segment/methods.js';
import { methodNames } from '../../../src/segment/protocols.js';

const infoOf = (name: string) => methodInfos.find(info => info.name === name)!;

const panel = fc.record(
  {
    method: fc.constantFrom(...methodNames),
    attention: fc.constantFrom(...attentionNames, 'mine'),
    residual: fc.oneof(
      fc.boolean(),
      fc.integer({ min: 0, max: 60 }).map(n => n / 20),
    ),
    ffn: fc.boolean(),
  },
  { requiredKeys: ['method'] },
);
const state: fc.Arbitrary<LabState> = fc.record(
  {
    classes: fc.string({ unit: 'grapheme', maxLength: 60 }),
    panels: fc.array(panel, { minLength: 1, maxLength: 6 }),
    picture: fc.stringMatching(/^[\w.-]{1,20}$/),
    patch: fc.record({ row: fc.nat(500), column: fc.nat(500) }),
    code: fc.string({ unit: 'grapheme', maxLength: 200 }),
  },
  { requiredKeys: ['classes', 'panels'] },
);

describe('the state of the page', () => {
  it('comes back from an address as it went in', () => {
    fc.assert(fc.property(state, given => expect(stateFromHash(`#${hashOf(given)}`)).to.deep.equal(given) && true));
  });

  it('comes back from an address that has gone through a URL', () => {
    fc.assert(
      fc.property(state, given => {
        const { hash } = new URL(`http://localhost/#${hashOf(given)}`);
        expect(stateFromHash(hash)).to.deep.equal(given);
      }),
    );
  });

  it('is legible there', () => {
    const given: LabState = {
      classes: 'a cat,kitten; sofa',
      panels: [{ method: 'clip' }, { method: 'sclip', attention: 'qq', residual: 0.5, ffn: false }],
      picture: 'scene-2.png',
      patch: { row: 3, column: 14 },
    };
    expect(hashOf(given)).to.equal(
      'v=1&picture=scene-2.png&classes=a+cat,kitten;+sofa&panel=clip&panel=sclip,attention:qq,residual:0.5,ffn:off&patch=3.14',
    );
  });

  it('is none in an empty address', () => {
    expect(stateFromHash('')).to.equal(undefined);
    expect(stateFromHash('#')).to.equal(undefined);
  });

  const refused: [hash: string, why: string][] = [
    ['#v=2&panel=clip', "expected v=1, got '2'"],
    ['#panel=clip', "expected v=1, got 'none'"],
    ['#v=1', 'expected 1 to 6 panels, got 0'],
    [`#v=1${'&panel=clip'.repeat(7)}`, 'expected 1 to 6 panels, got 7'],
    ['#v=1&panel=clip&panels=clip', "unknown part 'panels'; did you mean panel?"],
    ['#v=1&panel=clip&__proto__=x', "unknown part '__proto__'"],
    ['#v=1&v=1&panel=clip', "'v' is there twice"],
    ['#v=1&panel=clop', "unknown method 'clop'; did you mean clip"],
    ['#v=1&panel=sclip,attention:kq', "unknown attention 'kq'"],
    ['#v=1&panel=sclip,residual:1e9', "expected on, off or a factor up to 3, got '1e9'"],
    ['#v=1&panel=sclip,residual:-1', "got '-1'"],
    ['#v=1&panel=sclip,residual:3.01', "got '3.01'"],
    ['#v=1&panel=sclip,ffn:maybe', "ffn: expected on or off, got 'maybe'"],
    ['#v=1&panel=sclip,ffn:on,ffn:off', "cannot read 'ffn:off'"],
    ['#v=1&panel=sclip,constructor:x', "cannot read 'constructor:x'"],
    ['#v=1&panel=clip&patch=3', "patch: expected row.column, got '3'"],
    ['#v=1&panel=clip&patch=99999.1', 'patch: expected row.column'],
    ['#v=1&panel=clip&picture=../../etc/passwd', "no example is called '../../etc/passwd'"],
    [`#v=1&panel=clip&classes=${'a'.repeat(4001)}`, 'classes: 4001 characters, at most 4000 are read'],
    [`#v=1&panel=clip&code=${'a'.repeat(12001)}`, 'code: 12001 characters, at most 12000 are read'],
    [`#${'a'.repeat(24001)}`, 'it has 24001 characters'],
    ['#v=1&panel=clip&\u0000=\u202e', "unknown part '\\u{0000}'"],
  ];
  for (const [hash, why] of refused) {
    it(`is refused: ${why}`, () => {
      expect(() => stateFromHash(hash))
        .to.throw(InputError)
        .with.property('message')
        .that.matches(/^address: [^\n]*; the page starts as it comes$/)
        .and.contains(why);
    });
  }

  it('is read or refused whatever an address holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), text => {
        try {
          stateFromHash(`#v=1&panel=clip${text}`);
        } catch (error) {
          expect(error).to.be.instanceOf(InputError);
          expect((error as Error).message).not.to.match(/[\n\r]/);
        }
      }),
    );
  });

  it('knows every attention, and of every method what the library does', () => {
    expect([...attentionNames]).to.deep.equal(Object.keys(attentions));
    for (const info of methodInfos) {
      const { variant } = methodByName(info.name);
      if (info.fixed) continue;
      expect(info.residual, info.name).to.equal(variant.residual ?? true);
      expect(info.ffn, info.name).to.equal(variant.ffn ?? true);
      expect(attentions[info.attention], info.name).to.equal(variant.attention ?? attentions.qk);
    }
  });

  it('tells a method as it is from one that was changed', () => {
    expect(isPlain({ method: 'sclip', residual: 1 }, infoOf('sclip'))).to.equal(true);
    expect(isPlain({ method: 'sclip', attention: 'csa', ffn: true }, infoOf('sclip'))).to.equal(true);
    expect(isPlain({ method: 'sclip', residual: 0.5 }, infoOf('sclip'))).to.equal(false);
    expect(isPlain({ method: 'clearclip', residual: true }, infoOf('clearclip'))).to.equal(false);
    expect(settled({ method: 'clearclip', ffn: true }, infoOf('clearclip'))).to.deep.equal({
      attention: 'qq',
      residual: false,
      ffn: true,
    });
  });
});

describe('the commands of a state', () => {
  const context: CommandContext = { picture: 'examples/scene-2.png', methods: methodInfos };
  const of = (panels: LabState['panels'], more: Partial<CommandContext> = {}, classes = 'brick; blue') =>
    commandsOf({ classes, panels }, { ...context, ...more });

  it('compare what is as published, and segment by what was changed', () => {
    const panels: LabState['panels'] = [
      { method: 'clip' },
      { method: 'sclip', residual: 0.5 },
      { method: 'gem', residual: 0.5 },
      { method: 'naclip', ffn: true },
      { method: 'sclip', attention: 'mine' },
      { method: 'clip' },
    ];
    expect(of(panels)).to.deep.equal([
      "npx clipscope compare examples/scene-2.png --methods clip,gem --classes 'brick; blue' -o compare.png",
      "npx clipscope segment examples/scene-2.png --method sclip --attention csa --residual 0.5 --ffn on --classes 'brick; blue' -o panel-1.png",
      "npx clipscope segment examples/scene-2.png --method sclip --attention naclip --residual off --ffn on --pamr 10 --classes 'brick; blue' -o panel-2.png",
    ]);
    expect(of([{ method: 'sclip', attention: 'mine' }])).to.deep.equal([]);
  });

  it('name a model that is not the own one, and files that look like options', () => {
    const [line] = of([{ method: 'clip' }], { model: 'my model', picture: '-rf.png' }, 'a');
    expect(line).to.equal(
      "npx clipscope compare ./-rf.png --methods clip --classes a --model 'my model' -o compare.png",
    );
  });

  it('are quoted so that a shell sees one word, whatever it is', () => {
    const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter(text => !text.includes('\0'));
    fc.assert(
      fc.property(fc.array(words, { minLength: 1, maxLength: 8 }), texts => {
        const script = `for word in ${texts.map(shellWord).join(' ')}; do printf '%s\\0' "$word"; done`;
        const printed = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' });
        expect(printed.split('\0').slice(0, -1)).to.deep.equal(texts);
      }),
      { numRuns: 40 },
    );
  });
});
