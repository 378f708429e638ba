/** What the user's code gives in a real browser, and what is said of code that gives nothing. */
import { expect } from 'chai';
import type { Attention } from '../../../src/attention/attention.js';
import { csa } from '../../../src/attention/csa.js';
import { naclip } from '../../../src/attention/naclip.js';
import { firstAttention } from '../../../src/lab/page/editor/firstAttention.js';
import { startEngine } from '../../../src/tensor/engine.js';
import { type Heads, tensor3d, tensor4d } from '../../../src/tensor/tfjs.js';
import { expectClose } from '../../goldens.js';
import { d, fine, h, importing, n, useSandboxPage, values } from './sandboxPage.js';

describe('the sandbox', function () {
  this.timeout(60_000);
  const { page, attempt, unchecked, complaints, requests } = useSandboxPage();
  before(() => startEngine('cpu'));
  afterEach(() => expect(complaints).to.deep.equal([]));

  /** What the library gives here. */
  function expected(attention: Attention): ArrayLike<number> {
    const of = ({ data, shape }: { data: number[]; shape: readonly number[] }) =>
      tensor4d(data, shape as [number, number, number, number]) as Heads;
    const input = tensor3d(values.input.data, [1, n, h * d]);
    const point = <T extends Heads>(_name: string, value: T): T => value;
    return attention({
      q: of(values.q),
      k: of(values.k),
      v: of(values.v),
      input,
      scale: values.scale,
      grid: values.grid,
      point,
    }).dataSync();
  }

  it('is a page of its own, isolated, and the sandbox one file', async () => {
    expect(await page().evaluate('crossOriginIsolated')).to.equal(true);
    const scripts = requests.filter(url => url.endsWith('.js')).map(url => /(\w+)-[\w-]+\.js$/.exec(url)?.[1]);
    expect(new Set(scripts)).to.deep.equal(new Set(['index', 'checkerWorker', 'sandboxWorker']));
  });

  it('gives what the library gives, and the pattern that was named', async () => {
    const { z, pattern, failure } = await attempt(firstAttention);
    expect(failure).to.equal(undefined);
    expectClose(z!, expected(csa), { maxAbs: 1e-5 });
    const row = pattern!.slice(0, n).reduce((a, b) => a + b);
    expect(row).to.be.closeTo(2, 1e-4);
  });

  it('runs what takes the grid, and the library’s own attentions', async () => {
    const own = await attempt("import { naclip } from 'clipscope';\nexport default naclip();");
    expectClose(own.z!, expected(naclip()), { maxAbs: 1e-5 });
    const { z, seconds, milliseconds } = await attempt(fine);
    expect(milliseconds).to.be.below(1000);
    const again = await attempt(fine);
    expect(again.z).to.deep.equal(z);
    expect(again.seconds!.compile).to.be.below(seconds!.compile);
  });

  it('tells where code fails, in the user’s own lines', async () => {
    const thrown = await attempt(
      importing(
        'mix',
        "  interface Nothing { a: 1 }\n\n  if (q.size) throw new RangeError('no\\nway');\n  return mix(q, v);",
      ),
    );
    expect(thrown.failure).to.include({ message: 'RangeError: no', line: 5 });
    expect(thrown.failure!.column).to.be.above(10);
    const refused = await attempt(importing('add, reshape', '  return add(reshape(q, [320]), reshape(k, [2, 160]));'));
    expect(refused.failure!.line).to.equal(3);
    expect(refused.failure!.column).to.be.within(10, 13);
    expect(refused.failure!.message).to.match(/could not be broadcast/);
    const unfit = await attempt(importing('matMul', '  return matMul(q, k);'));
    expect(unfit.failure!.line).to.equal(3);
    expect(unfit.failure!.message).to.match(/inner sizes are 8 and 10/);
    const shape = await attempt(importing('scores', '  return scores(q, k, scale);'));
    expect(shape.failure!.message).to.equal('the attention: expected a tensor [1, 4, 10, 8], got [1, 4, 10, 10]');
    const named = await attempt(importing('mul', "  return point('pattern', mul(v, 2));"));
    expect(named.failure!.message).to.match(/^point\('pattern', …\): expected a tensor \[1, 4, 10, 10\]/);
  });

  it('says what is not an attention', async () => {
    const none = await unchecked('exports.other = 1');
    expect(none.failure!.message).to.match(/^expected 'export default' with a function of q, k and v, got undefined$/);
    const foreign = await unchecked("require('node:fs')");
    expect(foreign.failure!.message).to.equal("expected imports from 'clipscope' alone, got 'node:fs'");
    const broken = await unchecked('return }{');
    expect(broken.failure!.message).to.match(/^SyntaxError: /);
    const later = await unchecked('exports.default = async () => 1');
    expect(later.failure!.message).to.match(/got a promise$/);
    const random = await unchecked('exports.default = ({ v }) => require("clipscope").mul(v, Math.random())');
    expect(random.failure!.message).to.match(/compile: /);
  });

  it('ends at once when it is closed', async () => {
    const outcome = await page().evaluate(`(async () => {
      const short = openSandbox();
      const running = short.run({ js: 'exports.default = () => { for (;;); }', mappings: '' }, ${JSON.stringify(values)});
      setTimeout(() => short.dispose(), 300);
      return [await running, await short.run({ js: '', mappings: '' }, ${JSON.stringify(values)})];
    })()`);
    const closed = { failure: { message: 'the sandbox has been closed' } };
    expect(outcome).to.deep.equal([closed, closed]);
  });
});
