/** Features for every patch: with another attention in the last block, and six such variants at once. */
import { type Bench, isAbsent, race, versus } from '../bench.js';
import type { Timing } from '../interleave.js';
import { timed } from '../report.js';
import { medianRatio, relativeDifference } from '../statistics.js';
import { sixVariants } from '../variants.js';
import { ourImage, peerImage } from './images.js';

const csaRow = 'dense/csa/b1';
const variantsRow = 'variants/6';

export const rows = [csaRow, variantsRow];

export async function run(bench: Bench): Promise<void> {
  if (bench.wants(csaRow)) await csa(bench);
  if (bench.wants(variantsRow)) await variants(bench);
}

/** The peer does its plain forward: it can do no other. What ours gives is held against the eager engine. */
async function csa(bench: Bench): Promise<void> {
  const options = { variants: ['sclip'], output: 'tokens' } as const;
  const { ours, peer } = await race(bench, {
    ours: ourImage(bench, options),
    peer: await peerImage(bench, 'onnxruntime'),
  });
  const { eager } = await race({ ...bench, rounds: 1 }, { eager: ourImage(bench, { ...options, eager: true }) });
  const [mine, reference] = [ours as Timing, eager as Timing];
  const row = timed(csaRow, mine);
  bench.add({
    ...row,
    asked: 1.05,
    peer: 'onnxruntime, plain',
    difference: relativeDifference(mine.output, reference.output),
    ...(isAbsent(peer) ? { skipped: peer.reason } : { ratio: medianRatio(mine.cpu, peer.cpu) }),
    note: `difference from eager; ${row.note}`,
  });
}

async function variants(bench: Bench): Promise<void> {
  const options = { variants: sixVariants, output: 'tokens' } as const;
  const { ours, apart } = await race(bench, {
    ours: ourImage(bench, options),
    apart: ourImage(bench, { ...options, apart: true }),
  });
  bench.add(versus(variantsRow, ours as Timing, apart, { peer: 'ours, six runs', asked: 0.35 }));
}
