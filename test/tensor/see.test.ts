/** `see`: intermediates of a compiled function by name. */
import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import type { Clip } from '../../src/model/clip.js';
import { compile, type SeeOptions } from '../../src/tensor/compile.js';
import { named } from '../../src/tensor/composite.js';
import { exportModel } from '../../src/tensor/export.js';
import { add, mul, type Pixels, type Tensor, tensor, tidy } from '../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../engine.js';
import { inTemporaryFolder } from '../files/temporary.js';
import { expectClose, findGolden, readGolden } from '../goldens.js';
import { tinyClip } from '../model/tiny.js';

const signature = [{ shape: ['batch', 3, 64, 64] }] as const;
const refusal = async (fn: (x: Tensor) => Tensor, options: SeeOptions): Promise<string> => {
  const error = await compile(fn, [{ shape: ['batch', 2] }], options).catch(caught => caught);
  expect(error).to.be.instanceOf(InputError);
  return error.message;
};

describe('see', () => {
  let clip: Clip;
  before(useEngine);
  before(() => {
    clip = tinyClip();
  });
  after(() => clip.dispose());

  it('returns the points of a tower beside the result, under their full names', async () => {
    const golden = readGolden(findGolden('clip-tiny/v512_outputs.safetensors')!).pixels!;
    const [data, shape] = [golden.data as Float32Array, golden.shape as [number, number, number, number]];
    const see = ['blocks.*.attn.pattern', 'image.embed.pos', 'blocks.1.resid_mid'];
    const run = await compile((x: Pixels) => clip.image(x).embedding, signature, { see });
    const { result, seen } = await run({ data, shape });
    tidy(() => {
      const eager = clip.image(tensor(data, shape), { see });
      expect(Object.keys(seen).sort()).to.deep.equal(Object.keys(eager.seen).sort());
      expectClose(result.data, eager.embedding!.dataSync(), { maxAbs: 1e-5 });
      for (const [name, value] of Object.entries(eager.seen)) {
        expect(seen[name]!.shape).to.deep.equal(value.shape);
        expectClose(seen[name]!.data, value.dataSync(), { maxAbs: 1e-4 }, { name, shape: value.shape });
      }
    });
    await run.dispose();
  });

  it('returns what a function names itself, as tensors where tensors are given', () =>
    withoutLeak(async () => {
      const fn = (x: Tensor) => add(named('mine.twice', mul(x, 2)), 1);
      const run = await compile(fn, [{ shape: ['batch', 2] }], { see: ['mine.*'] });
      const x = tensor([[1, 2]]);
      const { result, seen } = await run(x);
      expect([...result.dataSync()]).to.deep.equal([3, 5]);
      expect([...seen['mine.twice']!.dataSync()]).to.deep.equal([2, 4]);
      for (const one of [x, result, seen['mine.twice']!]) one.dispose();
      await run.dispose();
      expect(named('mine.twice', x)).to.equal(x);
    }));

  it('gives an exported model further outputs', () =>
    inTemporaryFolder(async folder => {
      const fn = (x: Pixels) => clip.image(x).embedding;
      const { outputs } = await exportModel(fn, signature, `${folder}/tower.onnx`, { see: ['ln_pre'] });
      expect(outputs.map(({ name }) => name)).to.deep.equal(['result', 'image.ln_pre']);
    }));

  it('refuses names that the function does not give, or gives more than once', async () => {
    const twice = (x: Tensor) => named('half', mul(named('half', mul(x, 0.5)), 0.5));
    expect(await refusal(twice, { see: ['halves'] })).to.match(/makes no intermediate 'halves'; nearest: half$/);
    expect(await refusal(twice, { see: ['half'] })).to.match(/makes 'half' 2 times/);
    expect(await refusal(x => mul(x, 2), { see: ['half'] })).to.match(/no intermediate 'half'; it names none$/);
    expect(await refusal(twice, { see: 'half' as never })).to.match(/see: expected a list of names/);
  });
});
