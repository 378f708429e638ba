import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import type { ShardEvaluator } from '../../../src/evaluate/evaluator.js';
import type { ImageRecord } from '../../../src/evaluate/records.js';
import type { OpenPlan } from '../../../src/evaluate/run/openPlan.js';
import { openWorkers } from '../../../src/evaluate/workers/pool.js';
import { rejection } from '../../files/rejection.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { planFor } from '../plans.js';

const program = pathToFileURL('test/evaluate/workers/scripted.mjs');

/** A worker that does as images of these names tell it, three to a shard. */
async function withWorker(
  ids: readonly string[],
  work: (worker: ShardEvaluator) => Promise<void>,
  model = 'none',
): Promise<void> {
  const methods = ids.map(label => ({ label, method: 'clip' as const }));
  const plan = planFor({ model, methods, shardSize: 3 });
  const open = { plan, images: ids.length, dataset: { ids }, identity: {} } as unknown as OpenPlan;
  const [worker] = openWorkers(open, 1, program);
  try {
    await work(worker!);
  } finally {
    await worker!.dispose();
  }
}

const done = (id: string): ImageRecord => ({ id, height: 1, width: 1, methods: [] });

describe('worker processes', () => {
  it('do one shard after another and tell each image', () =>
    withWorker(['a', 'b', 'c', 'd'], async worker => {
      const told: string[] = [];
      const onImage = ({ id }: ImageRecord) => told.push(id);
      expect(await worker.evaluate(0, { onImage })).to.deep.equal({ shard: 0, images: ['a', 'b', 'c'].map(done) });
      expect(await worker.evaluate(1, { onImage })).to.deep.equal({ shard: 1, images: [done('d')] });
      expect(told).to.deep.equal(['a', 'b', 'c', 'd']);
    }));

  it('are started anew when they die, and do no image twice', () =>
    inTemporaryFolder(dir =>
      withWorker(
        ['a', 'once1', 'once2'],
        async worker => {
          const told: string[] = [];
          const { images } = await worker.evaluate(0, { onImage: ({ id }) => told.push(id) });
          expect(images).to.deep.equal(['a', 'once1', 'once2'].map(done));
          expect(told).to.deep.equal(['a', 'once1', 'once2']);
        },
        dir,
      ),
    ));

  it('go round an image that they die at time and again', () =>
    withWorker(['a', 'dies', 'c', 'dies2'], async worker => {
      const { images } = await worker.evaluate(0);
      expect(images.map(({ id }) => id)).to.deep.equal(['a', 'dies', 'c']);
      expect(images[0]).to.deep.equal(done('a'));
      expect(images[1]).to.deep.include({ height: 0, methods: [] });
      expect(images[1]!.failure).to.equal('dies: the worker process that evaluated it was ended by SIGKILL, 2 times');
      const next = await worker.evaluate(1);
      expect(next.images[0]!.failure).to.match(/^dies2: .* 2 times$/);
    }));

  it('that do not start are a fault, not an image', () =>
    withWorker(
      ['a'],
      async worker => {
        const error = await worker.evaluate(0).catch((thrown: unknown) => thrown);
        expect(error).to.be.instanceOf(Error).and.not.instanceOf(InputError);
        expect((error as Error).message).to.match(/worker process ended with status 7 before any image/);
      },
      'dies',
    ));

  it('hand on what they throw', async () => {
    await withWorker(['failsByInput'], async worker => {
      expect(await rejection(worker.evaluate(0))).to.equal('failsByInput: wrong');
    });
    await withWorker(['fails'], async worker => {
      const error = await worker.evaluate(0).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(Error).and.not.instanceOf(InputError);
    });
  });

  it('end at a signal', () =>
    withWorker(['a', 'b', 'c'], async worker => {
      const signal = AbortSignal.abort(new InputError('enough'));
      expect(await rejection(worker.evaluate(0, { signal }))).to.equal('enough');
      const stop = new AbortController();
      const onImage = () => stop.abort(new InputError('enough'));
      expect(await rejection(worker.evaluate(0, { signal: stop.signal, onImage }))).to.equal('enough');
      expect((await worker.evaluate(0)).images).to.have.length(3);
    }));
});
