import { expect } from 'chai';
import { against, headingLine, rowLine, timed } from '../../src/bench/report.js';

const timing = (cpu: number[], output: number[]) => ({
  cpu,
  wall: cpu.map(time => time + 1),
  output: Float32Array.from(output),
});

describe('rows of benchmarks', () => {
  const ours = timing([10, 30, 20], [1, 2]);

  it('one candidate alone: median and least processor time', () => {
    expect(timed('a', ours)).to.deep.equal({ name: 'a', median: 20, min: 10, note: '11.0 ms by the clock' });
  });

  it('against another: ratio and difference; an error where outputs differ', () => {
    const { ratio, difference } = against('a', ours, timing([20, 60, 40], [1, 2.0001]));
    expect(ratio).to.equal(0.5);
    expect(difference).to.be.closeTo(5e-5, 1e-6);
    expect(() => against('a', ours, timing([1, 1, 1], [1, 3]))).to.throw('a: outputs differ by 0.333');
    expect(() => against('a', ours, timing([1, 1, 1], [1]))).to.throw('a: outputs differ by Infinity');
  });

  it('print what was measured beside what is asked', () => {
    const row = {
      name: 'load',
      median: 999.16,
      min: 7.5,
      ratio: 0.94,
      asked: 0.6,
      peer: 'onnxruntime',
      difference: 7.4e-7,
    };
    const cells = (line: string) => line.split(/ {2,}/);
    expect(cells(rowLine(row))).to.deep.equal([
      'load',
      '999.2',
      '7.500 ms',
      '0.940 NOT 0.600',
      '7.4e-7',
      'onnxruntime',
    ]);
    expect(rowLine({ ...row, asked: 1 })).to.include(' <= 1.000 ');
    expect(rowLine({ name: 'memory', median: 486, min: 485, unit: 'MB' })).to.match(/486\.0 +485\.0 MB$/);
    expect(rowLine({ name: 'a', asked: 2, skipped: 'no Python' })).to.match(/^a +2\.000 +skipped: no Python$/);
    const eight = rowLine({ name: 's8', peer: 'float', cosine: 0.99967, agreement: 0.98, note: 'n' });
    expect(eight).to.match(/ float cosine 0\.999670; argmax 98\.0 %; n$/);
    expect(rowLine({ name: 'linear', rate: '131.0 GFLOP/s', peer: 'cube' })).to.match(/ 131\.0 GFLOP\/s cube$/);
    expect(headingLine()).to.match(/^ +median +min +ratio +asked +difference$/);
  });
});
