/** Resizing a picture of twelve megapixels, which is to be Pillow's result bit for bit. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { against, type Bench, ours, race, versus } from '../bench.js';
import type { Timing } from '../interleave.js';

const filters = ['bicubic', 'bilinear', 'lanczos'] as const;
type Filter = (typeof filters)[number];
const from = [4000, 3000] as const;
const to = [298, 224] as const;

/** Bicubic is CLIP's own. */
const rowOf = (filter: Filter) => `resize/12mp${filter === 'bicubic' ? '' : `/${filter}`}`;

export const rows = filters.map(rowOf);

export async function run(bench: Bench): Promise<void> {
  const file = join(bench.folder, 'picture');
  writeFileSync(file, photo(...from));
  for (const filter of filters) {
    const row = rowOf(filter);
    if (!bench.wants(row)) continue;
    const given = { file, from, to, filter };
    const timings = await race(bench, {
      ours: ours({ task: 'resize', ...given }),
      pillow: against(bench, ({ python }) => python('pillow.py', given)),
    });
    bench.add(versus(row, timings.ours as Timing, timings.pillow, { peer: 'pillow', asked: 2, allowed: 0 }));
  }
}

/** RGB bytes of soft shapes with some noise, like a photograph: neither flat nor all noise. */
function photo(width: number, height: number): Uint8Array {
  const pixels = new Uint8Array(width * height * 3);
  let state = 1;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      const noise = (state >>> 27) - 16;
      pixels[i++] = 120 + 90 * Math.sin(x / 170 + y / 300) + noise;
      pixels[i++] = 128 + 80 * Math.cos(y / 90 - x / 700) + noise;
      pixels[i++] = (x ^ y) & 255;
    }
  }
  return pixels;
}
