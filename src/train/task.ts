/** What a training loop needs to be told: the mathematics on one side, the data on the other. */
import type { InputSpec, Structure, Values } from '../tensor/compile.js';
import type { Tensor } from '../tensor/tfjs.js';

/** What is trained. */
export interface TrainTask<State extends Structure> {
  /** Weights and optimiser state at step 0, tensors in lists and records. */
  start(): State;
  /** What a batch consists of. */
  readonly signature: readonly InputSpec[];
  /**
   * One step, recorded once and run as one graph.
   * @param rate the learning rate, a float32 scalar
   * @param batch as `signature` says
   * @returns the state in the structure it came in, and float32 scalars, `loss` among them
   */
  step(state: State, rate: Tensor, ...batch: Tensor[]): { state: State; metrics: Record<string, Tensor> };
}

/** Where batches come from. */
export interface BatchSource {
  /** The batch of a step, steps counted from 1: the same for the same step, whatever was asked for before. */
  batch(step: number): Promise<readonly Values[]>;
  /** Says that a batch is no longer looked at, so that its memory may serve another. */
  release?(batch: readonly Values[]): void;
  /** What to call the batch of a step in a message, such as `seed 3, scenes 1280 to 1407`. */
  describe?(step: number): string;
  /** Ends what it runs. Nothing can be asked afterwards. */
  close(): Promise<void>;
}
