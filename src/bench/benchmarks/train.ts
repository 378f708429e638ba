/** A step of training of the image tower: forward, backward and AdamW. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { against, type Bench, ours, race, versus } from '../bench.js';
import type { Timing } from '../interleave.js';
import { normal } from '../random.js';
import { unitRows } from '../statistics.js';

const row = 'train/step';
const batch = 8;
/** CLIP's own (Radford et al. 2021, table 18), at a small rate. */
const settings = { rate: 1e-5, adam: { beta1: 0.9, beta2: 0.98, epsilon: 1e-6, decay: 0.2 } };

export const rows = [row];

export async function run(bench: Bench): Promise<void> {
  const { model, modelFolder, image, embedding, threads, input, folder } = bench;
  const targets = join(folder, 'targets');
  writeFileSync(targets, unitRows(normal(batch * embedding, 5), embedding));
  const given = { input, targets, batch, threads, ...settings };
  const timings = await race(bench, {
    ours: ours({ task: 'step', ...given, model }),
    pytorch: against(bench, ({ python }) =>
      python('pytorch_step.py', { ...given, model: modelFolder, side: image.imageSize, embedding }),
    ),
  });
  bench.add(versus(row, timings.ours as Timing, timings.pytorch, { peer: 'pytorch', asked: 1.5 }));
}
