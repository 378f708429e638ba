/** Operations of the house that ONNX Runtime computes as one node each. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { InferenceSession } from 'onnxruntime-node';
import { compile } from '../../../src/tensor/compile.js';
import { gelu, quickGelu } from '../../../src/tensor/ops/gelu.js';
import { layerNorm } from '../../../src/tensor/ops/layerNorm.js';
import { linear } from '../../../src/tensor/ops/linear.js';
import { type Tensor2D, tensor1d, tensor2d } from '../../../src/tensor/tfjs.js';
import { writeOnnx } from '../../../src/tensor/trace/onnx/write.js';
import { useEngine } from '../../engine.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { lower, recorded } from './graphs.js';

/** The model that the runtime makes of a function's, as text enough to find operators in. */
async function optimised(fn: (x: Tensor2D) => Tensor2D): Promise<string> {
  const model = await writeOnnx(lower(await recorded(fn, [{ shape: ['batch', 3] }])), () => undefined);
  let text = '';
  await inTemporaryFolder(async folder => {
    const optimizedModelFilePath = join(folder, 'optimised.onnx');
    const session = await InferenceSession.create(model, {
      graphOptimizationLevel: 'extended',
      optimizedModelFilePath,
    });
    await session.release();
    text = readFileSync(optimizedModelFilePath, 'latin1');
  });
  return text;
}

describe('single nodes', () => {
  before(useEngine);

  /** An operator's name as a node's field: number 4, of this length. */
  const operator = (name: string) => `"${String.fromCharCode(name.length)}${name}`;

  const cases: Record<string, [(x: Tensor2D) => Tensor2D, whole: string, parts: string]> = {
    quickGelu: [quickGelu, 'QuickGelu', 'Sigmoid Mul'],
    gelu: [gelu, 'Gelu', 'Erf Div Mul'],
    layerNorm: [
      x => layerNorm(x, { weight: tensor1d([1, 2, 3]), bias: tensor1d([3, 2, 1]) }),
      'LayerNormalization',
      'Sqrt Reciprocal ReduceMean Mul',
    ],
  };
  for (const [name, [fn, whole, parts]] of Object.entries(cases)) {
    it(name, async () => {
      const text = await optimised(fn);
      expect(text).to.include(operator(whole));
      for (const part of parts.split(' ')) expect(text).to.not.include(operator(part));
    });
  }

  it('are for floats; whole numbers are computed in parts', async () => {
    const map = (x: Tensor2D) => {
      const weight = tensor2d([1, 2, 3, 4], [2, 2], 'int32');
      return linear(x, { weight, bias: tensor1d([5, 6], 'int32') });
    };
    for (const options of [{}, { quantize: 's8' }] as const) {
      const fast = await compile(map, [{ shape: ['batch', 2], dtype: 'int32' }], options);
      const { data } = await fast({ data: Int32Array.of(1, 2, 10, 20), shape: [2, 2] });
      expect(data).to.deep.equal(Int32Array.of(12, 16, 75, 106));
      await fast.dispose();
    }
  });
});
