/** What inputs and outputs are called in a graph. */
import { expect } from 'chai';
import { compile } from '../../../src/tensor/compile.js';
import { add, mul, type Tensor, tensor1d } from '../../../src/tensor/tfjs.js';
import { outputNames } from '../../../src/tensor/trace/structure.js';
import { useEngine } from '../../engine.js';

describe('names in a graph', () => {
  before(useEngine);

  it('lets results have any names', async () => {
    // Those of inputs, those that graphs give to what is inside, none, and each other's.
    const named = (x: Tensor) => {
      const made = Array.from({ length: 12 }, (_, i) => [`v${i}`, add(mul(x, i), 1)] as const);
      return {
        ...Object.fromEntries(made),
        pixels: mul(x, 3),
        '': x,
        output: { pixels: x },
        'output.pixels': add(x, 5),
      };
    };
    const fast = await compile(named, [{ shape: [1], name: 'pixels' }]);
    const made = (await fast({ data: Float32Array.of(2), shape: [1] })) as unknown as Record<
      string,
      { data: Float32Array }
    >;
    const { output, ...others } = made;
    const numbers = Object.entries(others).map(([name, { data }]) => [name, data[0]]);
    const counted = Array.from({ length: 12 }, (_, i) => [`v${i}`, 2 * i + 1]);
    expect(numbers).to.deep.equal([...counted, ['pixels', 6], ['', 2], ['output.pixels', 7]]);
    expect((output as unknown as typeof made).pixels!.data[0]).to.equal(2);
    await fast.dispose();
  });

  it('of lifted tensors are no result’s', async () => {
    const one = tensor1d([1]);
    const fast = await compile((x: Tensor) => ({ 'lifted.0': add(x, one) }), [{ shape: [1] }], { lift: [one] });
    const [x, lifted] = [2, 5].map(value => ({ data: Float32Array.of(value), shape: [1] }));
    const { 'lifted.0': sum } = await fast(x!, lifted!);
    expect([...sum.data]).to.deep.equal([7]);
    one.dispose();
    await fast.dispose();
  });

  it('are the last key where that tells, and no other’s', () => {
    expect(outputNames([[], ['tokens'], ['seen', 'ln']])).to.deep.equal(['output', 'tokens', 'ln']);
    expect(outputNames([['a', 'x'], ['b', 'x'], ['0']])).to.deep.equal(['output.a.x', 'output.b.x', 'output.0']);
    expect(outputNames([['x'], ['']], ['x'])).to.deep.equal(['output.x', 'output.']);
    expect(outputNames([['x'], ['y']], ['x', 'output.x'])).to.deep.equal(['output.x.2', 'y']);
  });
});
