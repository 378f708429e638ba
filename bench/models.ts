/**
 * Whole models, interleaved: an image encode against the naive formulation, text features against the full context,
 * variants of the last block over a shared prefix against separate runs. On a ViT-B/16 with random weights, which is
 * made first (600 MB under the temporary folder).
 *
 *     npx tsx bench/models.ts [--engine NAME] [--filter TEXT] [--rounds N] [--templates N] [--json]
 *
 * `--templates 80` takes all prompts of a class (some seven minutes a round); by default 8 of them, evenly spread.
 */
import { attentions } from '../src/attention/index.js';
import { type Candidate, inProcess, interleave } from '../src/bench/interleave.js';
import { normal } from '../src/bench/random.js';
import { randomVitB16 } from '../src/bench/randomModel.js';
import { against, timed } from '../src/bench/report.js';
import { type LoadedClip, loadClip } from '../src/checkpoint/loadClip.js';
import type { Variant } from '../src/model/imageTower.js';
import { classList } from '../src/segment/classLists.js';
import { methodByName } from '../src/segment/methods.js';
import { fill, templates } from '../src/segment/prompts.js';
import { type MethodName, methodNames } from '../src/segment/protocols.js';
import { concat, type Pixels, type Tensor, tensor, tidy } from '../src/tensor/tfjs.js';
import { naiveTower } from './naive.js';
import { benchOptions, openReport } from './report.js';

const options = benchOptions({ rounds: 3 }, ['templates']);
const report = await openReport('models: ViT-B/16, random weights, 224 pixels', options);
const clip = await loadClip(randomVitB16());

/** Computes, reads the result and leaves nothing behind. */
const candidate = (f: () => Tensor): Promise<Candidate> =>
  inProcess(async () => {
    const result = tidy(f);
    const values = (await result.data()) as Float32Array;
    result.dispose();
    return values;
  });

async function encode(): Promise<void> {
  const name = 'image encode, against naive';
  if (!report.wants(name)) return;
  const pixels = randomPixels();
  const naive = naiveTower(clip.config.image!, clip.weights.image!);
  const ours = () => clip.image(pixels).embedding;
  const times = await interleave(
    { ours: await candidate(ours), naive: await candidate(() => naive.encode(pixels)) },
    options.rounds,
  );
  report.add(timed('  naive', times.naive));
  // Asked of wasm, whose slow products these are; native engines do both about as fast.
  report.add({ ...against(name, times.ours, times.naive), ...(options.engine === 'wasm' && { asked: 1 / 5 }) });
  naive.dispose();
}

async function texts(): Promise<void> {
  const name = 'text features, against full context';
  if (!report.wants(name)) return;
  const prompts = somePrompts(clip, Number(options.own.templates ?? 8));
  const run = (context: 'needed' | 'full') => candidate(() => clip.text(prompts, { context }).embedding);
  const times = await interleave({ ours: await run('needed'), full: await run('full') }, options.rounds);
  report.add(timed(`  full context, ${prompts.length} prompts`, times.full));
  report.add({ ...against(name, times.ours, times.full), asked: 1 / 4 });
}

/** Prompts of the 20 classes of Pascal VOC in `count` of the 80 templates. */
function somePrompts({ tokenizer }: LoadedClip, count: number): number[][] {
  const all = templates('imagenet80');
  if (!Number.isInteger(count) || count < 1 || count > all.length) {
    throw new RangeError(`--templates: expected a whole number from 1 to ${all.length}, got ${options.own.templates}`);
  }
  const chosen = all.filter(
    (_, i) => Math.floor((i * count) / all.length) !== Math.floor(((i - 1) * count) / all.length),
  );
  const names = classList('voc20').classes.map(({ name }) => name);
  return names.flatMap(name => chosen.map(template => tokenizer.encode(fill(template, name))));
}

async function variants(label: string, asked: number | undefined, chosen: readonly Variant[]): Promise<void> {
  const name = `${label}, against ${chosen.length} runs`;
  if (!report.wants(name)) return;
  const pixels = randomPixels();
  const together = await candidate(() => concat(clip.variants(pixels, chosen).map(({ tokens }) => tokens)));
  const apart = await candidate(() => concat(chosen.map(last => tidy(() => clip.image(pixels, { last }).tokens))));
  const times = await interleave({ together, apart }, options.rounds);
  report.add(timed('  separate runs', times.apart));
  report.add({ ...against(name, times.together, times.apart), ...(asked !== undefined && { asked }) });
}

const randomPixels = (): Pixels => tensor(normal(3 * 224 * 224, 7), [1, 3, 224, 224]);
const method = (name: MethodName): Variant => methodByName(name).variant;

await encode();
await texts();
const lastBlock = (['clip', 'maskclip', 'sclip', 'clearclip', 'naclip'] as const).map(method);
await variants('6 variants of the last block', 1 / 3, [...lastBlock, { attention: attentions.vv! }]);
const ofOneRun = methodNames.map(method).filter(({ guide }) => guide === undefined);
await variants('all 7 methods', undefined, ofOneRun);
clip.dispose();
report.finish();
