/** One transformer block against jax-js. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gridOf } from '../../model/config.js';
import { against, type Bench, ours, race, versus } from '../bench.js';
import { blockParts } from '../blockParts.js';
import { joined } from '../floats.js';
import type { Timing } from '../interleave.js';
import { normal } from '../random.js';

const row = 'block/jax-js';

export const rows = [row];

export async function run(bench: Bench): Promise<void> {
  const { image: config, threads } = bench;
  const { rows: down, columns } = gridOf(config, config.imageSize, config.imageSize);
  const tokens = 1 + down * columns;
  const parts = blockParts(config);
  const weights = parts.map(({ name, shape }, seed) => {
    const values = normal(
      shape.reduce((product, axis) => product * axis, 1),
      seed,
    );
    const gain = name === 'ln1.weight' || name === 'ln2.weight' ? 1 : 0;
    return values.map(value => gain + 0.03 * value);
  });
  const file = join(bench.folder, 'block');
  writeFileSync(file, joined([...weights, normal(tokens * config.width, parts.length)]));
  const given = { config, tokens, file };
  const timings = await race(bench, {
    ours: ours({ task: 'block', ...given, threads }),
    jax: against(bench, ({ node }) => node('jax.mjs', { ...given, parts })),
  });
  bench.add(versus(row, timings.ours as Timing, timings.jax, { peer: 'jax-js, wasm' }));
}
