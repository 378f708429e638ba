import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { type Bench, openBench, ours, versus } from '../../src/bench/bench.js';
import { benchmarks } from '../../src/bench/benchmarks/index.js';
import { readFloats } from '../../src/bench/floats.js';
import type { Peers } from '../../src/bench/peers.js';
import { normal } from '../../src/bench/random.js';
import type { Row } from '../../src/bench/report.js';
import { unitRows } from '../../src/bench/statistics.js';
import { type ClipStepGiven, clipStep } from '../../src/bench/tasks/clipStep.js';
import { step } from '../../src/bench/tasks/step.js';
import { describeModel, loadClip } from '../../src/checkpoint/loadClip.js';
import { InputError } from '../../src/errors.js';
import { compile } from '../../src/tensor/compile.js';
import { scalar, type Tensor2D } from '../../src/tensor/tfjs.js';
import { contrastiveLoss } from '../../src/train/clip/contrastive.js';
import { inTemporaryFolder } from '../files/temporary.js';

const model = fileURLToPath(new URL('../../weights/scenes', import.meta.url));
const { embedding } = describeModel(model).config;

/** Runs the benchmarks that have a row of these names on the embedded model; gives their rows. */
async function rowsOf(names: readonly string[], peers?: Peers): Promise<Row[]> {
  const rows: Row[] = [];
  const bench = openBench({
    model,
    threads: 1,
    rounds: 1,
    wants: name => names.includes(name),
    add: row => rows.push(row),
    ...(peers && { peers }),
  });
  try {
    for (const benchmark of benchmarks) {
      if ([...benchmark.rows, ...(benchmark.peerRows ?? [])].some(bench.wants)) await benchmark.run(bench);
    }
    return rows;
  } finally {
    bench.close();
  }
}

/** Each candidate is a process that loads the whole library. */
const patience = 120_000;

/** What the script of `train/clip` is given, but for the batch's sizes. */
type PeerGiven = Omit<ClipStepGiven, 'config'> & { readonly model: string; readonly optimiser: object };

