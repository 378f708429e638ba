import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { grad, type Tensor } from '@tensorflow/tfjs-core';
import { expect } from 'chai';
import { enableGradients } from '../../src/tensor/gradients.js';
import { square, sum, tensor1d, tidy } from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';

describe('gradients', () => {
  before(useEngine);

  it('are there once asked for, as often as one likes', () =>
    withoutLeak(() => {
      enableGradients();
      enableGradients();
      tidy(() => {
        const slope = grad((x: Tensor) => sum(square(x)))(tensor1d([1, -2, 3]));
        expect([...slope.dataSync()]).to.deep.equal([2, -4, 6]);
      });
    }));

  it('are there in the built package', function () {
    const built = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
    // Built by `npm test` before the suite; a single file of tests may run without.
    if (!existsSync(built)) this.skip();
    const script = `
      import { grad, setBackend, square, sum, tensor1d } from '@tensorflow/tfjs-core';
      import '@tensorflow/tfjs-backend-cpu';
      const slope = () => grad(x => sum(square(x)))(tensor1d([1, -2, 3])).dataSync().join();
      let before;
      try { before = slope(); } catch (error) { before = 'none'; }
      const { enableGradients } = await import(${JSON.stringify(built)});
      enableGradients();
      console.log(before, slope());
    `;
    const cwd = fileURLToPath(new URL('../..', import.meta.url));
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(printed).to.match(/none 2,-4,6\s*$/);
  });
});
