import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../src/errors.js';
import { cosineSchedule } from '../../src/train/schedule.js';
import { expectClose, findGolden } from '../goldens.js';
import { numbers } from './numbers.js';

describe('cosineSchedule', () => {
  it('gives the rates of PyTorch', () => {
    const { rates, ...schedule } = numbers.schedule;
    const rate = cosineSchedule(schedule);
    const ours = rates.map((_, i) => rate(i + 1));
    expectClose(ours, rates, { maxAbs: 1e-12 });
  });

  it("gives those of CLIPSelf's runs", () => {
    const golden = readFileSync(findGolden('clipself/training.json')!, 'utf8');
    const rates: Record<string, number> = JSON.parse(golden).learning_rates['cosine lr1e-5 warmup1000 total44358'];
    const rate = cosineSchedule({ rate: 1e-5, warmup: 1000, steps: 44358 });
    const ours = Object.keys(rates).map(step => rate(Number(step) + 1));
    expectClose(ours, Object.values(rates), { maxAbs: 1e-19, relative: 1e-6 });
    expect(ours).to.have.length(10);
  });

  it('rises, then falls to its floor and stays there', () => {
    const whole = fc.record({
      rate: fc.double({ min: 1e-6, max: 1, noNaN: true }),
      warmup: fc.nat(20),
      falling: fc.integer({ min: 2, max: 50 }),
      floor: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(whole, ({ rate, warmup, falling, floor }) => {
        const steps = warmup + falling;
        const at = cosineSchedule({ rate, warmup, steps, floor });
        const rates = Array.from({ length: steps }, (_, i) => at(i + 1));
        const peak = rates[warmup]!;
        return (
          Math.abs(peak - rate) < 1e-12 &&
          rates.every((value, i) => value > 0 || (floor === 0 && i > warmup)) &&
          rates.every((value, i) => i === 0 || (i <= warmup ? value >= rates[i - 1]! : value <= rates[i - 1]!)) &&
          Math.abs(at(steps + 1) - floor * rate) < 1e-12 &&
          at(steps + 100) === at(steps + 1)
        );
      }),
    );
  });

  it('falls anew from each restart, to the same lowest rate', () => {
    const first = { rate: 1e-3, warmup: 5, steps: 40, floor: 0.1 };
    const rate = cosineSchedule({ ...first, steps: 100, restarts: [{ fromStep: 41, rate: 5e-4 }] });
    const alone = cosineSchedule(first);
    for (let step = 1; step <= 40; step++) expect(rate(step)).to.equal(alone(step));
    const again = cosineSchedule({ rate: 5e-4, warmup: 0, steps: 60, floor: 0.2 });
    for (let step = 41; step <= 101; step++) expect(rate(step)).to.be.closeTo(again(step - 40), 1e-15);
    expect(rate(101)).to.be.closeTo(1e-4, 1e-15);
  });

  it('refuses what is no schedule', () => {
    const good = { rate: 1e-3, warmup: 5, steps: 20 };
    const refuse = (change: object, message: RegExp) =>
      expect(() => cosineSchedule({ ...good, ...change })).to.throw(InputError, message);
    for (const rate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) refuse({ rate }, /expected a rate above 0/);
    for (const floor of [-0.1, 1.1, Number.NaN]) refuse({ floor }, /expected a floor from 0 to 1/);
    for (const warmup of [-1, 1.5, 20, 21]) refuse({ warmup }, /fewer than the 20 steps/);
    for (const steps of [[6], [10, 10], [12, 11], [21], [7.5]]) {
      refuse(
        { restarts: steps.map(fromStep => ({ fromStep, rate: 1e-4 })) },
        /expected a restart after step \d+, of 20/,
      );
    }
    for (const rate of [0, -1, Number.NaN, 1e-4]) {
      refuse({ floor: 0.5, restarts: [{ fromStep: 10, rate }] }, /a restart at a rate above the lowest, 0.0005/);
    }
  });
});
