import { expect } from 'chai';
import type { LogEntry } from '../../src/train/log.js';
import { drawCurves } from '../../src/train/plot.js';

const step = (n: number): LogEntry => ({
  step: n,
  loss: 4 / n,
  metrics: { accuracy: 1 - 1 / n, wobble: Math.sin(n) },
  rate: 0.001,
  imagesPerSecond: 100,
  seconds: n,
});

/** The points of the lines of a picture, as `[x, y]` in pixels of their panel. */
const linesOf = (svg: string): number[][][] =>
  [
    ...svg.matchAll(/<path aria-label="[^"]*" role="graphics-symbol" aria-roledescription="line mark" d="([^"]*)"/g),
  ].map(([, path]) =>
    path!
      .slice(1)
      .split('L')
      .map(point => point.split(',').map(Number)),
  );

describe('drawCurves', () => {
  it('draws a panel for each number, its axes named', async () => {
    const entries = [1, 2, 3, 4].map(step);
    entries.splice(2, 0, { step: 2, evaluation: { colour: 0.5, 'mIoU <csa>': 0.25 } });
    entries.push({ step: 4, evaluation: { colour: 0.75, 'mIoU <csa>': 0.5 } });
    const svg = await drawCurves(entries);
    expect(svg).to.match(/^<svg.*<\/svg>$/s);
    const words = [
      'loss (nats)',
      'accuracy in the batch (share)',
      'wobble',
      'evaluation',
      'learning rate',
      'images per second',
    ];
    for (const word of words) expect(svg, word).to.include(`>${word}</text>`);
    expect(svg.match(/>step<\/text>/g)).to.have.length(words.length);
    for (const name of ['colour', 'mIoU &lt;csa&gt;']) expect(svg).to.include(`>${name}</text>`);
    const lines = linesOf(svg);
    expect(lines).to.have.length(words.length + 1);
    const [loss] = lines;
    expect(loss).to.have.length(4);
    // Time runs to the right, and the loss falls, which is downwards: towards larger y.
    expect(loss!.map(([x]) => x)).to.deep.equal([...loss!.map(([x]) => x!)].sort((a, b) => a - b));
    expect(loss![3]![1]).to.be.greaterThan(loss![0]![1]!);
  });

  it('has one axis of steps for all panels, from 0 to the last, with room for whole points', async () => {
    const entries = [1, 2, 3, 4].map(step);
    entries.splice(2, 0, { step: 2, evaluation: { colour: 0.5 } });
    entries.push({ step: 4, evaluation: { colour: 0.75 } });
    const svg = await drawCurves(entries);
    const evaluation = linesOf(svg).find(line => line.length === 2)!;
    const [loss] = linesOf(svg);
    expect(evaluation.map(([x]) => x)).to.deep.equal([loss![1]![0], loss![3]![0]]);
    expect(loss![0]![0], 'step 1 of 4').to.be.closeTo(loss![3]![0]! / 4, 0.01);
    expect(svg).to.not.include('clip-path');
  });

  it('draws no more points than there is room for, and keeps the mean', async () => {
    // Eleven steps a point: around a mean that rises by one from point to point they swing as far as each likes.
    const loss = (i: number) => Math.floor(i / 11) + 100 * Math.sin(Math.floor(i / 11)) * ((i % 11) - 5);
    const svg = await drawCurves(Array.from({ length: 6600 }, (_, i) => ({ ...step(i + 1), loss: loss(i) })));
    const [line] = linesOf(svg);
    expect(line).to.have.length(600);
    const [[x0, y0], [x1, y1]] = [line![0], line!.at(-1)] as [[number, number], [number, number]];
    expect(y0 - y1, 'the height of the panel').to.be.greaterThan(100);
    line!.forEach(([x, y], i) => {
      expect(x).to.be.closeTo(x0 + (i / 599) * (x1 - x0), 0.01);
      expect(y).to.be.closeTo(y0 + (i / 599) * (y1 - y0), 0.01);
    });
    expect(svg.length).to.be.below(200_000);
  });

  it('draws a log of one step', async () => {
    expect(await drawCurves([step(1)])).to.match(/^<svg/);
  });
});
