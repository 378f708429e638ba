import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { moduleSpec } from '../../../src/evaluate/methods/specs.js';
import { loadUserMethod } from '../../../src/evaluate/methods/userModule.js';
import type { Method } from '../../../src/segment/methods.js';
import { rejection } from '../../files/rejection.js';
import { inTemporaryFolder } from '../../files/temporary.js';

/** What a file of this name and text gives, in a folder where no package is installed. */
async function loaded(name: string, text: string) {
  let result: unknown;
  await inTemporaryFolder(async dir => {
    const path = join(dir, name);
    writeFileSync(path, text);
    result = await loadUserMethod(moduleSpec(path, 'clip').module!);
  });
  return result;
}

const typed = `import { type Attention, mix, scores, softmax } from 'clipscope';
  export const used = scores;
  const mine: Attention = ({ q, v, scale }) => mix(softmax(scores(q, q, scale)), v);`;

describe("a user's module", () => {
  it('may be TypeScript, with an attention that is built from the running program', async () => {
    const attention = (await loaded('mine.ts', `${typed}\nexport default Object.assign(mine, { scores });`)) as {
      scores: unknown;
    };
    expect(attention).to.be.a('function');
    // Mocha loads its files by `require`, which keeps copies of its own.
    const { scores } = await import('../../../src/index.js');
    expect(attention.scores, 'the same module, not another copy').to.equal(scores);
  });

  for (const name of ['made.js', 'made.mjs', 'made.ts', 'made.mts']) {
    it(`may export a function that makes a method: ${name}`, async () => {
      const text = `import { clearClip } from 'clipscope';
        export default () => ({ ...clearClip(), variant: { blocks: 3 } });`;
      const method = (await loaded(name, text)) as Method;
      expect(method).to.include({ name: 'made' });
      expect(method.variant).to.deep.equal({ blocks: 3 });
      expect(method.protocol).to.include({ name: 'clearclip', window: 448 });
    });
  }

  it('may be CommonJS, and export an attention as it is', async () => {
    expect(await loaded('plain.cjs', 'module.exports = ({ v }) => v;')).to.be.a('function');
  });

  for (const [name, text, says] of [
    ['none.mjs', 'export const mine = 1;', /expected a default export that is a method, .*; got none/],
    ['number.mjs', 'export default 5;', /got number/],
    ['null.ts', 'export default () => null;', /got null/],
    ['half.mjs', 'export default { variant: {} };', /expected a default export that is a method/],
    ['other.mjs', "export default { variant: {}, protocol: { name: 'mine' } };", /name of a published one, got mine/],
    ['syntax.ts', 'export default (((;', /syntax\.ts: does not load: /],
    ['throws.mjs', "throw new Error('no\\nluck');", /throws\.mjs: does not load: no$/],
    ['makes.mjs', "export default () => { throw new Error('no luck'); };", /makes\.mjs: does not load: no luck/],
    ['imports.ts', "import { nothing } from 'clipscope'; export default nothing;", /does not load: .*nothing/],
    ['package.mjs', "import x from 'no-such-package'; export default x;", /does not load: .*no-such-package/],
  ] as const) {
    it(`is refused: ${name}`, async () => expect(await rejection(loaded(name, text))).to.match(says));
  }

  it('is refused when it has changed since it was planned', () =>
    inTemporaryFolder(async dir => {
      const path = join(dir, 'mine.mjs');
      writeFileSync(path, 'export default ({ v }) => v;');
      const { module } = moduleSpec(path, 'clip');
      writeFileSync(path, 'export default ({ q }) => q;');
      expect(await rejection(loadUserMethod(module!))).to.match(/mine\.mjs: it has changed since .* planned/);
    }));
});
