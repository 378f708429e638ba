import { compile } from '../../tensor/compile.js';
import { startEngine } from '../../tensor/engine.js';
import { linear as linearOp } from '../../tensor/ops/linear.js';
import { type Tensor1D, type Tensor2D, tensor1d, tensor2d } from '../../tensor/tfjs.js';
import { normal } from '../random.js';
import type { Work } from './work.js';

export interface LinearGiven {
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly bias: boolean;
  readonly threads: number;
  /** Calls of the compiled layer in one run. */
  readonly calls: number;
}

/** A single compiled linear layer. */
export async function linear({ rows, inputs, outputs, bias, threads, calls }: LinearGiven): Promise<Work> {
  await startEngine('cpu');
  const weight: Tensor2D = tensor2d(normal(inputs * outputs, 1), [inputs, outputs]);
  const shift: Tensor1D = tensor1d(normal(outputs, 2));
  const layer = { weight, ...(bias && { bias: shift }) };
  const compiled = await compile((x: Tensor2D) => linearOp(x, layer), [{ shape: [rows, inputs] }], { threads });
  const x = { data: normal(rows * inputs, 3), shape: [rows, inputs] };
  return async () => {
    for (let call = 1; call < calls; call++) await compiled(x);
    return (await compiled(x)).data as Float32Array;
  };
}
