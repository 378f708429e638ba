import { expect } from 'chai';
import { loadClip } from '../../src/checkpoint/loadClip.js';
import { InputError } from '../../src/errors.js';
import type { Dataset } from '../../src/evaluate/datasets/dataset.js';
import { openDataset } from '../../src/evaluate/datasets/openDataset.js';
import { type Evaluator, openEvaluator } from '../../src/evaluate/evaluator.js';
import { heldOutSeed } from '../../src/evaluate/heldOut.js';
import { methodSpecs, sweepSpecs } from '../../src/evaluate/methods/specs.js';
import type { EvaluationPlan } from '../../src/evaluate/plan.js';
import type { ImageRecord, ShardResult } from '../../src/evaluate/records.js';
import { openPlan } from '../../src/evaluate/run/openPlan.js';
import { segmentScenes } from '../../src/evaluate/sceneSegmentation.js';
import { type EvaluationTable, tableOf } from '../../src/evaluate/table.js';
import { methodByName } from '../../src/segment/methods.js';
import { openRunner } from '../../src/tensor/runner.js';
import { rejection } from '../files/rejection.js';
import { planFor } from './plans.js';

async function withEvaluator<T>(
  plan: EvaluationPlan,
  work: (evaluator: Evaluator) => Promise<T>,
  parts: Parameters<typeof openEvaluator>[1] = {},
): Promise<T> {
  const evaluator = await openEvaluator(plan, { atOnce: 1, ...parts });
  try {
    return await work(evaluator);
  } finally {
    await evaluator.dispose();
  }
}

const allShards = (plan: EvaluationPlan, parts: Parameters<typeof openEvaluator>[1] = {}): Promise<ShardResult[]> =>
  withEvaluator(
    plan,
    async evaluator => {
      const results: ShardResult[] = [];
      for (let shard = 0; shard < evaluator.shards; shard++) results.push(await evaluator.evaluate(shard));
      return results;
    },
    parts,
  );

const tableFor = async (plan: EvaluationPlan): Promise<EvaluationTable> =>
  tableOf(await openPlan(plan), await allShards(plan));

/** A data set whose second image is replaced. */
async function spoilt(read: Dataset['read']): Promise<Dataset> {
  const dataset = await openDataset('scenes:n=3');
  return { ...dataset, read: index => (index === 1 ? read(index) : dataset.read(index)) };
}

