/** Numbers that PyTorch gave (`fixtures/make.py`). */
import { readFileSync } from 'node:fs';
import { type Tensor, tensor } from '../../src/tensor/tfjs.js';

export interface Listed {
  readonly shape: number[];
  readonly data: number[];
}

interface Weights<T> {
  readonly matrix: T;
  readonly bias: T;
}

interface Numbers {
  readonly adamw: {
    readonly settings: { beta1: number; beta2: number; epsilon: number; decay: number };
    readonly start: Weights<Listed>;
    readonly steps: readonly { rate: number; gradients: Weights<Listed>; weights: Weights<Listed> }[];
  };
  readonly clipping: readonly { given: Listed[]; norm: number; clipped: Listed[] }[];
  readonly schedule: { rate: number; warmup: number; steps: number; rates: number[] };
  readonly contrastive: {
    images: Listed;
    texts: Listed;
    logScale: number;
    loss: number;
    accuracy: number;
    gradients: { images: Listed; texts: Listed; logScale: number };
  };
}

export const numbers: Numbers = JSON.parse(readFileSync(new URL('./fixtures/torch.json', import.meta.url), 'utf8'));

export const tensorOf = <T extends Tensor>({ data, shape }: Listed): T => tensor(data, shape) as T;
