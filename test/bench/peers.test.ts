import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { openPeers } from '../../src/bench/peers.js';
import { InputError } from '../../src/errors.js';
import { inTemporaryFolder } from '../files/temporary.js';

const embedded = fileURLToPath(new URL('../../weights/scenes', import.meta.url));

/** A checkout with these packages of peers installed. */
function checkout(dir: string, installed: readonly string[]): string {
  const home = join(dir, 'bench/peers');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'package.json'), '{}');
  writeFileSync(join(home, 'export_onnx.py'), '');
  for (const name of installed) mkdirSync(join(home, 'node_modules', name), { recursive: true });
  return dir;
}

const packages = ['@huggingface/transformers', '@jax-js/jax'];

describe('peers', () => {
  let python: string | undefined;
  before(() => {
    python = process.env.CLIPSCOPE_PYTHON;
  });
  afterEach(() => {
    if (python === undefined) delete process.env.CLIPSCOPE_PYTHON;
    else process.env.CLIPSCOPE_PYTHON = python;
  });

  it('are refused outside a checkout, and where they are not installed', () =>
    inTemporaryFolder(dir => {
      expect(() => openPeers(dir)).to.throw(InputError, /part of a checkout/);
      checkout(dir, [packages[0]!]);
      expect(() => openPeers(dir)).to.throw(
        InputError,
        `bench: --peers: @jax-js/jax is not installed; run npm ci --prefix ${join(dir, 'bench/peers')}`,
      );
      expect(() => openPeers(checkout(dir, packages))).not.to.throw();
    }));

  it('run in Node and in the Python of CLIPSCOPE_PYTHON, and may be missing', () =>
    inTemporaryFolder(dir => {
      process.env.CLIPSCOPE_PYTHON = '/opt/python';
      const { node, python } = openPeers(checkout(dir, packages));
      const [inNode, inPython] = [node('jax.mjs', { a: 1 }), python('pillow.py', { b: 2 })];
      expect(inNode.words).to.deep.equal([join(dir, 'bench/peers/jax.mjs')]);
      expect(inPython.program).to.equal('/opt/python');
      expect(inPython.environment).to.have.keys('MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_');
      expect([inNode.given, inPython.given]).to.deep.equal([{ a: 1 }, { b: 2 }]);
      expect([inNode.optional, inPython.optional]).to.deep.equal([true, true]);
    }));

  it('say why there is no export, and leave nothing behind', () =>
    inTemporaryFolder(async dir => {
      const model = join(dir, 'model');
      cpSync(embedded, model, { recursive: true });
      process.env.CLIPSCOPE_PYTHON = '/nowhere/python';
      const { exported } = openPeers(checkout(dir, packages));
      const result = await exported(model);
      expect(result)
        .to.have.property('reason')
        .that.matches(/^no export: .*ENOENT/);
      expect(await exported(model)).to.equal(result);
      const left = readdirSync(join(tmpdir(), 'clipscope-bench')).filter(name => name.endsWith(`-${process.pid}`));
      expect(left).to.deep.equal([]);
    }));
});
