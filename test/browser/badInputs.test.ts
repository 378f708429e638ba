/** What goes wrong in a page is told in one line that says how to mend it. */
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { type Opened, useChromium } from './chromium.js';
import './inPage.js';

type Attempt = () => Promise<unknown>;
type Failure = { isInput: boolean; message: string };

/** Runs each attempt in the page and expects an InputError with such a message. */
async function expectRefusals(page: Page, attempts: readonly [Attempt, RegExp][]): Promise<void> {
  for (const [attempt, message] of attempts) {
    const failure = await page.evaluate<Failure>(`failureOf(${attempt})`);
    expect(failure.message).to.match(message);
    expect(failure.message).to.not.include('\n');
    expect(failure.isInput, failure.message).to.equal(true);
  }
}

describe('bad input in a page', function () {
  this.timeout(30_000);
  const open = useChromium({ isolated: false });
  let opened: Opened;
  beforeEach(async () => {
    opened = await open();
    await opened.page.evaluate(() => clipscope.startEngine('cpu'));
  });
  afterEach(() => opened.page.close());

  it('of compiled functions', async () => {
    await expectRefusals(opened.page, [
      [
        async () => {
          const twice = await clipscope.compile(x => clipscope.mul(x, 2), [{ shape: ['batch', 2] }], {
            wasmPaths: '/ort',
          });
          await twice({ data: new Float32Array(3), shape: [1, 3] });
        },
        /^compiled function: input 0: expected .*\[batch, 2\], got .*\[1, 3\]/,
      ],
      [
        async () => {
          const twice = await clipscope.compile(x => clipscope.mul(x, 2), [{ shape: [2] }], { wasmPaths: '/ort' });
          await twice.dispose();
          await twice({ data: new Float32Array(2), shape: [2] });
        },
        /^compiled function: called after dispose$/,
      ],
      [
        async () => {
          const table = clipscope.tensor([1, 2, 3, 4], [2, 2]);
          const spec = [{ shape: ['batch'], dtype: 'int32' }] as const;
          const rows = await clipscope.compile(i => clipscope.gather(table, i), spec, { wasmPaths: '/ort' });
          await rows({ data: Int32Array.of(0, 7), shape: [2] });
        },
        /^compiled function: 'GatherV2' \(Gather in the graph\) failed: .*idx=7/,
      ],
      [
        async () => {
          const row = clipscope.zeros([1, 2 ** 20]);
          const spec = [{ shape: ['batch', 1] }] as const;
          const product = await clipscope.compile(x => clipscope.matMul(x, row), spec, { wasmPaths: '/ort' });
          await product({ data: new Float32Array(10_000), shape: [10_000, 1] });
        },
        /^compiled function: a result does not fit into memory; give it less at once$/,
      ],
      [
        () => clipscope.compile(x => x, [{ shape: [2] }], { host: 'elsewhere' as 'worker' }),
        /unknown host 'elsewhere'/,
      ],
      [() => clipscope.compile(x => x, [{ shape: [2] }], { device: 'gpu' as 'cpu' }), /unknown device 'gpu'/],
      [
        () => clipscope.compile(x => x, [{ shape: [2] }], { device: 'webgpu' }),
        /^compile: device 'webgpu': this browser offers none here; leave it out$/,
      ],
      [
        () => clipscope.compile(x => x, [{ shape: [2] }], { device: 'webgpu', host: 'worker' }),
        /^compile: device 'webgpu': this browser offers none here; leave it out$/,
      ],
    ]);
    expect(opened.complaints.filter(text => text !== 'No available adapters.')).to.deep.equal([]);
  });

  it('of models', async () => {
    await expectRefusals(opened.page, [
      [() => clipscope.loadClipFiles({}), /^loadClipFiles: expected the weights as model\.safetensors, got no files$/],
      [
        () => clipscope.loadClipFiles({ 'config.json': new Blob(['{}']), 'a\nb': new Blob([]) }),
        /got 'config\.json', 'a\\u\{000a\}b'$/,
      ],
      [
        () => clipscope.loadClipFiles({ 'model.safetensors': new Blob([]) }),
        /^model\.safetensors: expected the 8 bytes of a header length first, got a file of 0 bytes$/,
      ],
      [
        () => clipscope.loadClipFiles({ 'model.safetensors': new Uint8Array(100).fill(255) }),
        /^model\.safetensors: expected a header of at most 100000000 bytes, got 18446744073709551615;/,
      ],
      [
        () => clipscope.loadClipFiles({ 'model.safetensors': Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 123, 34).buffer }),
        /^model\.safetensors: expected a header of 9 bytes, got only 2; is the file cut short\?$/,
      ],
      [
        async () => {
          const bytes = await bytesAt('/weights/model.safetensors');
          await clipscope.loadClipFiles({ 'model.safetensors': bytes.subarray(0, bytes.length - 1) });
        },
        /^model\.safetensors: expected \d+ bytes of tensors, got \d+; is the file cut short\?$/,
      ],
      [
        async () => {
          const weights = await bytesAt('/weights/model.safetensors');
          await clipscope.loadClipFiles({
            'model.safetensors': weights,
            'config.json': new Blob(['{"a": 1, "a": 2}']),
          });
        },
        /^config\.json: not valid JSON: expected each key once, got '"a": 2\}' at character 9$/,
      ],
      [
        async () => {
          const weights = await bytesAt('/weights/model.safetensors');
          await clipscope.loadClipFiles({ 'model.safetensors': weights, 'config.json': new Uint8Array(5 << 20) });
        },
        /^config\.json: expected at most 4 MiB of JSON, got 5242880 bytes$/,
      ],
      [
        async () => {
          const weights = await bytesAt('/weights/model.safetensors');
          const settings = new Blob(['{"promts": []}']);
          await clipscope.loadClipFiles({ 'model.safetensors': weights, 'clipscope.json': settings });
        },
        /^clipscope\.json: the file: .*promts/,
      ],
      [
        async () => (await loadModel({ weights: 'file' })).tokenizer,
        /^loadClipFiles: no vocabulary was given; pass \{ vocabulary: await fetchVocabulary\(\) \}$/,
      ],
    ]);
    expect(await opened.page.evaluate(() => clipscope.memory().numTensors)).to.be.below(200);
  });

  it('of vocabularies and pictures', async () => {
    await expectRefusals(opened.page, [
      [() => clipscope.fetchVocabulary('/data/nothing.gz'), /^\/data\/nothing\.gz: the server answers 404; serve it/],
      [() => clipscope.fetchVocabulary(Uint8Array.of(0x1f, 0x8b, 8, 0)), /^vocabulary: cannot be read: /],
      [
        () => clipscope.fetchVocabulary(new Uint8Array(17 << 20)),
        /^vocabulary: expected a vocabulary of at most 16777216 /,
      ],
      [async () => clipscope.createTokenizer(), /^createTokenizer: expected a vocabulary, got nothing; pass the bytes/],
      [async () => clipscope.createTokenizer({ vocabulary: 'merges.txt' }), /got a path; pass the bytes/],
      [
        async () => clipscope.createTokenizer({ vocabulary: Uint8Array.of(0x1f, 0x8b) }),
        /^vocabulary: expected a vocabulary that is unpacked, got one packed by gzip; pass the bytes/,
      ],
      [
        async () => clipscope.createTokenizer({ vocabulary: new Uint8Array(9) }),
        /expected a header line and 48894 merges/,
      ],
      [
        async () => clipscope.pictureOfCanvas({ width: 2, height: 2, data: new Uint8ClampedArray(15) }),
        /^pictureOfCanvas: 2 x 2 pixels need four values each, got 15$/,
      ],
    ]);
  });

  it('of engines', async () => {
    await expectRefusals(opened.page, [
      [() => clipscope.startEngine('node'), /^unknown engine 'node'; known: wasm, cpu, webgpu$/],
      [() => clipscope.startEngine('webgpu'), /^engine 'webgpu': this browser offers no WebGPU here; use engine wasm$/],
      [
        () => clipscope.startEngine('wasm', { wasmPaths: '/nowhere' }),
        /^engine 'wasm': TensorFlow\.js cannot start it here; serve the dist folder of @tensorflow\/tfjs-backend-wasm,/,
      ],
      [
        () => clipscope.startEngine('wasm', { wasmPaths: '/tfjs' }),
        /^engine 'wasm': it did not start .*; load the page/,
      ],
    ]);
  });

  for (const host of ['inline', 'worker'] as const) {
    it(`of where the runtime's files are, ${host}`, async () => {
      await opened.page.evaluate(host => Object.assign(globalThis, { host }), host);
      await expectRefusals(opened.page, [
        [
          () => {
            const { host } = globalThis as unknown as { host: 'inline' };
            return clipscope.compile(x => x, [{ shape: [2] }], { wasmPaths: '/nowhere', host });
          },
          /^compile: onnxruntime-web does not start \(.*nowhere\/ort-wasm.*\); serve its dist folder, pass its address as/,
        ],
      ]);
      for (let i = 0; opened.page.workers().length > 0 && i < 100; i++) await opened.page.waitForTimeout(20);
      expect(opened.page.workers()).to.deep.equal([]);
    });
  }
});

describe('a page without the runtime and the worker', function () {
  this.timeout(30_000);
  const open = useChromium({ isolated: false, bundle: 'bare' });

  it('says what it lacks, and computes eagerly', async () => {
    const { page } = await open();
    await page.evaluate(() => clipscope.startEngine('cpu'));
    await expectRefusals(page, [
      [
        () => clipscope.compile(x => x, [{ shape: [2] }]),
        /^compile: onnxruntime-web does not load \(.*\); install it beside clipscope, or run eagerly$/,
      ],
      [
        () => clipscope.compile(x => x, [{ shape: [2] }], { host: 'worker' }),
        /^compile: the worker's script does not load \(.*\); bundle 'clipscope\/browser\/worker' as workerThread/,
      ],
    ]);
    const shape = await page.evaluate(async () => {
      const clip = await loadModel();
      return clipscope.tidy(() => clip.image(clipscope.zeros([1, 3, 96, 96])).embedding.shape);
    });
    expect(shape).to.deep.equal([1, 128]);
  });
});
