/**
 * Where the milliseconds of one eager ViT-B/16 image encode go: processor time by kernel and shapes, and by kind.
 *
 *     npx tsx bench/profile.ts [--engine NAME] [--rounds N] [--filter KERNEL] [--json]
 */
import { getKernelsForBackend, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core';
import { cpuNow } from '../src/bench/machine.js';
import { normal } from '../src/bench/random.js';
import { randomVitB16 } from '../src/bench/randomModel.js';
import { median } from '../src/bench/statistics.js';
import { loadClip } from '../src/checkpoint/loadClip.js';
import { getBackend, type Pixels, type Tensor, tensor, tidy } from '../src/tensor/tfjs.js';
import { benchOptions, openReport } from './report.js';

interface Spent {
  calls: number;
  milliseconds: number;
}

const options = benchOptions({ rounds: 8 });
const report = await openReport('profile of an image encode: ViT-B/16, 224 pixels, mean of the rounds', options);
const clip = await loadClip(randomVitB16({ visionOnly: true }), { towers: ['image'] });
const pixels = tensor(normal(3 * 224 * 224, 7), [1, 3, 224, 224]) as Pixels;

function encode(): number {
  const start = cpuNow();
  tidy(() => clip.image(pixels).embedding.dataSync());
  return cpuNow() - start;
}

/** Puts a clock around every kernel of the engine. Kernels that call others count what those take. */
function watchKernels(): Map<string, Spent> {
  const spent = new Map<string, Spent>();
  const backendName = getBackend();
  for (const kernel of [...getKernelsForBackend(backendName)]) {
    unregisterKernel(kernel.kernelName, backendName);
    registerKernel({
      ...kernel,
      kernelFunc(call) {
        const start = cpuNow();
        const result = kernel.kernelFunc(call);
        const milliseconds = cpuNow() - start;
        const key = `${kernel.kernelName} ${shapesOf(call.inputs as Record<string, Tensor | undefined>)}`;
        const entry = spent.get(key) ?? { calls: 0, milliseconds: 0 };
        spent.set(key, { calls: entry.calls + 1, milliseconds: entry.milliseconds + milliseconds });
        return result;
      },
    });
  }
  return spent;
}

function shapesOf(inputs: Record<string, Tensor | undefined>): string {
  const shapes = Object.values(inputs).flatMap(input => (input ? [`[${input.shape}]`] : []));
  return shapes.length > 3 ? `${shapes[0]} x ${shapes.length}` : shapes.join(' ');
}

function kindOf(kernel: string): string {
  if (kernel.startsWith('_FusedMatMul')) return 'products with weights and bias';
  if (kernel.startsWith('BatchMatMul')) return 'products without bias (attention, patches, projection)';
  return /^(Split|Concat|Transpose|Slice|Reshape|Tile)/.test(kernel) ? 'moving values' : 'element by element';
}

encode();
const plain = Array.from({ length: options.rounds }, encode);
const spent = watchKernels();
const watched = Array.from({ length: options.rounds }, encode);

const rows = [...spent].sort(([, a], [, b]) => b.milliseconds - a.milliseconds);
const whole = watched.reduce((a, b) => a + b) / options.rounds;
report.add({ name: 'the whole encode, unwatched', median: median(plain), min: Math.min(...plain) });
report.add({ name: 'the whole encode', median: whole, ratio: 1 });
const kinds = new Map<string, number>();
for (const [key, { milliseconds }] of rows) {
  const kind = kindOf(key);
  kinds.set(kind, (kinds.get(kind) ?? 0) + milliseconds / options.rounds);
}
const inKernels = [...kinds.values()].reduce((a, b) => a + b);
kinds.set('outside kernels: uploads, reads, bookkeeping', whole - inKernels);
for (const [name, time] of kinds) report.add({ name, median: time, ratio: time / whole });
for (const [key, { calls, milliseconds }] of rows) {
  const perEncode = milliseconds / options.rounds;
  if (!report.wants(key) || perEncode < whole / 2000) continue;
  report.add({ name: key, median: perEncode, ratio: perEncode / whole, rate: `${calls / options.rounds} calls` });
}
clip.dispose();
report.finish();
