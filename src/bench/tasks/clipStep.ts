import { readTrainConfig } from '../../train/clip/config.js';
import { taskOf } from '../../train/clip/trainClip.js';
import { startStep } from '../../train/loop.js';
import { readFloats } from '../floats.js';
import type { Work } from './work.js';

export interface ClipStepGiven {
  /** A configuration of `train clip`. */
  readonly config: string;
  /** A file of float32 pixels for one batch. */
  readonly pixels: string;
  /** A file of the ids of its captions, float32 too. */
  readonly ids: string;
  readonly rate: number;
  readonly threads: number;
}

/** The step of `train clip`, in the thread that keeps its state; gives the losses so far. */
export async function clipStep({ config, pixels, ids, rate, threads }: ClipStepGiven): Promise<Work> {
  const task = await taskOf(readTrainConfig(config));
  const step = await startStep(task, { threads });
  const [ofPixels, ofIds, ofDropped] = task.signature.map(({ shape }) => shape as readonly number[]) as number[][];
  const read = (file: string, shape: readonly number[]) =>
    readFloats(
      file,
      shape.reduce((a, b) => a * b),
    );
  const inputs = [
    { data: Float32Array.of(rate), shape: [] },
    { data: read(pixels, ofPixels!), shape: ofPixels! },
    { data: Int32Array.from(read(ids, ofIds!)), shape: ofIds! },
    { data: new Float32Array(ofDropped![0]!), shape: ofDropped! },
  ];
  const losses: number[] = [];
  return async () => {
    const { metrics } = await step(...inputs);
    losses.push(metrics.loss!.data[0]!);
    return Float32Array.from(losses);
  };
}