describe('the evaluator', function () {
  this.timeout(60_000);

  it('scores scenes as they are scored one by one', async () => {
    const table = await tableFor(planFor());
    const clip = await loadClip('weights/scenes', { weights: 'file' });
    const runner = await openRunner('ort', { threads: 1 });
    const methods = ['sclip', 'clearclip'].map(methodByName);
    const scores = await segmentScenes(clip, 'colours', methods, { seed: heldOutSeed, count: 6 }, { runner });
    await runner.dispose();
    clip.dispose();
    expect(table.images).to.equal(6);
    expect(table.methods.map(({ name, mIoU, mAcc, aAcc }) => ({ name, mIoU, mAcc, aAcc }))).to.deep.equal(
      scores.map(({ name, mIoU, mAcc, aAcc }) => ({ name, mIoU, mAcc, aAcc })),
    );
    for (const { perClass, interval, mIoU } of table.methods) {
      expect(perClass.map(({ name }) => name)).to.deep.equal(table.dataset.classes);
      expect(interval[0]).to.be.at.most(mIoU!);
      expect(interval[1]).to.be.at.least(mIoU!);
    }
  });

  it('gives the same shards in any order, however many images are under way and however shards are cut', async () => {
    const inOrder = await allShards(planFor());
    const others = await withEvaluator(planFor(), async ({ evaluate }) => [
      await evaluate(2),
      await evaluate(0),
      await evaluate(1),
    ]);
    expect(others.sort((a, b) => a.shard - b.shard)).to.deep.equal(inOrder);
    expect(await allShards(planFor(), { atOnce: 3 })).to.deep.equal(inOrder);
    const images = (results: ShardResult[]) => results.flatMap(result => result.images);
    expect(images(await allShards(planFor({ shardSize: 4 })))).to.deep.equal(images(inOrder));
  });

  it('takes the first images alone', async () => {
    const limited = await allShards(planFor({ limit: 3 }));
    expect(limited.map(({ images }) => images.length)).to.deep.equal([2, 1]);
    expect(limited.flatMap(({ images }) => images.map(({ id }) => id))).to.deep.equal(['000001', '000002', '000003']);
  });

  it('sweeps over one prefix to what each method gives alone', async () => {
    const methods = sweepSpecs('attention=qk,qq residual=on,off', 'clip');
    const { methods: together } = await tableFor(planFor({ methods }));
    for (const [i, spec] of methods.entries()) {
      const { methods: alone } = await tableFor(planFor({ methods: [spec] }));
      expect(alone[0]).to.deep.equal(together[i]);
    }
    const named = await tableFor(planFor({ methods: methodSpecs('clip,clearclip', 'clip') }));
    const ious = ({ perClass }: EvaluationTable['methods'][number]) => perClass.map(({ iou }) => iou);
    expect(ious(together[0]!), 'plain CLIP').to.deep.equal(ious(named.methods[0]!));
  });

  it('runs methods of different sizes in one pass to what each gives alone', async () => {
    const methods = methodSpecs('sclip,clearclip,kk', 'clip').map((spec, i) =>
      i === 1 ? { ...spec, protocol: { resampling: 'pillow-bicubic' as const, padding: 'drop' as const } } : spec,
    );
    const { methods: together } = await tableFor(planFor({ methods, limit: 2 }));
    for (const [i, spec] of methods.entries()) {
      const { methods: alone } = await tableFor(planFor({ methods: [spec], limit: 2 }));
      expect(alone[0]).to.deep.equal(together[i]);
    }
    expect(together[1]!.record.protocol.resampling).to.equal('pillow-bicubic');
  });

  it('records an image that cannot be read and goes on, and leaves it out of the table', async () => {
    const dataset = await spoilt(() => Promise.reject(new InputError('b.png: it is broken\nin two lines')));
    const plan = planFor({ dataset: 'scenes:n=3', shardSize: 3 });
    const [result] = await allShards(plan, { dataset });
    expect(result!.images[1]).to.deep.equal({
      id: '000002',
      height: 0,
      width: 0,
      methods: [],
      failure: 'b.png: it is broken',
    });
    const table = tableOf(await openPlan(plan, { dataset }), [result!]);
    expect(table).to.deep.include({ images: 2, failures: [{ id: '000002', failure: 'b.png: it is broken' }] });
    const whole = await allShards(plan);
    expect(result!.images[2]).to.deep.equal(whole[0]!.images[2]);
  });

  it('records labels that do not fit', async () => {
    const real = await openDataset('scenes:n=3');
    const dataset = await spoilt(async index => ({ ...(await real.read(index)), labels: new Uint8Array(5) }));
    const [result] = await allShards(planFor({ dataset: 'scenes:n=3', shardSize: 3 }), { dataset });
    expect(result!.images[1]!.failure).to.match(/^000002: .*9216 .*got 5/);
    expect(result!.images.map(({ methods }) => methods.length)).to.deep.equal([2, 0, 2]);
  });

  it('records what one image is too much for, and stops where one after another is', async () => {
    const real = await openDataset('scenes:n=6');
    const broken = (index: number) => ({ ...real.read(index), picture: { width: 96, height: 96, mode: 'none' } });
    const failing = (indices: readonly number[]): Dataset => ({
      ...real,
      read: async index => (indices.includes(index) ? (broken(index) as never) : real.read(index)),
    });
    const [result] = await allShards(planFor({ shardSize: 6 }), { dataset: failing([1, 2, 4, 5]) });
    expect(result!.images.map(({ methods }) => methods.length)).to.deep.equal([2, 0, 0, 2, 0, 0]);
    expect(result!.images[1]!.failure).to.match(/^000002: \S/);
    const error = await allShards(planFor({ shardSize: 6 }), { dataset: failing([0, 1, 2, 3, 4]) }).catch(
      thrown => thrown,
    );
    expect(error).to.be.instanceOf(Error).and.not.instanceOf(InputError);
  });

  it('stops at a signal, tells each image, and takes those that are known', () =>
    withEvaluator(planFor({ shardSize: 6 }), async ({ evaluate }) => {
      const stop = new AbortController();
      const records: ImageRecord[] = [];
      const onImage = (record: ImageRecord) => {
        if (records.push(record) === 3) stop.abort(new InputError('enough'));
      };
      expect(await rejection(evaluate(0, { signal: stop.signal, onImage }))).to.equal('enough');
      expect(records).to.have.length(3);
      const rest: ImageRecord[] = [];
      const { images } = await evaluate(0, { known: records, onImage: record => rest.push(record) });
      expect(images).to.deep.equal([...records, ...rest]);
      expect(rest).to.have.length(3);
    }));

  it('shows an image as each method labels it', () =>
    withEvaluator(planFor(), async ({ look, norms, evaluate }) => {
      const { id, picture, labels, segmentations } = await look(1);
      expect({ id, pixels: labels.length }).to.deep.equal({ id: '000002', pixels: picture.width * picture.height });
      const { images } = await evaluate(0);
      const right = segmentations.map(one => one.labels.filter((label, i) => label === labels[i]).length);
      const counted = images[1]!.methods.map(({ pairs }) =>
        pairs.reduce((sum, count, i) => (i % 3 === 2 && pairs[i - 2] === pairs[i - 1] ? sum + count : sum), 0),
      );
      expect(right).to.deep.equal(counted);
      expect((await norms([picture])).map(({ name }) => name)).to.deep.equal(['sclip', 'clearclip']);
    }));

  for (const [what, change, says] of [
    ['no methods', { methods: [] }, /expected at least one method, got none/],
    [
      'two of a name',
      { methods: methodSpecs('sclip', 'clip').concat(methodSpecs('sclip', 'clip')) },
      /'sclip' is there twice/,
    ],
    ['no images', { dataset: 'scenes:n=0' }, /expected n as a whole number from 1/],
    ['another kind', { dataset: 'vok21:x' }, /got 'vok21:x'; did you mean voc21/],
    ['a limit of 0', { limit: 0 }, /limit: expected a whole number from 1/],
    ['empty shards', { shardSize: 0 }, /images in a shard: expected a whole number from 1/],
    ['no model', { model: 'nowhere/model' }, /nowhere\/model/],
    ['an engine that cannot quantise', { engine: 'cpu', quantize: 's8' }, /cannot quantise/],
  ] as const) {
    it(`refuses ${what}`, async () =>
      expect(await rejection(openEvaluator(planFor(change as Partial<EvaluationPlan>)))).to.match(says));
  }

  it('refuses shards that there are not', () =>
    withEvaluator(planFor(), async ({ evaluate }) => {
      expect(await rejection(evaluate(3))).to.match(/expected a shard from 0 to 2, got 3/);
    }));
});
