import { expect } from 'chai';
import { type Candidate, inProcess, interleave } from '../../src/bench/interleave.js';

describe('interleave', () => {
  it('runs every candidate once a round, each round beginning with the next, and asks for output at the end', async () => {
    const ran: string[] = [];
    const candidate =
      (name: string): Candidate =>
      async wantsOutput => {
        ran.push(wantsOutput ? name.toUpperCase() : name);
        return { cpu: ran.length, wall: 2 * ran.length, ...(wantsOutput && { output: Float32Array.of(ran.length) }) };
      };
    const candidates = { a: candidate('a'), b: candidate('b'), c: candidate('c') };
    const { a, b } = await interleave(candidates, 4);
    expect(ran.join('')).to.equal('abcbcacabABC');
    expect(a.cpu).to.deep.equal([1, 6, 8, 10]);
    expect(b.wall).to.deep.equal([4, 8, 18, 22]);
    expect([...a.output]).to.deep.equal([10]);
  });

  it('warms up what runs in this process, and measures it', async () => {
    let runs = 0;
    const busy = await inProcess(() => {
      runs++;
      const until = performance.now() + 20;
      while (performance.now() < until);
      return Float32Array.of(runs);
    });
    expect(runs).to.equal(1);
    const { busy: timing } = await interleave({ busy }, 2);
    expect(runs).to.equal(3);
    expect([...timing.output]).to.deep.equal([3]);
    for (const wall of timing.wall) expect(wall).to.be.at.least(20);
    for (const cpu of timing.cpu) expect(cpu).to.be.greaterThan(0);
  });
});
