import type { Bench } from '../bench.js';

const row = 'pipeline/sclip';

export const rows = [row];

/** SCLIP's published pipeline needs its repository and MMSegmentation, which no package registry has as they were. */
export async function run(bench: Bench): Promise<void> {
  bench.add({ name: row, peer: "SCLIP's own code", skipped: 'the published pipeline is not at hand' });
}
