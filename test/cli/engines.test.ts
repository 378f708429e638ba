/** Every command that computes gives the same on every engine. */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
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

/** Every number of a JSON value, in order. */
function numbersIn(json: unknown): number[] {
  if (typeof json === 'number') return [json];
  return json !== null && typeof json === 'object' ? Object.values(json).flatMap(numbersIn) : [];
}

/** Of every command that runs a model. */
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
  type Scored = { methods: { perClass?: unknown }[] };
  const scenes = ['--dataset', 'scenes:n=1', ...engine];
  const { methods } = await json<Scored>(['evaluate', '--methods', 'sclip,clip', ...scenes], { env });
  results.evaluated = Float32Array.from(numbersIn(methods.map(({ perClass }) => perClass)));
  const named = await json<Scored>(['evaluate', '--task', 'regions', ...scenes], { env });
  results.regions = Float32Array.from(numbersIn(named.methods));
  const { studies } = await json<{ studies: { tables: unknown }[] }>(['analyze', 'norms', ...scenes], { env });
  results.studies = Float32Array.from(numbersIn(studies.map(({ tables }) => tables)));
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
    // A pixel more or less of a class that has some two hundred.
    const maxAbs = name === 'evaluated' ? 5e-3 : share * largest;
    expectClose(got, expected, { maxAbs }, { name });
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
    this.timeout(240_000);
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

  it('compute nearly the same in eight-bit whole numbers by every command', () =>
    inTemporaryFolder(async dir => {
      const float = await resultsOf(['--engine', 'ort'], dir);
      const s8 = await resultsOf(['--engine', 'ort', '--quantize', 's8'], dir);
      expect(Object.keys(s8)).to.deep.equal(Object.keys(float));
      for (const [name, values] of Object.entries(float)) {
        expect(cosine(s8[name]!, values), name).to.be.above(0.999);
        // Of a few regions each finds its name either way.
        if (name !== 'regions') expect(s8[name], name).to.not.deep.equal(values);
      }
    })).timeout(120_000);

  it('are ort where nothing else is said, or wasm where there is none, which is told', () =>
    inTemporaryFolder(async dir => {
      const evaluate = ['evaluate', '--dataset', 'scenes:n=1', '--json'];
      const engineIn = (stdout: string) => JSON.parse(stdout).plan.engine;
      expect(engineIn(await succeed(evaluate))).to.equal('ort');
      const missing = join(dir, 'missing.mjs');
      const resolve = `export const resolve = (name, context, next) => {
        if (name === 'onnxruntime-node') throw new Error('none');
        return next(name, context);
      }`;
      const hook = JSON.stringify(`data:text/javascript,${encodeURIComponent(resolve)}`);
      writeFileSync(missing, `import { register } from 'node:module';\nregister(${hook});\n`);
      const env = { NODE_OPTIONS: `--import ${pathToFileURL(missing).href}` };
      const told = await run(evaluate, { env });
      expect({ status: told.status, stderr: told.stderr }).to.deep.equal({
        status: 0,
        stderr:
          'clipscope: onnxruntime-node is not there or does not load; computing with wasm, several times slower\n',
      });
      expect(engineIn(told.stdout)).to.equal('wasm');
      expect(engineIn(await succeed([...evaluate, '--quiet'], { env }))).to.equal('wasm');
      const asked = await run([...evaluate, '--engine', 'ort'], { env });
      expect(asked.status).to.equal(2);
      expect(asked.stderr).to.match(/^clipscope: .*onnxruntime-node does not load \(.*\); install it beside clipscope/);
    }));

  it('refuse eight-bit whole numbers where they are none of ONNX Runtime', async () => {
    for (const engine of ['wasm', 'cpu']) {
      const { status, stderr } = await run(['embed', scene(1), '--engine', engine, '--quantize', 's8']);
      expect({ status, stderr }).to.deep.equal({
        status: 2,
        stderr: `clipscope: engine '${engine}': it cannot quantise; use engine ort\n`,
      });
    }
  });

  it('are ort, wasm, cpu and TensorFlow', async () => {
    expect(runnerNames).to.deep.equal(['ort', 'wasm', 'cpu', 'node', 'node-gpu']);
    const { status, stderr } = await run(['embed', scene(1), '--engine', 'wsam']);
    expect(status).to.equal(2);
    expect(stderr).to.match(/unknown engine 'wsam'.*wasm/);
  });
});
