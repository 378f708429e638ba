import { expect } from 'chai';
import fc from 'fast-check';
import { overlaySteps } from '../src/image/drawing/overlay.js';
import { rgbPicture } from '../src/image/picture.js';
import { encodePng } from '../src/image/png/encode.js';
import { resizeSteps } from '../src/image/resize.js';
import { labelSteps } from '../src/segment/dense/labels.js';
import { denseFromPlanes, logitPlanesSteps } from '../src/segment/dense/logits.js';
import { pamrSteps } from '../src/segment/dense/pamr.js';
import { atOnce, byTurns, type Steps } from '../src/turns.js';

function* counting(steps: number, done: number[] = []): Steps<string> {
  for (let step = 0; step < steps; step++) {
    done.push(step);
    yield;
  }
  return `${steps} steps`;
}

/** How often the event loop turns until something is done. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let done = false;
  const count = () => {
    turns++;
    if (!done) setImmediate(count);
  };
  setImmediate(count);
  await work();
  done = true;
  return turns;
}

/** Steps that some work is done in. */
function stepsOf(steps: Steps<unknown>): number {
  let count = 0;
  while (!steps.next().done) count++;
  return count;
}

describe('work in steps', () => {
  it('is done in order, at once or by turns', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(30), fc.integer({ min: -1, max: 1 }), async (steps, every) => {
        const [first, second]: number[][] = [[], []];
        expect(atOnce(counting(steps, first))).to.equal(`${steps} steps`);
        expect(await byTurns(counting(steps, second), every)).to.equal(`${steps} steps`);
        expect(first).to.deep.equal(Array.from({ length: steps }, (_, step) => step));
        expect(second).to.deep.equal(first);
      }),
    ));

  it('lets the event loop turn before each step whose time has come, and before the first', async () => {
    // No time at all: every step's has come. For ever: that of the first alone.
    expect(await turnsDuring(() => byTurns(counting(20), 0))).to.be.within(21, 23);
    expect(await turnsDuring(() => byTurns(counting(20), Number.POSITIVE_INFINITY))).to.be.within(1, 2);
  });

  it('fails as its step does', async () => {
    function* failing(): Steps<never> {
      yield;
      throw new RangeError('enough');
    }
    expect(() => atOnce(failing())).to.throw(RangeError, 'enough');
    const outcome = await byTurns(failing()).catch(error => error);
    expect(outcome).to.be.instanceOf(RangeError);
  });
});

describe('what takes long is done a row at a time', () => {
  const [queries, height, width] = [3, 60, 7];
  const size = height * width;
  const planes = Float32Array.from({ length: queries * size }, (_, i) => Math.sin(i));
  const dense = denseFromPlanes(planes, queries, height, width);
  const picture = rgbPicture(
    width,
    height,
    Uint8Array.from({ length: 3 * size }, (_, i) => i % 251),
  );

  const rows: Record<string, [steps: () => Steps<unknown>, least: number]> = {
    labels: [() => labelSteps(dense, { scale: 40, classOfQuery: Int32Array.of(0, 1, 2), classes: 3 }), height],
    'planes of logits': [() => logitPlanesSteps(dense), height],
    // Three channels of the photo, and each class in each round.
    PAMR: [
      () =>
        pamrSteps(
          { pixels: planes, height, width },
          { planes, classes: queries, height, width },
          {
            steps: 2,
            dilations: [1],
          },
        ),
      (3 + 2 * queries) * height,
    ],
    // First the rows, of which more are lost than columns, then lanes of three samples.
    resampling: [() => resizeSteps(picture, 5, 40, 'bicubic'), 40 + 40],
    'the nearest pixels': [() => resizeSteps(picture, 5, 40, 'nearest'), 40],
    overlays: [() => overlaySteps(picture, new Uint8Array(size)), height],
  };
  for (const [what, [steps, least]] of Object.entries(rows)) {
    it(what, () => expect(stepsOf(steps())).to.be.within(least, least + 2));
  }

  it('and what deflates a PNG leaves the event loop alone', async () => {
    const large = rgbPicture(2000, 500, new Uint8Array(3 * 2000 * 500).fill(7));
    // One turn for the filters, and more of them while zlib works beside.
    expect(await turnsDuring(() => encodePng(large, 9))).to.be.above(3);
  });
});
