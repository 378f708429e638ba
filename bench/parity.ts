/**
 * Holds a full-size ViT-B/16 with random weights against transformers: same folder, same pixels, same ids, both towers.
 * Asked: cosines above 0.99999 and no value off by more than 1e-4 of the largest.
 *
 *     npx tsx bench/parity.ts --python PATH [--engine NAME] [--seed N] [--json]
 *
 * PATH is a Python with torch and transformers, `python3` unless told otherwise; without them there is nothing to compare.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { normal } from '../src/bench/random.js';
import { randomVitB16 } from '../src/bench/randomModel.js';
import { leastCosine, relativeDifference } from '../src/bench/statistics.js';
import { loadClip } from '../src/checkpoint/loadClip.js';
import { openBytes } from '../src/files/bytes.js';
import { openSafetensors } from '../src/files/safetensors/read.js';
import { type TensorToWrite, writeSafetensors } from '../src/files/safetensors/write.js';
import { type Pixels, type Tensor, tensor } from '../src/tensor/tfjs.js';
import { benchOptions, openReport } from './report.js';

const images = 2;
const sentences = ['a photo of a cat.', 'sand', 'a bad photo of the many things in the kitchen.'];
const size = 224;

const options = benchOptions({ rounds: 1 }, ['python', 'seed']);
const report = await openReport('parity with transformers: ViT-B/16, random weights', options);
const folder = randomVitB16({ seed: Number(options.own.seed ?? 1) });
const clip = await loadClip(folder);
const pixels = normal(images * 3 * size * size, 11);
const ids = sentences.map(text => clip.tokenizer.encode(text));

/** What transformers makes of it, by name. */
function reference(): (name: string) => Float32Array {
  const temporary = mkdtempSync(join(tmpdir(), 'parity-'));
  try {
    const [input, output] = [join(temporary, 'input.safetensors'), join(temporary, 'output.safetensors')];
    writeSafetensors(input, [
      ['pixels', { dtype: 'F32', shape: [images, 3, size, size], bytes: new Uint8Array(pixels.buffer) }],
      ['input_ids', int64(paddedIds())],
    ]);
    const script = fileURLToPath(new URL('./parity_vit_b16.py', import.meta.url));
    const python = options.own.python ?? 'python3';
    const child = spawnSync(python, [script, folder, input, output], { encoding: 'utf8' });
    if (child.status !== 0) throw new Error(child.error?.message ?? child.stderr.trim().split('\n').at(-1));
    if (!options.json) console.log(child.stdout.trim());
    const file = openSafetensors(openBytes(output));
    const values = new Map([...file.tensors.keys()].map(name => [name, file.readFloat32(name)]));
    file.close();
    return name => values.get(name)!;
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

/** Ids to full context, filled up with the end token as transformers' tokenizer does. */
function paddedIds(): number[][] {
  const { context } = clip.config.text!;
  return ids.map(row => [...row, ...new Array<number>(context - row.length).fill(49407)]);
}

function int64(rows: readonly number[][]): TensorToWrite {
  const values = BigInt64Array.from(rows.flat(), BigInt);
  return { dtype: 'I64', shape: [rows.length, rows[0]!.length], bytes: new Uint8Array(values.buffer) };
}

const expected = reference();

const lastImage = `image.blocks.${clip.config.image!.layers - 1}.resid_post`;
const image = clip.image(tensor(pixels, [images, 3, size, size]) as Pixels, { see: [lastImage] });
// Full context, because the reference's last hidden state has it; `needed` is held against it besides.
const full = clip.text(paddedIds(), { see: ['text.ln_final'], context: 'full' });
const needed = clip.text(ids);

const pairs: [name: string, key: string, ours: Tensor][] = [
  ['image embedding', 'image_embeds', image.embedding],
  ['image embedding before normalisation', 'image_pooled', image.pooled],
  ['image tokens of the last block', 'image_last_hidden_state', image.seen[lastImage]!],
  ['text embedding', 'text_embeds', full.embedding],
  ['text embedding, stopped at the end token', 'text_embeds', needed.embedding],
  ['text embedding before normalisation', 'text_pooled', full.pooled],
  ['text tokens after the last norm', 'text_last_hidden_state', full.seen['text.ln_final']!],
];
let worst = 0;
for (const [name, key, ours] of pairs) {
  const values = ours.dataSync() as Float32Array;
  const difference = relativeDifference(values, expected(`float32.${key}`));
  const least = leastCosine(values, expected(`float32.${key}`), ours.shape.at(-1)!);
  const exact = relativeDifference(values, expected(`float64.${key}`));
  const theirs = relativeDifference(expected(`float32.${key}`), expected(`float64.${key}`));
  worst = Math.max(worst, difference / 1e-4, (1 - least) / 1e-5);
  report.add({
    name,
    difference,
    rate: `cosine ${least.toFixed(9)}`,
    note: `from float64: ours ${exact.toExponential(1)}, theirs ${theirs.toExponential(1)}`,
  });
}
report.add({ name: 'worst of all, over what is allowed', ratio: worst, asked: 1 });
if (!(worst <= 1)) process.exitCode = 1;
report.finish();
