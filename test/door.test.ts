/** What of tensors a user finds in the package's two doors. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import * as browser from '../src/browser.js';
import * as door from '../src/index.js';
import {
  type Attention,
  add,
  compile,
  cumsum,
  dispose,
  div,
  einsum,
  enableGradients,
  equal,
  exp,
  greaterEqual,
  type Heads,
  log,
  logicalAnd,
  lossAndGradients,
  matMul,
  max,
  mean,
  mul,
  norm,
  oneHot,
  ones,
  range,
  scalar,
  slice,
  startEngine,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  tf,
  tidy,
  topk,
  transpose,
  unitLength,
  where,
} from '../src/index.js';
import { withoutLeak } from './engine.js';
import { expectClose } from './goldens.js';
import { noise } from './tensor/training.js';

/** Operations of this house that users are given under other names. */
const inside = ['headProduct', 'resize'];
/** Those with types of this house. */
const retyped = ['reshape', 'softmax', 'tidy'];

/** Names of docs/ops.md by the headings they stand under. */
function documented(): Map<string, string[]> {
  const sections = readFileSync('docs/ops.md', 'utf8').split(/^## /m).slice(1);
  const namesIn = (section: string) => [...section.matchAll(/^\| `([\w.]+)` \|/gm)].map(([, name]) => name!);
  return new Map(sections.map(section => [section.split('\n', 1)[0]!, namesIn(section)]));
}

const at = (from: object, path: string): unknown =>
  path.split('.').reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], from);

describe('the doors', () => {
  it('have every operation that is said to compile', () => {
    const sections = documented();
    const own = sections.get('Operations of clipscope')!;
    const all = [...sections.values()].flat();
    expect(all.length).to.be.above(120);
    for (const [name, exported] of Object.entries({ clipscope: door, 'clipscope/browser': browser })) {
      for (const operation of all) {
        if (inside.includes(operation)) continue;
        const found = at(own.includes(operation) ? exported : exported.tf, operation);
        expect(found, `${name}: ${operation}`).to.be.a('function');
      }
    }
  });

  it('have what attentions and losses are usually made of by name, the same functions', () => {
    const usual =
      'abs add argMax cast clipByValue concat cumsum div einsum equal exp expandDims gather greater greaterEqual less ' +
      'lessEqual log logicalAnd matMul max maximum mean min minimum mul neg norm oneHot ones pad range relu reshape ' +
      'scalar sigmoid slice softmax split sqrt square squeeze stack sub sum tensor tidy tile topk transpose unstack ' +
      'where zeros';
    for (const name of usual.split(' ')) {
      const own = at(door, name);
      expect(own, name).to.be.a('function').and.equal(at(browser, name));
      if (!retyped.includes(name)) expect(own, name).to.equal(at(tf, name));
    }
  });
});

describe('what users write with the door alone', () => {
  // WebAssembly has no einsum.
  before(() => startEngine('cpu'));

  /** Each token looks by cosine at those of its four nearest that are not itself. */
  const attention: Attention = ({ q, k, v }) => {
    const n = q.shape[2];
    const unit = (x: Heads): Heads => div(x, norm(x, 2, -1, true));
    const cosines = einsum('bhqd,bhkd->bhqk', unit(q), unit(k));
    const least = slice(topk(cosines, 4).values, [0, 0, 0, 3], [-1, -1, -1, 1]); // [b, h, n, 1]
    const others = equal(oneHot(range(0, n, 1, 'int32'), n), 0); // [n, n]
    const kept = where(logicalAnd(greaterEqual(cosines, least), others), cosines, scalar(-50));
    const weights = exp(sub(kept, max(kept, -1, true)));
    return einsum('bhqk,bhkd->bhqd', div(weights, sum(weights, -1, true)), v) as Heads;
  };

  /** Cross-entropy of cosines with the right one of the other side, in both directions: CLIP's own loss. */
  const contrastive = (a: Tensor2D, b: Tensor2D): Tensor => {
    const logits: Tensor2D = mul(matMul(unitLength(a), unitLength(b), false, true), 10);
    const right = sub<Tensor>(cumsum(ones([4], 'int32')), scalar(1, 'int32'));
    const likelihood = (rows: Tensor) => mean(sum(mul(log(tf.softmax(rows)), oneHot(right, 4)), -1));
    return mul(add(likelihood(logits), likelihood(transpose(logits))), -0.5);
  };

  it('an attention gives the same compiled as eagerly', () =>
    withoutLeak(async () => {
      const run = (q: Tensor, k: Tensor, v: Tensor) => attention({ q, k, v } as never);
      const input = { shape: ['batch', 3, 9, 5] };
      const fast = await compile(run, [input, input, input]);
      const heads = [1, 2, 3].map(seed => noise([2, 3, 9, 5], seed)) as [Tensor, Tensor, Tensor];
      const [actual, expected] = [await fast(...heads), tidy(() => run(...heads))];
      expectClose(actual.dataSync(), expected.dataSync(), { maxAbs: 1e-6 });
      dispose([...heads, actual, expected]);
      await fast.dispose();
    }));

  it('a loss has the same gradients compiled as eagerly', () =>
    withoutLeak(async () => {
      enableGradients();
      const slopes = (a: Tensor2D, b: Tensor2D) => lossAndGradients(w => contrastive(w.a, w.b), { a, b });
      const fast = await compile(slopes, [{ shape: [4, 6] }, { shape: [4, 6] }]);
      const [a, b] = [noise([4, 6], 1) as Tensor2D, noise([4, 6], 2) as Tensor2D];
      const actual = (await fast(a, b)) as ReturnType<typeof slopes>;
      const expected = tidy(() => slopes(a, b));
      expectClose(actual.loss.dataSync(), expected.loss.dataSync(), { maxAbs: 1e-6 }, { name: 'loss' });
      for (const side of ['a', 'b'] as const) {
        const [ours, theirs] = [actual, expected].map(({ gradients }) => gradients[side].dataSync());
        expectClose(ours!, theirs!, { maxAbs: 1e-6 }, { name: side });
        expect(Math.max(...theirs!), side).to.be.above(0.01);
      }
      dispose([a, b, actual, expected] as never);
      await fast.dispose();
    }));
});
