import { join } from 'node:path';
import { expect } from 'chai';
import { type LoadedClip, loadClip } from '../../../src/checkpoint/loadClip.js';
import {
  clipselfTask,
  regionLoss,
  type TrainedParts,
  trainedParts,
  withParts,
} from '../../../src/methods/clipself/task.js';
import { createClip } from '../../../src/model/clip.js';
import type { WindowedBlocks } from '../../../src/model/config.js';
import { enableGradients } from '../../../src/tensor/gradients.js';
import { lossAndGradients } from '../../../src/tensor/lossAndGradients.js';
import { add, mul, type Pixels, scalar, type Tensor, type Tensor2D, tensor, tidy } from '../../../src/tensor/tfjs.js';
import { leavesOf, restructure } from '../../../src/tensor/trace/structure.js';
import { writeEva } from '../../checkpoint/evaFolder.js';
import { useEngine } from '../../engine.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { writeTiny } from './tiny.js';

/** Made-up numbers. */
const wave = (shape: number[], pace: number): Tensor =>
  tensor(
    Float32Array.from(
      { length: shape.reduce((a, b) => a * b, 1) },
      (_, i) => Math.sin(pace * i) + 0.3 * Math.cos(0.11 * i),
    ),
    shape,
  );

/** Pixels of two pictures, crops of three regions, and the weights of patches in each. */
function batchFor({ image }: LoadedClip['config'], side: number): [Pixels, Pixels, Tensor2D] {
  const { patch, imageSize } = image!;
  const patches = side * side;
  const weights = Float32Array.from({ length: 3 * 2 * patches }, (_, i) => (i % 7 === 0 ? 0.25 : 0));
  const size = side * patch;
  return [
    wave([2, 3, size, size], 0.37) as Pixels,
    wave([3, 3, imageSize, imageSize], 0.53) as Pixels,
    tensor(weights, [3, 2 * patches]) as Tensor2D,
  ];
}

/** The loss as a function of what is trained. */
function lossOf(clip: LoadedClip, windows: WindowedBlocks | undefined, side: number) {
  const image = { ...clip.config.image!, ...(windows && { windows }) };
  const [pixels, crops, weights] = batchFor(clip.config, side);
  const taught = clip.image(crops).embedding;
  return (parts: TrainedParts): Tensor => {
    const own = withParts(clip.weights.image!, parts);
    return regionLoss(createClip({ ...clip.config, image }, { ...clip.weights, image: own }), pixels, weights, taught);
  };
}

const kinds: [name: string, write: (dir: string) => string, windows?: WindowedBlocks][] = [
  ["OpenAI's tower", writeTiny],
  ["OpenAI's tower in windows", writeTiny, { size: 2, global: [] }],
  ["EVA-02's tower", dir => writeEva(join(dir, 'eva'))],
  ["EVA-02's tower in windows", dir => writeEva(join(dir, 'eva')), { size: 2, global: [1] }],
];

describe('gradients of the loss of regions', function () {
  this.timeout(120_000);
  before(useEngine);
  before(enableGradients);

  for (const [name, write, windows] of kinds) {
    it(`are what the loss does along them: ${name}`, () =>
      inTemporaryFolder(async dir => {
        const clip = await loadClip(write(dir));
        tidy(() => {
          const loss = lossOf(clip, windows, 4);
          const start = trainedParts(clip.weights.image!, clip.config.image!.eva !== undefined, { stem: true });
          const { gradients } = lossAndGradients(loss, start);
          const leaves = leavesOf(start);
          let looked = 0;
          for (const [at, { path, tensor: slope }] of leavesOf(gradients).entries()) {
            const length = Math.hypot(...slope.dataSync<'float32'>());
            // Biases of keys, and queries and keys of the last block, change nothing.
            const isStill = /^blocks\.\d+\.k\.bias$|^blocks\.1\.[qk]\./.test(path.join('.')) && !clip.config.image!.eva;
            if (isStill) {
              expect(length, path.join('.')).to.be.lessThan(1e-6);
              continue;
            }
            const step = 1e-2;
            const moved = [step, -step].map(by => {
              const next = leaves.map(({ tensor }, i) => (i === at ? add(tensor, mul(slope, by / length)) : tensor));
              return loss(restructure(start, next) as TrainedParts).dataSync()[0]!;
            });
            const measured = (moved[0]! - moved[1]!) / (2 * step);
            expect(measured, path.join('.')).to.be.closeTo(length, 0.03 * length + 1e-4);
            looked++;
          }
          expect(looked).to.be.at.least(leaves.length - 6);
        });
        clip.dispose();
      }));
  }

  it("leave EVA-02's last queries and keys alone, and let OpenAI's decay", () =>
    inTemporaryFolder(async dir => {
      for (const [folder, isEva] of [
        [writeTiny(dir), false],
        [writeEva(join(dir, 'eva')), true],
      ] as const) {
        const clip = await loadClip(folder);
        tidy(() => {
          const side = 4;
          const size = side * clip.config.image!.patch;
          const adamW = { beta1: 0.9, beta2: 0.98, epsilon: 1e-6, decay: 0.1 };
          const task = clipselfTask(clip, { batch: 2, size, layers: 1, adamW });
          const start = task.start();
          expect(start.weights.blocks).to.have.length(1);
          expect(start.weights).to.not.have.property('stem');
          const { state, metrics } = task.step(start, scalar(0.01), ...batchFor(clip.config, side));
          expect(Object.keys(metrics)).to.deep.equal(['loss', 'gradient']);
          const [before, after] = [start.weights.blocks[0]!, state.weights.blocks[0]!];
          for (const part of ['q', 'k'] as const) {
            expect(part in after).to.equal(!isEva);
            if (isEva) continue;
            const [old, now] = [before, after].map(block => block[part]!.weight.dataSync<'float32'>());
            now!.forEach((value, i) => {
              if (Math.abs(value - old![i]! * (1 - 0.01 * 0.1)) > 1e-7) throw new Error(`${part} ${i}: ${value}`);
            });
          }
          expect(after.v.weight.dataSync()[0]).to.not.equal(before.v.weight.dataSync()[0]);
        });
        clip.dispose();
      }
    }));
});
