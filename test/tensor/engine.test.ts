import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { findBackend } from '@tensorflow/tfjs-core';
import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { parseEngine, startEngine } from '../../src/tensor/engine.js';
import { type EngineName, engineNames } from '../../src/tensor/names.js';
import { add, getBackend, scalar, tensor, tidy } from '../../src/tensor/tfjs.js';
import { writtenTensor } from '../../src/tensor/upload.js';
import { useEngine, withoutLeak } from '../engine.js';
import { rejection } from '../files/rejection.js';

function isInstalled(packageName: string): boolean {
  try {
    createRequire(import.meta.url).resolve(packageName);
    return true;
  } catch {
    return false;
  }
}

describe('engines', () => {
  afterEach(useEngine);

  it('are four, and unknown ones are refused with the nearest', async () => {
    for (const name of engineNames) expect(parseEngine(name)).to.equal(name);
    expect(() => parseEngine('wsam')).to.throw(InputError, "unknown engine 'wsam'; did you mean wasm");
    expect(() => parseEngine('quantum')).to.throw(InputError, 'known: wasm, cpu, node, node-gpu');
    expect(() => parseEngine('constructor')).to.throw(InputError);
    expect(await rejection(startEngine('web' as EngineName))).to.match(/^unknown engine 'web'/);
  });

  for (const name of ['wasm', 'cpu'] as const) {
    it(`${name} starts, again too, says what runs, and adds`, async () => {
      for (let i = 0; i < 2; i++) {
        const report = await startEngine(name);
        expect(report).to.deep.include({ engine: name, backend: name, threads: 1 });
        expect(report.version).to.match(/^\d+\.\d+\.\d+/);
        expect(getBackend()).to.equal(name);
      }
      await withoutLeak(() => {
        expect(tidy(() => add(scalar(2), scalar(3)).dataSync()[0])).to.equal(5);
      });
    });
  }

  it('is wasm when none is named', async () => {
    await startEngine('cpu');
    expect((await startEngine()).engine).to.equal('wasm');
  });

  it('cpu keeps its advice to itself on its first use', async () => {
    await startEngine('cpu');
    // Some other test may have used it before.
    (findBackend('cpu') as unknown as { firstUse: boolean }).firstUse = true;
    await startEngine('cpu');
    const { warn } = console;
    const warnings: unknown[] = [];
    console.warn = (...text) => warnings.push(text);
    try {
      expect(tidy(() => add(tensor([1, 2]), 1).dataSync())).to.deep.equal(Float32Array.of(2, 3));
    } finally {
      console.warn = warn;
    }
    expect(warnings).to.deep.equal([]);
  });

  it('take a whole number of threads that a machine could have', async () => {
    for (const threads of [0, -2, 1.5, 257, Number.NaN]) {
      expect(await rejection(startEngine('wasm', { threads }))).to.equal(
        `threads: expected a whole number from 1 to 256, got ${threads}`,
      );
    }
    // What has but one thread says so, whatever is asked for.
    expect((await startEngine('wasm', { threads: 8 })).threads).to.equal(1);
  });

  for (const [name, packageName] of [
    ['node', '@tensorflow/tfjs-node'],
    ['node-gpu', '@tensorflow/tfjs-node-gpu'],
  ] as const) {
    it(`${name} without its package says what is missing and what to do, and leaves the engine that ran`, async function () {
      if (isInstalled(packageName)) {
        console.log(`      skipped: ${packageName} is installed`);
        return this.skip();
      }
      await useEngine();
      const before = getBackend();
      const message = await rejection(startEngine(name));
      expect(message).to.match(new RegExp(`^engine '${name}': ${packageName} does not load \\(Cannot find module`));
      expect(message).to.include('or use --engine wasm');
      expect(getBackend()).to.equal(before);
    });
  }

  it('are started by what needs one, wasm then, and not twice', () => {
    const engine = fileURLToPath(new URL('../../src/tensor/engine.ts', import.meta.url));
    const script = `
      import { ensureEngine, startEngine } from ${JSON.stringify(engine)};
      import { getBackend } from '@tensorflow/tfjs-core';
      await ensureEngine();
      const first = getBackend();
      await startEngine('cpu');
      await ensureEngine();
      process.stdout.write(first + ' ' + getBackend());`;
    const root = fileURLToPath(new URL('../..', import.meta.url));
    const output = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect(output).to.equal('wasm cpu');
  });
});

describe('written tensors', () => {
  after(useEngine);

  for (const name of ['wasm', 'cpu'] as const) {
    it(`on ${name} hold what was written, also when the engine's memory grows after`, async () => {
      await startEngine(name);
      await withoutLeak(() =>
        tidy(() => {
          const made = [3, 5, 2, 2 ** 23].map(size => [size, writtenTensor([size], out => out.fill(size))] as const);
          for (const [size, values] of made) {
            expect(values.shape).to.deep.equal([size]);
            expect(values.dataSync().every(value => value === size)).to.equal(true);
          }
        }),
      );
    });

    it(`on ${name} are gone when the writing fails`, async () => {
      await startEngine(name);
      const write = () => {
        throw new Error('the file ended');
      };
      await withoutLeak(() => expect(() => tidy(() => writtenTensor([2], write))).to.throw('the file ended'));
    });
  }
});
