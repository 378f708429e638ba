import { type BlockWeights, block as runBlock } from '../../model/block.js';
import type { TowerConfig } from '../../model/config.js';
import { compile } from '../../tensor/compile.js';
import { startEngine } from '../../tensor/engine.js';
import { type Tensor, type Tokens, tensor } from '../../tensor/tfjs.js';
import { type BlockPart, blockParts } from '../blockParts.js';
import { readFloats } from '../floats.js';
import type { Work } from './work.js';

export interface BlockGiven {
  readonly config: TowerConfig;
  readonly tokens: number;
  /** A file of float32: the parts of the block in order, then its input `[tokens, width]`. */
  readonly file: string;
  readonly threads: number;
}

/** One compiled transformer block. */
export async function block({ config, tokens, file, threads }: BlockGiven): Promise<Work> {
  await startEngine('cpu');
  const parts = blockParts(config);
  const weightCount = parts.reduce((total, part) => total + sizeOf(part), 0);
  const values = readFloats(file, weightCount + tokens * config.width);
  const weights: Record<string, Record<string, Tensor>> = {};
  let at = 0;
  for (const part of parts) {
    const [layer, name] = part.name.split('.') as [string, string];
    const end = at + sizeOf(part);
    weights[layer] = { ...weights[layer], [name]: tensor(values.subarray(at, end), [...part.shape]) };
    at = end;
  }
  const unnamed = <T>(_name: string, x: T): T => x;
  const shape = [1, tokens, config.width];
  const compiled = await compile(
    (x: Tokens) => runBlock(x, weights as unknown as BlockWeights, { config }, unnamed),
    [{ shape: [1, tokens, config.width] }],
    { threads },
  );
  const x = { data: values.slice(at), shape };
  return async () => (await compiled(x)).data as Float32Array;
}

const sizeOf = ({ shape }: BlockPart): number => shape.reduce((product, axis) => product * axis, 1);
