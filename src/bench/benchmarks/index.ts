import type { Bench } from '../bench.js';
import * as block from './block.js';
import * as dense from './dense.js';
import * as eager from './eager.js';
import * as embed from './embed.js';
import * as evaluate from './evaluate.js';
import * as evaluateRuns from './evaluateRuns.js';
import * as linears from './linears.js';
import * as load from './load.js';
import * as resize from './resize.js';
import * as train from './train.js';
import * as trainClip from './trainClip.js';
import * as trainClipself from './trainClipself.js';

/** Some rows and what measures them. */
export interface Benchmark {
  readonly rows: readonly string[];
  /** Rows that mean nothing without peers. */
  readonly peerRows?: readonly string[];
  /** Adds those rows that the bench wants; called when it wants one of them. */
  run(bench: Bench): Promise<void>;
}

export const benchmarks: readonly Benchmark[] = [
  embed,
  dense,
  load,
  train,
  trainClip,
  trainClipself,
  resize,
  eager,
  linears,
  block,
  evaluate,
  evaluateRuns,
];
