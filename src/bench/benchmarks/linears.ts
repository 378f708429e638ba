/** Single linear layers of ViT-B/16, each as fast per operation as the runtime's best product of two matrices. */
import { type Bench, ours, race } from '../bench.js';
import type { Timing } from '../interleave.js';
import { timed } from '../report.js';
import { median, medianRatio } from '../statistics.js';

interface Layer {
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
}

const cube: Layer = { rows: 1024, inputs: 1024, outputs: 1024 };
const [width, mlpWidth] = [768, 3072];
const layers: readonly Layer[] = [197, 8 * 197].flatMap(rows => [
  { rows, inputs: width, outputs: width },
  { rows, inputs: width, outputs: mlpWidth },
  { rows, inputs: mlpWidth, outputs: width },
]);
const nameOf = ({ rows, inputs, outputs }: Layer) => `linears/${rows}x${inputs}x${outputs}`;
/** Multiplications and additions. */
const operations = ({ rows, inputs, outputs }: Layer) => 2 * rows * inputs * outputs;
/** So that a run takes some hundred milliseconds. */
const callsOf = (layer: Layer) => Math.ceil(1e10 / operations(layer));

export const rows = layers.map(nameOf);

export async function run(bench: Bench): Promise<void> {
  const wanted = layers.filter(layer => bench.wants(nameOf(layer)));
  const lane = (layer: Layer, bias: boolean) =>
    ours({ task: 'linear', ...layer, bias, threads: bench.threads, calls: callsOf(layer) });
  const lanes = wanted.map(layer => [nameOf(layer).replaceAll('/', '-'), lane(layer, true)] as const);
  const timings = (await race(bench, { cube: lane(cube, false), ...Object.fromEntries(lanes) })) as Record<
    string,
    Timing
  >;
  const perCall = (name: string, layer: Layer): Timing => {
    const { cpu, wall, ...rest } = timings[name]!;
    const each = (times: readonly number[]) => times.map(time => time / callsOf(layer));
    return { ...rest, cpu: each(cpu), wall: each(wall) };
  };
  const perOperation = (timing: Timing, layer: Layer) => timing.cpu.map(time => time / operations(layer));
  const best = perCall('cube', cube);
  const bestRate = operations(cube) / median(best.cpu) / 1e6;
  wanted.forEach((layer, i) => {
    const timing = perCall(lanes[i]![0], layer);
    bench.add({
      ...timed(nameOf(layer), timing),
      ratio: medianRatio(perOperation(timing, layer), perOperation(best, cube)),
      asked: 1 / 0.85,
      peer: `1024 cube at ${bestRate.toFixed(1)}`,
      rate: `${(operations(layer) / median(timing.cpu) / 1e6).toFixed(1)} GFLOP/s`,
    });
  });
}
