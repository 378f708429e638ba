import { type Bench, race, versus } from '../bench.js';
import type { Timing } from '../interleave.js';
import { ourImage } from './images.js';

const row = 'eager/wasm';

export const rows = [row];

/** The same function compiled and on the eager wasm engine. */
export async function run(bench: Bench): Promise<void> {
  const { ours, eager } = await race(bench, { ours: ourImage(bench), eager: ourImage(bench, { eager: true }) });
  bench.add(versus(row, ours as Timing, eager, { peer: 'ours, eager wasm', asked: 1 / 6 }));
}
