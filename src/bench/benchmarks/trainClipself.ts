/** A step of `train clipself`: the student's dense map forward and backward, the teacher's crops, and AdamW. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gridCells } from '../../regions/boxes.js';
import { boxWeights } from '../../regions/weights.js';
import { against, type Bench, isAbsent, ours, race, versus } from '../bench.js';
import type { Timing } from '../interleave.js';
import { normal } from '../random.js';

const row = 'train/clipself';
const images = 1;
/** Of a picture, at the most: as large as its patches fill. */
const largest = 512;
/** Cells of a picture: 12, when 13 is the mean of the published draw. */
const [down, across] = [3, 4];
const regions = images * down * across;
/** The published runs' (Wu et al. 2024, section 4.1, and their code). */
const settings = { rate: 1e-5, optimiser: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.1 } };

export const rows = [row];

export async function run(bench: Bench): Promise<void> {
  const { model, modelFolder, image, threads, folder } = bench;
  const write = (name: string, values: Float32Array) => {
    const path = join(folder, `clipself-${name}`);
    writeFileSync(path, values);
    return path;
  };
  const cells = Math.floor(largest / image.patch);
  const side = cells * image.patch;
  const grid = { rows: cells, columns: cells };
  const weights = new Float32Array(regions * cells ** 2);
  gridCells(down, across).forEach((box, i) => {
    weights.set(boxWeights(box, grid), i * cells ** 2);
  });
  const given = {
    pixels: write('pixels', normal(images * 3 * side ** 2, 7)),
    crops: write('crops', normal(regions * 3 * image.imageSize ** 2, 8)),
    weights: write('weights', weights),
    images,
    side,
    regions,
    threads,
    ...settings,
  };
  const timings = await race(bench, {
    ours: ours({ task: 'clipselfStep', ...given, model }),
    pytorch: against(bench, ({ python }) =>
      python('pytorch_clipself.py', { ...given, model: modelFolder, crop: image.imageSize }),
    ),
  });
  const mine = timings.ours as Timing;
  const gigabytes = ({ peak = Number.NaN }: Timing) => `${(peak / 1e9).toFixed(2)} GB`;
  const memory = isAbsent(timings.pytorch)
    ? gigabytes(mine)
    : `${gigabytes(mine)} against ${gigabytes(timings.pytorch)}`;
  const measured = versus(row, mine, timings.pytorch, { peer: 'pytorch', asked: 1.5 });
  bench.add({ ...measured, rate: `${memory} at the most` });
}
