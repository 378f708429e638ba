/** The same compiled graphs in Node and in a page. */
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import * as node from '../../src/browser.js';
import { type LoadedClip, loadClip } from '../../src/checkpoint/loadClip.js';
import { cosine, expectClose } from '../goldens.js';
import { type Opened, useChromium } from './chromium.js';
import './inPage.js';
import { noise, type TaskName, tasks } from './tasks.js';

const names = Object.keys(tasks) as TaskName[];
const wasmPaths = '/ort/';

/** What Node gives for a task, computed once. */
const expected = new Map<TaskName, Promise<ArrayLike<number>[]>>();
let clip: LoadedClip;

async function expectTask(name: TaskName, page: Page, options: node.CompileOptions): Promise<void> {
  if (!expected.has(name)) expected.set(name, tasks[name](node, clip, {}));
  const actual = await page.evaluate(({ name, options }) => runTask(name, options), { name, options });
  const results = await expected.get(name)!;
  expect(actual.length).to.equal(results.length);
  results.forEach((result, i) => {
    const largest = Array.from(result).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    // Processors add up eight-bit products differently, and a rounding that falls otherwise is a whole step.
    expectClose(actual[i]!, result, { maxAbs: (name === 'eight bits' ? 3e-2 : 1e-4) * largest }, { name });
    if (name === 'eight bits') expect(cosine(actual[i]!, result)).to.be.above(0.999);
  });
}

