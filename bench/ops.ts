/**
 * Single operations at the sizes of ViT-B/16, each against a plain product of two 1024 x 1024 matrices (what it
 * computes) or a plain sum of two such matrices (what it moves).
 *
 *     npx tsx bench/ops.ts [--engine NAME] [--filter TEXT] [--rounds N] [--json]
 */
import { Bench } from 'tinybench';
import { cpuNow } from '../src/bench/machine.js';
import { normal } from '../src/bench/random.js';
import { median } from '../src/bench/statistics.js';
import { configByName } from '../src/model/config.js';
import { embed } from '../src/model/embed.js';
import { openPoints } from '../src/model/points.js';
import { stretchPositions } from '../src/model/positions.js';
import { gelu, quickGelu } from '../src/tensor/ops/gelu.js';
import { headProduct, mergeHeads, splitHeads } from '../src/tensor/ops/heads.js';
import { layerNorm } from '../src/tensor/ops/layerNorm.js';
import { linear } from '../src/tensor/ops/linear.js';
import { unitLength } from '../src/tensor/ops/unitLength.js';
import {
  add,
  type Heads,
  matMul,
  type Pattern,
  type Pixels,
  softmax,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tokens,
  tensor,
  tidy,
} from '../src/tensor/tfjs.js';
import { benchOptions, openReport } from './report.js';

interface Operation {
  readonly name: string;
  /** Multiplications and additions. */
  readonly flops?: number;
  /** Bytes of the input and the output, each once: what the operation has to move at least. */
  readonly bytes?: number;
  readonly run: () => Tensor;
}

const options = benchOptions({ rounds: 5 });
const report = await openReport('single operations', options);

let seed = 0;
const random = <T extends Tensor>(...shape: number[]): T => {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(normal(size, ++seed), shape) as T;
};
const movedBy = (x: Tensor, passes = 2): number => passes * 4 * x.size;

const [width, heads, mlpWidth] = [768, 12, 3072];
const side = 1024;
const square = [random<Tensor2D>(side, side), random<Tensor2D>(side, side)] as const;
const product: Operation = { name: 'matMul 1024 cube', flops: 2 * side ** 3, run: () => matMul(...square) };
const sum: Operation = { name: 'add 1024 square', bytes: movedBy(square[0], 3), run: () => add(...square) };

function linearOf(rows: number, inputs: number, outputs: number): Operation {
  const x = random<Tensor2D>(rows, inputs);
  const map = { weight: random<Tensor2D>(inputs, outputs), bias: random<Tensor1D>(outputs) };
  return {
    name: `linear [${rows}, ${inputs}] to ${outputs}`,
    flops: 2 * rows * inputs * outputs,
    run: () => linear(x, map),
  };
}

function attentionOf(tokens: number): Operation[] {
  const d = width / heads;
  const [q, k, v] = [0, 1, 2].map(() => random<Heads>(1, heads, tokens, d)) as [Heads, Heads, Heads];
  const scores = random<Pattern>(1, heads, tokens, tokens);
  const pattern = tidy(() => softmax(scores));
  const flops = 2 * heads * tokens * tokens * d;
  const at = `${heads} heads, ${tokens} tokens`;
  return [
    { name: `headProduct q k^T, ${at}`, flops, run: () => headProduct(q, k, true) },
    { name: `headProduct pattern v, ${at}`, flops, run: () => headProduct(pattern, v) },
    { name: `softmax, ${at}`, bytes: movedBy(scores), run: () => softmax(scores) },
  ];
}

function tokenwise(tokens: number): Operation[] {
  const x = random<Tokens>(1, tokens, width);
  const middle = random<Tokens>(1, tokens, mlpWidth);
  const apart = tidy(() => splitHeads(x, heads));
  const norm = { weight: random<Tensor1D>(width), bias: random<Tensor1D>(width) };
  const at = `[${tokens}, ${width}]`;
  return [
    { name: `layerNorm ${at}`, bytes: movedBy(x), run: () => layerNorm(x, norm) },
    { name: `unitLength ${at}`, bytes: movedBy(x), run: () => unitLength(x) },
    { name: `splitHeads ${at}`, bytes: movedBy(x), run: () => splitHeads(x, heads) },
    { name: `mergeHeads ${at}`, bytes: movedBy(x), run: () => mergeHeads(apart) },
    { name: `quickGelu [${tokens}, ${mlpWidth}]`, bytes: movedBy(middle), run: () => quickGelu(middle) },
    { name: `gelu [${tokens}, ${mlpWidth}]`, bytes: movedBy(middle), run: () => gelu(middle) },
  ];
}

function embeddings(): Operation[] {
  const config = configByName('ViT-B/16').image!;
  const norm = { weight: random<Tensor1D>(width), bias: random<Tensor1D>(width) };
  const weights = {
    patch: random<Tensor2D>(width, width),
    classToken: random<Tensor1D>(width),
    positions: random<Tensor2D>(197, width),
    lnPre: norm,
    blocks: [],
    lnPost: norm,
    projection: random<Tensor2D>(width, 512),
  };
  const points = openPoints('image', []);
  const pixels = random<Pixels>(1, 3, 224, 224);
  const grid = { rows: 28, columns: 28 };
  return [
    {
      name: 'patches and positions, 224 pixels',
      flops: 2 * 196 * width * width,
      run: () => embed({ config, weights, points }, pixels, 'stretch'),
    },
    {
      name: 'positions from 14 x 14 to 28 x 28',
      bytes: 4 * (197 + 785) * width,
      run: () => stretchPositions(weights.positions, grid, 'stretch'),
    },
  ];
}

const operations = [
  linearOf(197, width, mlpWidth),
  linearOf(197, mlpWidth, width),
  linearOf(197, width, width),
  linearOf(785, width, mlpWidth),
  ...attentionOf(197),
  ...attentionOf(785),
  ...tokenwise(197),
  ...embeddings(),
].filter(({ name }) => report.wants(name));

// Each round measures everything once more, so that a busy minute does not fall on one operation alone.
const samples = new Map<Operation, number[]>([product, sum, ...operations].map(operation => [operation, []]));
for (let round = 0; round < options.rounds; round++) {
  const bench = new Bench({
    now: cpuNow,
    iterations: 5,
    time: 0,
    warmupIterations: 1,
    warmupTime: 0,
    retainSamples: true,
    throws: true,
  });
  for (const { name, run } of samples.keys()) {
    bench.add(name, () => {
      tidy(() => {
        run();
      });
    });
  }
  bench.runSync();
  for (const [{ name }, times] of samples) {
    const { result } = bench.getTask(name)!;
    if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`);
    times.push(...(result.latency.samples ?? []));
  }
}

/** Units of 1e9 a second, by the median. */
const rateOf = (operation: Operation): number =>
  (operation.flops ?? operation.bytes)! / (median(samples.get(operation)!) * 1e6);

for (const operation of samples.keys()) {
  const times = samples.get(operation)!;
  report.add({
    name: operation.name,
    median: median(times),
    min: Math.min(...times),
    ratio: rateOf(operation.flops ? product : sum) / rateOf(operation),
    rate: `${rateOf(operation).toFixed(1)} ${operation.flops ? 'GFLOP/s' : 'GB/s'}`,
  });
}
report.finish();
