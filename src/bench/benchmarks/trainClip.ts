/** A whole step of `train clip`: both towers, the contrastive loss, and AdamW. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeModelFolder } from '../../checkpoint/convert.js';
import { fromFloat32 } from '../../files/dtype.js';
import { clipPreprocess } from '../../image/preprocessSpec.js';
import type { Mapped, Values } from '../../tensor/compile.js';
import { dispose, type Tensor } from '../../tensor/tfjs.js';
import { leavesOf, restructure } from '../../tensor/trace/structure.js';
import { toValues } from '../../tensor/values.js';
import { clipTensors } from '../../train/clip/clipTensors.js';
import { modelConfig, readTrainConfig, type TrainClipConfig } from '../../train/clip/config.js';
import type { TrainedWeights } from '../../train/clip/initial.js';
import { batchMemory, drawBatch, openStudio } from '../../train/clip/sceneBatch.js';
import { planOf, taskOf } from '../../train/clip/trainClip.js';
import { against, type Bench, isAbsent, ours, race, versus } from '../bench.js';
import type { Timing } from '../interleave.js';
import { median } from '../statistics.js';

const row = 'train/clip';
/** What the embedded model is trained by. */
const recipe = fileURLToPath(new URL('../../../configs/scenes.json', import.meta.url));

export const rows = [row];

export async function run(bench: Bench): Promise<void> {
  const config = readTrainConfig(recipe);
  const { optimiser, data } = config;
  const file = (name: string) => join(bench.folder, `clip-${name}`);
  const [pixels, ids, model] = [file('pixels'), file('ids'), file('model')];
  const shape = writeBatch(config, pixels, ids);
  if (bench.peers) await writeStart(config, model);
  const given = { pixels, ids, rate: optimiser.rate, threads: bench.threads };
  const timings = await race(bench, {
    ours: ours({ task: 'clipStep', ...given, config: recipe }),
    pytorch: against(bench, ({ python }) => python('pytorch_clip.py', { ...given, ...shape, model, optimiser })),
  });
  const both = [timings.ours, timings.pytorch].filter(timing => !isAbsent(timing)) as Timing[];
  const speeds = both.map(({ cpu }) => ((1000 * data.batch) / median(cpu)).toFixed(1));
  const measured = versus(row, timings.ours as Timing, timings.pytorch, { peer: 'pytorch', asked: 1.5 });
  bench.add({ ...measured, rate: `${speeds.join(' against ')} images/s` });
}

/** Writes the first batch of a recipe; gives its sizes. */
function writeBatch(config: TrainClipConfig, pixelFile: string, idFile: string) {
  const plan = planOf(config);
  const { batch, size: side, tokens } = plan;
  const memory = batchMemory(plan);
  drawBatch(plan, 1, openStudio(plan), memory);
  writeFileSync(pixelFile, memory.pixels);
  writeFileSync(idFile, Float32Array.from(memory.ids));
  return { batch, side, tokens };
}

/** Writes the weights that a recipe begins with as a model folder, with no words but those it is trained on. */
async function writeStart(config: TrainClipConfig, folder: string): Promise<void> {
  const start = (await taskOf(config)).start();
  const leaves = await Promise.all(leavesOf(start.weights).map(({ tensor }) => toValues(tensor)));
  const weights = restructure(start.weights, leaves) as Mapped<TrainedWeights, Values>;
  dispose(start as unknown as Tensor[]);
  const [vocabulary] = weights.text.table.shape as [number];
  const { text, ...rest } = modelConfig(config);
  const model = { ...rest, text: { ...text!, vocabulary } };
  const ids = Int32Array.from({ length: vocabulary }, (_, id) => id);
  const tensors = [...clipTensors(model, ids, weights)].map(
    ([name, { shape, data }]) => [name, { dtype: 'F32', shape, bytes: () => fromFloat32('F32', data) }] as const,
  );
  const preprocessor = clipPreprocess(config.model.image.imageSize);
  writeModelFolder(folder, { name: folder, config: model, preprocessor, tensors: new Map(tensors), dtype: 'F32' });
}