describe('compiled functions', () => {
  before(async () => {
    await node.startEngine('cpu');
    clip = await loadClip('weights/scenes', { weights: 'file' });
  });
  after(() => clip.dispose());

  for (const isolated of [false, true]) {
    describe(`in a page ${isolated ? 'with threads' : 'without threads'}`, function () {
      this.timeout(30_000);
      const open = useChromium({ isolated });
      let opened: Opened;
      before(async () => {
        opened = await open();
      });
      afterEach(() => {
        expect(opened.complaints).to.deep.equal([]);
      });

      it('is what it is meant to be', async () => {
        expect(await opened.page.evaluate('crossOriginIsolated')).to.equal(isolated);
        expect(await opened.page.evaluate('navigator.hardwareConcurrency')).to.be.above(0);
      });

      for (const name of isolated ? (['dense'] as const) : names) {
        it(`computes ${name} as Node does`, () =>
          expectTask(name, opened.page, { wasmPaths, ...(isolated && { threads: 2 }) }));
      }

      it(`has ${isolated ? 'one thread more' : 'no other thread'} by then`, () => {
        expect(opened.page.workers().length).to.equal(isolated ? 1 : 0);
      });

      it('runs graphs in a worker that ends on dispose, timers going on all the while', async () => {
        const ticks = await opened.page.evaluate(async wasmPaths => {
          let ticks = 0;
          const timer = setInterval(() => ticks++, 1);
          const weight = clipscope.zeros([1024, 1024]);
          const product = await clipscope.compile(
            x => clipscope.matMul(clipscope.matMul(clipscope.matMul(x, weight), weight), weight),
            [{ shape: ['batch', 1024] }],
            { wasmPaths, host: 'worker', threads: 1 },
          );
          ticks = 0;
          const x = { data: new Float32Array(1024 * 1024).fill(1), shape: [1024, 1024] };
          await product(x);
          clearInterval(timer);
          await product.dispose();
          weight.dispose();
          return ticks;
        }, wasmPaths);
        expect(ticks).to.be.above(3);
        if (!isolated) await expectTask('dense', opened.page, { wasmPaths, host: 'worker' });
        const ours = () => opened.page.workers().filter(worker => worker.url().includes('workerThread'));
        for (let i = 0; ours().length > 0 && i < 100; i++) await new Promise(resolve => setTimeout(resolve, 20));
        expect(ours()).to.deep.equal([]);
      });

      it('starts and runs several graphs at one time', async () => {
        const values = await opened.page.evaluate(async wasmPaths => {
          await clipscope.startEngine('cpu');
          const model = await loadModel({ weights: 'file' });
          const x = { data: new Float32Array(3 * 96 * 96).fill(0.5), shape: [1, 3, 96, 96] };
          const graphs = [0, 0.5, 1].map(residual =>
            clipscope.compile(
              pixels => clipscope.sum(model.image(pixels, { last: { residual } }).tokens),
              [{ shape: [1, 3, 96, 96] }],
              { wasmPaths },
            ),
          );
          const results = await Promise.all(graphs.map(async graph => (await graph)(x)));
          const again = await Promise.all((await Promise.all(graphs)).flatMap(graph => [graph(x), graph(x)]));
          for (const graph of graphs) await (await graph).dispose();
          model.dispose();
          return [results, again.filter((_, i) => i % 2 === 0), again.filter((_, i) => i % 2)].map(list =>
            list.map(({ data }) => data[0]!),
          );
        }, wasmPaths);
        expect(new Set(values[0]).size).to.equal(3);
        expect(values[1]).to.deep.equal(values[0]);
        expect(values[2]).to.deep.equal(values[0]);
      });

      it('computes eagerly on wasm and cpu what Node computes', async () => {
        const [tokens] = await expected.get('dense')!;
        for (const engine of ['wasm', 'cpu'] as const) {
          const { report, values, left } = await opened.page.evaluate(
            async ({ engine, data }) => {
              const options = { wasmPaths: '/tfjs', threads: 2 };
              await clipscope.startEngine(engine, options);
              const report = await clipscope.startEngine(engine, options);
              const before = clipscope.memory().numTensors;
              const model = await loadModel();
              const values = clipscope.tidy(() => {
                const pixels = clipscope.tensor4d(data, [1, 3, 96, 96]);
                const last = { attention: clipscope.attentions.csa!, ffn: false };
                return Array.from(model.image(pixels, { last }).tokens.dataSync());
              });
              model.dispose();
              return { report, values, left: clipscope.memory().numTensors - before };
            },
            { engine, data: Array.from(noise(3 * 96 * 96)) },
          );
          expect(report).to.include({ engine, backend: engine });
          const largest = Array.from(tokens!).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          expectClose(values, tokens!, { maxAbs: 1e-4 * largest }, { name: engine });
          expect(left).to.equal(0);
        }
      });
    });
  }

  describe('in a page that Vite bundled', function () {
    this.timeout(60_000);
    const open = useChromium({ isolated: false, bundle: 'vite' });

    it('finds the runtime, the worker and the vocabulary', async () => {
      const { page, complaints } = await open();
      await expectTask('dense', page, { wasmPaths });
      await expectTask('dense', page, { wasmPaths, host: 'worker' });
      const vocabulary = await page.evaluate(async () => (await clipscope.fetchVocabulary()).length);
      expect(vocabulary).to.be.above(3_000_000);
      expect(complaints).to.deep.equal([]);
    });
  });

  describe('in a page with WebGPU', function () {
    this.timeout(60_000);
    // A graphics processor made of software, where Chromium has one.
    const flags = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'];
    const open = useChromium({ isolated: false, flags });
    let opened: Opened;
    before(async function () {
      opened = await open();
      if (await opened.page.evaluate('navigator.gpu?.requestAdapter().then(adapter => adapter !== null) ?? false'))
        return;
      console.log('      skipped: this Chromium offers no WebGPU, not even in software');
      this.skip();
    });

    it('computes on it in this thread', async () => {
      const products = await opened.page.evaluate(async wasmPaths => {
        await clipscope.startEngine('cpu');
        const weight = clipscope.tensor([1, 2, 3, 4, 5, 6], [2, 3]);
        const options = { wasmPaths, device: 'webgpu' } as const;
        const graphs = [weight, clipscope.mul(weight, 2)].map(w =>
          clipscope.compile(x => clipscope.matMul(x, w as typeof x), [{ shape: ['batch', 2] }], options),
        );
        const x = { data: Float32Array.of(1, -1, 0.5, 2), shape: [2, 2] };
        const results = await Promise.all(graphs.map(async graph => (await graph)(x)));
        for (const graph of graphs) await (await graph).dispose();
        return results.map(({ data }) => Array.from(data));
      }, wasmPaths);
      const product = [-3, -3, -3, 8.5, 11, 13.5];
      expect(products).to.deep.equal([product, product.map(value => 2 * value)]);
      expect(opened.complaints).to.deep.equal([]);
    });

    for (const name of names) {
      it(`computes ${name} on it in a worker as Node does`, async () => {
        await expectTask(name, opened.page, { wasmPaths, host: 'worker', device: 'webgpu' });
        expect(opened.complaints).to.deep.equal([]);
      });
    }
  });
});
