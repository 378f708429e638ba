/** Every command that computes gives the same on every engine. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect } from 'chai';
import { readPicture } from '../../src/image/decode.js';
import { runnerNames } from '../../src/tensor/names.js';
import { inTemporaryFolder } from '../files/temporary.js';
import { cosine, expectClose, readGolden } from '../goldens.js';
import { json, run, scene, succeed } from './run.js';

const classes = ['--classes', 'blue; pink; yellow; brick'];
/** Sums of floats in another order: held to this share of the largest value. */
const share = 1e-4;

/** What the commands give: numbers by name. */
type Results = Record<string, Float32Array>;

async function resultsOf(engine: readonly string[], dir: string): Promise<Results> {
  const file = (name: string) => join(dir, `${engine.join('')}-${name}.safetensors`);
  const labels = join(dir, `${engine.join('')}-labels.png`);
  const results: Results = {};
  // A cache of its own: text features that another engine has left there would be taken for this one's.
  const env = { CLIPSCOPE_CACHE: join(dir, engine.join('')) };
  const keep = (path: string) => {
    for (const [name, { data }] of Object.entries(readGolden(path))) results[name] = data as Float32Array;
  };
  const pictures = ['--method', 'sclip', '--short-side', '144', '--window', '96'];
  await succeed(['segment', scene(2), ...classes, ...pictures, '--logits', file('s'), '--labels', labels, ...engine], {
    env,
  });
  keep(file('s'));
  const { data } = (await readPicture(labels)) as { data: Uint8Array };
  results.labels = Float32Array.from(data);
  await succeed(['embed', scene(1), scene(2), '-o', file('e'), ...engine], { env });
  keep(file('e'));
  await succeed(
    ['embed', '--text', 'a red star', 'a photo of green grass under a blue sky', '-o', file('t'), ...engine],
    { env },
  );
  results.texts = readGolden(file('t')).embedding!.data as Float32Array;
  const see = ['--see', 'blocks.1.attn.pattern,blocks.*.resid_post,tokens'];
  await succeed(['inspect', scene(1), ...see, '--attention', 'csa', '-o', file('i'), ...engine], { env });
  keep(file('i'));
  await succeed(
    ['inspect', '--text', 'a red star', '--see', 'blocks.*.mlp_out,embedding', '-o', file('it'), ...engine],
    { env },
  );
  keep(file('it'));
  type Classified = { images: { scores: { name: string; logit: number }[] }[] };
  const { images } = await json<Classified>(['classify', scene(2), ...classes, ...engine], { env });
  const byName = images[0]!.scores.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  results.classified = Float32Array.from(byName, ({ logit }) => logit);
  type Compared = { panels: { classes: { pixels: number }[] }[] };
  const { panels } = await json<Compared>(['compare', scene(2), ...classes, '--methods', 'clip,csa,gem', ...engine], {
    env,
  });
  results.panels = Float32Array.from(panels.flatMap(panel => panel.classes.map(({ pixels }) => pixels)));
  return results;
}

/** Labels and counts of pixels: a pixel between two classes may fall either way. */
const counted = ['labels', 'panels'];

function expectSame(given: Results, reference: Results): void {
  expect(Object.keys(given)).to.deep.equal(Object.keys(reference));
  for (const [name, expected] of Object.entries(reference)) {
    const got = given[name]!;
    if (counted.includes(name)) {
      expect(got.length, name).to.equal(expected.length);
      const others = got.filter((value, i) => Math.abs(value - expected[i]!) > (name === 'labels' ? 0 : 9)).length;
      expect(others / got.length, name).to.be.below(1e-3);
      continue;
    }
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expectClose(got, expected, { maxAbs: share * largest });
  }
}

describe('engines', () => {
  const require = createRequire(import.meta.url);
  const isThere = (name: string) => {
    try {
      return require.resolve(name) !== '';
    } catch {
      return false;
    }
  };

  it('give the same by every command', async function () {
    this.timeout(120_000);
    await inTemporaryFolder(async dir => {
      const reference = await resultsOf(['--engine', 'wasm'], dir);
      expect(Object.keys(reference)).to.have.length.above(15);
      expectSame(await resultsOf(['--engine', 'ort'], dir), reference);
      expectSame(await resultsOf(['--engine', 'ort', '--threads', '1'], dir), reference);
      expectSame(await resultsOf(['--engine', 'cpu'], dir), reference);
      if (isThere('@tensorflow/tfjs-node')) expectSame(await resultsOf(['--engine', 'node'], dir), reference);
      else console.log("      engine node skipped: '@tensorflow/tfjs-node' is not installed (npm run native:setup)");
    });
  });

  it('compute nearly the same in eight-bit whole numbers, and nothing else under that flag', () =>
    inTemporaryFolder(async dir => {
      const [float, s8] = [join(dir, 'float.safetensors'), join(dir, 's8.safetensors')];
      await succeed(['embed', scene(1), '-o', float]);
      await succeed(['embed', scene(1), '-o', s8, '--engine', 'ort', '--quantize', 's8']);
      const [a, b] = [float, s8].map(path => readGolden(path).embedding!.data as Float32Array);
      expect(cosine(a!, b!)).to.be.within(0.99, 0.999999);
      const refused = await run(['embed', scene(1), '--engine', 'wasm', '--quantize', 's8']);
      expect(refused.status).to.equal(2);
      expect(refused.stderr).to.match(/^clipscope: engine 'wasm': it cannot quantise; use engine ort\n$/);
    }));

  it('are ort, wasm, cpu and TensorFlow', async () => {
    expect(runnerNames).to.deep.equal(['ort', 'wasm', 'cpu', 'node', 'node-gpu']);
    const { status, stderr } = await run(['embed', scene(1), '--engine', 'wsam']);
    expect(status).to.equal(2);
    expect(stderr).to.match(/unknown engine 'wsam'.*wasm/);
  });
});
