/**
 * While a graph is made the event loop turns often enough: told in turns, because no time is the same on two machines.
 * `bench` tells it in milliseconds.
 */
import { expect } from 'chai';
import { linear } from '../../../src/tensor/ops/linear.js';
import { add, dispose, type Linear, type Tensor, type Tensor2D, tensor, tensor2d } from '../../../src/tensor/tfjs.js';
import type { Graph } from '../../../src/tensor/trace/graph.js';
import { merge } from '../../../src/tensor/trace/merge.js';
import { lowered } from '../../../src/tensor/trace/model.js';
import { writeOnnx } from '../../../src/tensor/trace/onnx/write.js';
import { fusing, shaping, spelling } from '../../../src/tensor/trace/passes/index.js';
import { record } from '../../../src/tensor/trace/record.js';
import { withSizes } from '../../../src/tensor/trace/signature.js';
import { useEngine, withoutLeak } from '../../engine.js';
import { noise, recorded } from './graphs.js';

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

const eight = [{ shape: ['batch', 8] }];

describe('the event loop turns', () => {
  before(useEngine);

  it('after each pass', () =>
    withoutLeak(async () => {
      const graph = await recorded((x: Tensor) => add(x, 1), eight);
      const passes = [...shaping, ...fusing.cpu, ...spelling].length;
      expect(await turnsDuring(() => lowered(graph, {}))).to.be.within(passes, passes + 2);
    }));

  it('every so many nodes, when recordings are merged and when the graph is written', () =>
    withoutLeak(async () => {
      const chain = (x: Tensor) => Array.from({ length: 4000 }).reduce<Tensor>(y => add(y, x), x);
      const recordings = [2, 3, 5].map(batch => record(chain as never, withSizes(eight, { batch }), []).graph);
      let graph: Graph | undefined;
      const merging = async () => {
        graph = await merge(recordings, [2, 3, 5]);
      };
      expect(await turnsDuring(merging)).to.be.within(8, 40);
      expect(await turnsDuring(() => writeOnnx(graph!, () => undefined))).to.be.within(8, 40);
    }));

  it('twice for each matrix that is quantised', () =>
    withoutLeak(async () => {
      const maps = Array.from({ length: 30 }, (_, i): Linear => ({ weight: tensor2d(noise([8, 8], i).data, [8, 8]) }));
      const graph = await recorded((x: Tensor2D) => maps.reduce((y, map) => linear(y, map), x), eight);
      expect(await turnsDuring(() => lowered(graph, { quantize: 's8' }))).to.be.within(2 * 28, 4 * 28);
      dispose(maps as never);
    }));

  it('for every eight megabytes that are put into a model', () =>
    withoutLeak(async () => {
      const { data } = noise([1 << 18, 8]);
      const tables = Array.from({ length: 6 }, (_, i) => tensor(data.with(0, i) as Float32Array, [1 << 18, 8]));
      const graph = await recorded((x: Tensor) => tables.map(table => add(table, x)), [{ shape: [8] }]);
      // As they are read and as they are copied.
      expect(await turnsDuring(() => writeOnnx(graph, () => undefined))).to.be.within(2 * 6, 4 * 6);
      dispose(tables);
    }));
});
