import { expect } from 'chai';
import fc from 'fast-check';
import { nextAround, nextBelow, nextBetween, nextBits, nextChance, randomStream } from '../../src/scenes/random.js';

const whole = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

describe('random numbers of scenes', () => {
  it('are those of the published xoshiro128**', () => {
    // The first outputs of its authors' C code from state 1, 2, 3, 4.
    const published = [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597];
    const state = Int32Array.of(1, 2, 3, 4);
    expect(published.map(() => nextBits(state))).to.deep.equal(published);
  });

  it('differ as soon as one number does, in its upper half too', () => {
    const start = (numbers: readonly number[]) => {
      const state = randomStream(...numbers);
      return [0, 1, 2, 3].map(() => nextBits(state)).join();
    };
    fc.assert(
      fc.property(fc.array(whole, { minLength: 1, maxLength: 4 }), fc.nat(), whole, (numbers, at, other) => {
        const changed = numbers.with(at % numbers.length, other);
        fc.pre(changed.join() !== numbers.join());
        return start(changed) !== start(numbers) && start(numbers) === start([...numbers]);
      }),
    );
    expect(start([1])).to.not.equal(start([1 + 2 ** 32]));
  });

  it('flip half of their bits when one bit of a number does', () => {
    let flipped = 0;
    const bits = 53;
    for (let bit = 0; bit < bits; bit++) {
      for (let index = 0; index < 64; index++) {
        let difference = nextBits(randomStream(0, index)) ^ nextBits(randomStream(2 ** bit, index));
        for (; difference !== 0; difference &= difference - 1) flipped++;
      }
    }
    expect(flipped / (bits * 64 * 32)).to.be.closeTo(0.5, 0.01);
  });

  it('fall evenly and within their bounds', () => {
    const state = randomStream(5);
    const counts = new Float64Array(10);
    let [least, most, yes] = [0, 0, 0];
    for (let i = 0; i < 100_000; i++) {
      counts[nextBelow(state, 10)]!++;
      const around = nextAround(state, 14);
      least = Math.min(least, around);
      most = Math.max(most, around);
      yes += Number(nextChance(state, 0.3));
      const between = nextBetween(state, 13, 26);
      if (!(between >= 13 && between < 26)) throw new Error(`${between} is not between 13 and 26`);
    }
    expect([least, most]).to.deep.equal([-14, 14]);
    // Five standard deviations of a binomial count.
    for (const count of counts) expect(count).to.be.closeTo(10_000, 5 * Math.sqrt(100_000 * 0.1 * 0.9));
    expect(yes).to.be.closeTo(30_000, 5 * Math.sqrt(100_000 * 0.3 * 0.7));
  });
});