describe('benchmarks', () => {
  it('have the names that scripts ask for, each once', () => {
    const names = benchmarks.flatMap(({ rows, peerRows = [] }) => [...rows, ...peerRows]);
    expect(new Set(names).size).to.equal(names.length);
    expect(names).to.include.members([
      'embed/float/b1',
      'embed/float/b8',
      'embed/s8/b1',
      'dense/csa/b1',
      'variants/6',
      'load',
      'memory',
      'train/step',
      'train/clip',
      'resize/12mp',
      'eager/wasm',
      'pipeline/sclip',
    ]);
  });

  it('measure ours alone where there is no peer, and say so', async () => {
    const [row, ...others] = await rowsOf(['embed/float/b1']);
    expect(others).to.deep.equal([]);
    expect(row).to.include({ name: 'embed/float/b1', peer: 'onnxruntime', skipped: 'without --peers' });
    expect(row).not.to.have.property('ratio');
    expect(row!.min).to.be.greaterThan(0);
    expect(row!.median).to.be.at.least(row!.min!);
  }).timeout(patience);

  it('hold ours against a peer in the same rounds', async () => {
    // Ours stands in for the peer, so that the outputs are known to be the same.
    const peers: Peers = {
      exported: async () => ({ folder: 'unused' }),
      node: (_script, { side: _, file: __, ...given }: Record<string, unknown> & object) => {
        return { ...ours({ task: 'image', output: 'embedding', ...given, model } as never), optional: true };
      },
      python: () => ({ program: '/nowhere/python', words: [], given: {}, optional: true }),
    };
    const [float, pytorch, load, memory] = await rowsOf(
      ['embed/float/b1', 'embed/float/b1/pytorch', 'load', 'memory'],
      peers,
    );
    for (const row of [float!, load!, memory!]) {
      const unit = row === memory ? ['unit'] : [];
      expect(row, row.name).to.have.keys(
        'name',
        'median',
        'min',
        'ratio',
        'asked',
        'peer',
        'difference',
        'note',
        ...unit,
      );
      expect(row.difference!, row.name).to.be.below(1e-6);
      expect(row.ratio!, row.name).to.be.within(0.1, 10);
    }
    expect(memory!.ratio).to.be.within(0.8, 1.25);
    expect(pytorch).to.include({ peer: 'pytorch' }).and.not.have.property('ratio');
    expect(pytorch!.skipped).to.match(/ENOENT/);
  }).timeout(patience);

  it('eight-bit against float: how alike they are, beside the speed', async () => {
    const [row] = await rowsOf(['embed/s8/b1']);
    expect(row).to.include({ name: 'embed/s8/b1', peer: 'ours, float', asked: 0.65 });
    expect(row!.cosine).to.be.within(0.99, 0.9999999);
    expect(row!.agreement).to.be.within(0.8, 1);
  }).timeout(patience);

  it('several variants at once give what they give one by one, and compiled is eager', async () => {
    const rows = await rowsOf(['variants/6', 'dense/csa/b1']);
    expect(rows.map(({ name }) => name)).to.deep.equal(['dense/csa/b1', 'variants/6']);
    for (const { name, difference } of rows) expect(difference!, name).to.be.below(1e-4);
    expect(rows[1]!.ratio).to.be.greaterThan(0);
  }).timeout(patience);

  it('train clipself: on pictures that the patches of any model fill', async () => {
    const [row] = await rowsOf(['train/clipself']);
    expect(row).to.include({ name: 'train/clipself', peer: 'pytorch', skipped: 'without --peers' });
    expect(row!.rate).to.match(/^\d+\.\d\d GB at the most$/);
  }).timeout(patience);

  it('train: the loss falls as the state goes round', () =>
    inTemporaryFolder(async dir => {
      const [input, targets] = [join(dir, 'pixels'), join(dir, 'targets')];
      writeFileSync(input, normal(2 * 3 * 96 * 96, 1));
      writeFileSync(targets, unitRows(normal(2 * embedding, 2), embedding));
      const adam = { beta1: 0.9, beta2: 0.98, epsilon: 1e-6, decay: 0.2 };
      const run = await step({ model, input, targets, batch: 2, rate: 1e-4, adam, threads: 1 });
      let losses = new Float32Array(0);
      for (let i = 0; i < 4; i++) losses = Float32Array.from(await run());
      expect([...losses].sort((a, b) => b - a)).to.deep.equal([...losses]);
      expect(new Set(losses).size).to.equal(4);
    })).timeout(patience);

  it('train clip: a peer is given the weights and the batch that ours begins with', () =>
    inTemporaryFolder(async dir => {
      const config = fileURLToPath(new URL('../../configs/scenes.json', import.meta.url));
      const theirs = (name: string) => join(dir, name);
      let sizes: object = {};
      const peers: Peers = {
        exported: async () => ({ folder: 'unused' }),
        node: () => expect.fail('asked for a peer in Node'),
        python: (script, given) => {
          expect(script).to.equal('pytorch_clip.py');
          const { model, optimiser: _, pixels, ids, rate, threads, ...rest } = given as PeerGiven;
          for (const [name, path] of Object.entries({ pixels, ids, model })) {
            cpSync(path, theirs(name), { recursive: true });
          }
          sizes = rest;
          return ours({ task: 'clipStep', config, pixels, ids, rate, threads });
        },
      };
      const [row] = await rowsOf(['train/clip'], peers);
      expect(row).to.include({ name: 'train/clip', peer: 'pytorch', asked: 1.5, difference: 0 });
      expect(row!.ratio).to.be.within(0.1, 10);
      expect(row!.rate).to.match(/^\d+\.\d against \d+\.\d images\/s$/);
      expect(sizes).to.deep.equal({ batch: 64, side: 96, tokens: 27 });

      const [pixels, ids] = [theirs('pixels'), theirs('ids')];
      const run = await clipStep({ config, pixels, ids, rate: 1e-4, threads: 1 });
      await run();
      const losses = Float32Array.from(await run());
      expect(losses[1]).to.be.below(losses[0]!);
      const clip = await loadClip(theirs('model'));
      const loss = await compile(
        (x, words) =>
          contrastiveLoss(clip.image(x).embedding, clip.textIds(words as Tensor2D).embedding, scalar(1 / 0.07), words)
            .loss,
        [{ shape: [64, 3, 96, 96] }, { shape: [64, 27], dtype: 'int32' }],
      );
      const given = [
        { data: readFloats(pixels, 64 * 3 * 96 * 96), shape: [64, 3, 96, 96] },
        { data: Int32Array.from(readFloats(ids, 64 * 27)), shape: [64, 27] },
      ];
      expect((await loss(...given)).data[0]).to.be.closeTo(losses[0]!, 1e-5);
      await loss.dispose();
      clip.dispose();
    })).timeout(patience);

  it('give no ratio when a peer does something else', () => {
    const timing = (value: number) => ({ cpu: [1], wall: [1], output: Float32Array.of(value) });
    expect(versus('a', timing(1), timing(2), { peer: 'p' })).to.deep.include({
      peer: 'p',
      difference: 0.5,
      skipped: 'the outputs are not the same',
    });
    expect(versus('a', timing(1), timing(2), { peer: 'p' })).not.to.have.property('ratio');
    expect(versus('a', timing(1), timing(2), { peer: 'p', allowed: 0.5 })).to.include({ ratio: 1, difference: 0.5 });
  });

  it('refuse a model that is not there', () => {
    const open = (name: string): Bench =>
      openBench({ model: name, threads: 1, rounds: 1, wants: () => true, add: () => {} });
    expect(() => open('/nowhere')).to.throw(InputError, /nowhere/);
  });
});
