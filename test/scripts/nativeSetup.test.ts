/** `native:setup` as far as it goes without a network: what it understands, what it finds in a tree, what it reports. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

interface Engine {
  name: string;
  version: string;
  libraries: Record<string, number>;
}
interface Scripts {
  links: Record<string, string>;
  missingParts(root: string, engine: Engine): string[];
  bindingPath(folder: string, napi: number): { file: string; version: number };
  telling(output: { stdout?: string; stderr?: string }): string | undefined;
  run(program: string, args: string[], options?: { what?: string; mend?: string; minutes?: number }): Promise<string>;
  selfCheck(root: string, engine: { name: string }): Promise<{ tensorflow: string; tfjs: string }>;
}

const scripts = new URL('../../scripts/', import.meta.url);
const load = async (file: string): Promise<Scripts> => await import(new URL(file, scripts).href);

/** Runs the script; its exit status and what it wrote. */
function setUp(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const script = fileURLToPath(new URL('native-setup.mjs', scripts));
  return new Promise(resolve => {
    const child = execFile(process.execPath, [script, ...args], (_, stdout, stderr) =>
      resolve({ status: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('expected a failure');
}

describe('native:setup', () => {
  const engine = { name: '@tensorflow/tfjs-node', version: '1.2.3', libraries: { 'libtensorflow_cc.so.2': 4000 } };
  let root: string;
  let folder: string;

  const write = (path: string, content: unknown) => {
    const file = join(root, 'node_modules', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  };

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'native-'));
    folder = join(root, 'node_modules', engine.name);
    const binary = { module_name: 'binding', module_path: './lib/napi-v{napi_build_version}', napi_versions: [3, 8] };
    write('@tensorflow/tfjs-node/package.json', { version: '1.2.3', dependencies: { near: '1', far: '1' }, binary });
    write('@tensorflow/tfjs-node/node_modules/near/package.json', { dependencies: { deep: '1' } });
    write('far/package.json', { dependencies: { near: '1' } });
    write('near/package.json', {});
    write('deep/package.json', { dependencies: { far: '1' } });
    write('@tensorflow/tfjs-node/deps/lib/libtensorflow_cc.so.2', 'x'.repeat(4000));
    write('@tensorflow/tfjs-node/deps/include/tensorflow/c/c_api.h', '');
    const { links } = await load('native/engines.mjs');
    for (const [link, target] of Object.entries(links)) symlinkSync(target, join(folder, 'deps/lib', link));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const damages: [what: string, missing: string[], damage: () => void][] = [
    ['a whole install', [], () => {}],
    ['no install', ['package', 'libraries'], () => rmSync(folder, { recursive: true })],
    ['another version', ['package'], () => write('@tensorflow/tfjs-node/package.json', { version: '1.2.4' })],
    ['a manifest cut short', ['package'], () => write('@tensorflow/tfjs-node/package.json', '{"version": "1.2.3"')],
    [
      'a dependency of a dependency gone',
      ['package'],
      () => rmSync(join(root, 'node_modules/deep'), { recursive: true }),
    ],
    ['a library cut short', ['libraries'], () => truncateSync(join(folder, 'deps/lib/libtensorflow_cc.so.2'), 3999)],
    ['a link gone', ['libraries'], () => rmSync(join(folder, 'deps/lib/libtensorflow.so'))],
    ['no headers', ['libraries'], () => rmSync(join(folder, 'deps/include'), { recursive: true })],
  ];
  for (const [what, missing, damage] of damages) {
    it(`${what}: ${missing.join(' and ') || 'nothing'} to repair`, async () => {
      const { missingParts } = await load('native/engines.mjs');
      damage();
      expect(missingParts(root, engine)).to.deep.equal(missing);
    });
  }

  it('puts the binding where the package will look for it', async () => {
    const { bindingPath } = await load('native/engines.mjs');
    expect(bindingPath(folder, 9)).to.deep.equal({ file: join(folder, 'lib/napi-v8/binding.node'), version: 8 });
    expect(bindingPath(folder, 7)).to.deep.equal({ file: join(folder, 'lib/napi-v3/binding.node'), version: 3 });
  });

  it('refuses what it does not know, and a folder that is no installed project, in one line', async () => {
    const unknown = await setUp('--cpu');
    expect(unknown).to.include({ status: 2, stdout: '' });
    expect(unknown.stderr).to.equal("native:setup: unexpected '--cpu'; known: --gpu, --force, --root DIR, --help\n");
    expect(await setUp('--root')).to.include({ status: 2, stderr: unknown.stderr.replace('--cpu', '--root') });
    const elsewhere = await setUp('--root', root);
    expect(elsewhere).to.include({ status: 2, stdout: '' });
    expect(elsewhere.stderr).to.match(
      /^native:setup: .* has no node_modules\/@tensorflow\/tfjs-core: run 'npm ci'.*\n$/,
    );
    expect((await setUp('--help')).stdout).to.contain('npm run native:setup');
  });

  describe('with an engine that loads', () => {
    /** A stand-in for tfjs-node whose product is off by `error`. */
    const installFake = (error: number) => {
      write(
        '@tensorflow/tfjs-core/index.js',
        `exports.matMul = (a, b) => ({
        arraySync: () => a.map(x => b.map(y => x.reduce((sum, value, k) => sum + value * y[k], ${error}))),
      });`,
      );
      write(
        '@tensorflow/tfjs-node/index.js',
        `module.exports = {
        ...require('@tensorflow/tfjs-core'),
        version_core: '1.2.3',
        getBackend: () => 'tensorflow',
        backend: () => ({ binding: { TF_Version: '9.9' } }),
        buffer: ([n]) => {
          const rows = Array.from({ length: n }, () => []);
          return { set: (value, i, j) => { rows[i][j] = value; }, toTensor: () => rows };
        },
      };`,
      );
    };

    it('leaves alone what works', async () => {
      installFake(0);
      const { status, stdout } = await setUp('--root', root);
      expect(stdout).to.match(/^@tensorflow\/tfjs-node is there and works \(TensorFlow 9\.9, .*\): nothing to do\n$/);
      expect(status).to.equal(0);
    });

    it('does not believe a wrong product, a second tfjs-core, or a package that is not there', async () => {
      const { selfCheck } = await load('native/steps.mjs');
      installFake(1);
      expect(await failure(selfCheck(root, engine))).to.match(
        /does not work: matmul is wrong: expected \d+ at \[0, 0\]/,
      );
      installFake(0);
      write('@tensorflow/tfjs-node/node_modules/@tensorflow/tfjs-core/index.js', 'exports.matMul = () => {};');
      expect(await failure(selfCheck(root, engine))).to.contain('brings a second tfjs-core');
      rmSync(folder, { recursive: true });
      expect(await failure(selfCheck(root, engine))).to.contain(
        "does not work: Cannot find module '@tensorflow/tfjs-node'",
      );
    });
  });

  it('says why a program failed, in one line', async () => {
    const { run, telling } = await load('native/run.mjs');
    const node = process.execPath;
    expect(await run(node, ['-e', 'console.log(1)'])).to.equal('1\n');
    expect(await failure(run('no-such-program', []))).to.equal('no-such-program: no-such-program is not installed');
    const broken = ['-e', "console.error('first\\nerror: the disk is quite full\\nlast'); process.exit(3)"];
    expect(await failure(run(node, broken, { what: 'a step' }))).to.equal('a step: error: the disk is quite full');
    expect(await failure(run(node, ['-e', 'process.exit(3)'], { what: 'a step', mend: 'wait' }))).to.equal(
      'a step: status 3; wait',
    );
    const slow = run(node, ['-e', 'setTimeout(() => {}, 60_000)'], { what: 'a step', minutes: 0.005 });
    expect(await failure(slow)).to.equal('a step: not done after 0.005 minutes');
    const npm =
      'npm error code E404\nnpm error 404 Not Found - GET https://x/y\nnpm error A complete log of this run: z';
    expect(telling({ stderr: npm })).to.equal('npm error 404 Not Found - GET https://x/y');
    expect(telling({ stdout: 'only this\n' })).to.equal('only this');
    expect(telling({})).to.equal(undefined);
  });
});
