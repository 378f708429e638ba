import { loadClip } from '../../checkpoint/loadClip.js';
import { clipselfTask } from '../../methods/clipself/task.js';
import { startEngine } from '../../tensor/engine.js';
import { enableGradients } from '../../tensor/gradients.js';
import { startStep } from '../../train/loop.js';
import type { AdamWSettings } from '../../train/optimiser.js';
import { readFloats } from '../floats.js';
import type { Work } from './work.js';

export interface ClipselfStepGiven {
  readonly model: string;
  /** Files of float32: the student's pictures, the teacher's crops, and the weights of the patches in each region. */
  readonly pixels: string;
  readonly crops: string;
  readonly weights: string;
  /** How many pictures, and the side of each in pixels. */
  readonly images: number;
  readonly side: number;
  readonly regions: number;
  readonly rate: number;
  readonly optimiser: AdamWSettings;
  readonly threads: number;
}

/** The step of `train clipself`, in the thread that keeps its state; gives the losses so far. */
export async function clipselfStep(given: ClipselfStepGiven): Promise<Work> {
  const { images, side, regions, rate, optimiser, threads } = given;
  await startEngine('cpu');
  enableGradients();
  const clip = await loadClip(given.model, { towers: ['image'], weights: 'file' });
  const { imageSize, patch } = clip.config.image!;
  const task = clipselfTask(clip, { batch: images, size: side, adamW: optimiser });
  const step = await startStep(task, { threads });
  const read = (file: string, shape: readonly number[]) => ({
    data: readFloats(
      file,
      shape.reduce((product, axis) => product * axis),
    ),
    shape,
  });
  const inputs = [
    { data: Float32Array.of(rate), shape: [] },
    read(given.pixels, [images, 3, side, side]),
    read(given.crops, [regions, 3, imageSize, imageSize]),
    read(given.weights, [regions, images * Math.floor(side / patch) ** 2]),
  ];
  const losses: number[] = [];
  return async () => {
    const { metrics } = await step(...inputs);
    losses.push(metrics.loss!.data[0]!);
    return Float32Array.from(losses);
  };
}
