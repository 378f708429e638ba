import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { type Bench, openBench, ours } from '../../src/bench/bench.js';
import * as benchmark from '../../src/bench/benchmarks/evaluate.js';
import { rows as runRows } from '../../src/bench/benchmarks/evaluateRuns.js';
import { writeMadeUp } from '../../src/bench/madeUpDataset.js';
import type { Peers } from '../../src/bench/peers.js';
import type { Row } from '../../src/bench/report.js';
import { type EvaluateGiven, evaluate } from '../../src/bench/tasks/evaluate.js';
import { evaluateStage, type Stage, stages } from '../../src/bench/tasks/evaluateStage.js';
import type { Work } from '../../src/bench/tasks/work.js';
import { openDataset } from '../../src/evaluate/datasets/openDataset.js';
import type { EvaluationPlan } from '../../src/evaluate/plan.js';
import { inTemporaryFolder } from '../files/temporary.js';

const model = 'weights/scenes';
const patience = 120_000;
const size = { width: 60, height: 40 };
const pixels = size.width * size.height;

const planOf = (dataset: string): EvaluationPlan => ({
  dataset,
  model,
  methods: [{ label: 'sclip', method: 'sclip', protocol: { probThreshold: 0 } }],
  engine: 'ort',
  threads: 1,
  shardSize: 2,
});

async function resultOf(given: EvaluateGiven): Promise<number[]> {
  const work: Work = await evaluate(given);
  try {
    return [...(await work())];
  } finally {
    await work.end?.();
  }
}

const folderOf = (path: string): string => dirname(dirname(path));

describe('benchmarks of evaluate', () => {
  it('made-up data sets: the files of published ones, the same each time', () =>
    inTemporaryFolder(async dir => {
      for (const [kind, classes] of [
        ['voc21', 21],
        ['coco-stuff', 171],
      ] as const) {
        const read = async (name: string) => {
          const { spec } = await writeMadeUp(join(dir, kind, name), { kind, images: 3, ...size });
          const dataset = await openDataset(spec);
          expect(dataset.classes).to.have.length(classes);
          expect(dataset.ids).to.deep.equal(['000001', '000002', '000003']);
          return Promise.all(dataset.ids.map((_, index) => dataset.read(index)));
        };
        const images = await read('once');
        expect(await read('again')).to.deep.equal(images);
        for (const { picture, labels } of images) {
          expect(picture).to.include(size);
          expect(new Set(labels).size).to.be.greaterThan(2);
        }
        expect(images[0]!.labels).not.to.deep.equal(images[1]!.labels);
      }
    }));

  it('the work is the evaluation: labels, and their counts, alone, in a worker and from a cache', () =>
    inTemporaryFolder(async dir => {
      const { spec } = await writeMadeUp(join(dir, 'voc'), { kind: 'voc21', images: 2, ...size });
      const plan = planOf(spec);
      const result = await resultOf({ plan, looks: true });
      const [labels, counts] = [result.slice(0, 2 * pixels), result.slice(2 * pixels)];
      expect(new Set(labels).size).to.be.greaterThan(1);
      const expected = new Array(21 * 21).fill(0);
      const dataset = await openDataset(spec);
      for (let image = 0; image < 2; image++) {
        const truth = (await dataset.read(image)).labels;
        truth.forEach((label, i) => {
          expected[label * 21 + labels[image * pixels + i]!]++;
        });
      }
      expect(counts).to.deep.equal(expected);

      expect(await resultOf({ plan, workers: 1 })).to.deep.equal(counts);
      const kept = { ...plan, prefixCache: { path: join(dir, 'kept'), bytes: 1e8 } };
      const methods = [{ ...plan.methods[0]!, attention: 'qq' }];
      const cached = await resultOf({ plan: { ...kept, methods }, fill: plan.methods });
      const fresh = await resultOf({ plan: { ...plan, methods } });
      expect(fresh).not.to.deep.equal(counts);
      const moved = cached.reduce((sum, count, i) => sum + Math.abs(count - fresh[i]!), 0);
      expect(moved).to.be.below(0.005 * 2 * pixels);
    })).timeout(patience);

  it('each stage gives what the next one takes', () =>
    inTemporaryFolder(async dir => {
      const { spec } = await writeMadeUp(join(dir, 'voc'), { kind: 'voc21', images: 2, ...size });
      const lengths = new Map<Stage, number>();
      for (const stage of stages) {
        const work = await evaluateStage({ plan: planOf(spec), stage });
        const { length } = await work();
        lengths.set(stage, length);
      }
      expect(lengths.get('decode')).to.equal(pixels);
      expect(lengths.get('upsample')).to.equal(pixels);
      expect(lengths.get('resize')! % 3).to.equal(0);
      for (const stage of ['encode', 'head', 'count'] as const) expect(lengths.get(stage), stage).to.be.greaterThan(0);
    })).timeout(patience);

  it('a peer is given the files, sizes and texts of the evaluation, and its labels are held against ours', async () => {
    const peers: Peers = {
      exported: async () => ({ folder: 'unused' }),
      node: () => expect.fail('asked for a peer in Node'),
      python: (script, given) => {
        const { images, classes, classOfQuery, protocol } = given as Record<string, unknown> & {
          images: { image: string }[];
          classOfQuery: number[];
        };
        expect(script).to.equal('pytorch_sclip.py');
        expect(images).to.have.length(4);
        expect(classes).to.equal(21);
        expect(new Set(classOfQuery).size).to.equal(21);
        expect(protocol).to.include({ scale: 65, areaThreshold: 0.1, probThreshold: 0 });
        const plan = planOf(`voc21:${folderOf(images[0]!.image)}`);
        return ours({ task: 'evaluate', plan, looks: true });
      },
    };
    const [row] = (await rowsOf(['evaluate/sclip'], peers)) as [Row];
    expect(row).to.include({ name: 'evaluate/sclip', peer: 'pytorch', agreement: 1, difference: 0 });
    expect(row.ratio).to.be.within(0.1, 10);
    expect(row.rate).to.match(/^\d+\.\d+ against \d+\.\d+ images\/s$/);
  }).timeout(patience);

  it('labels that are not the same give no ratio', () => {
    const timing = (wrong: number) => ({
      cpu: [8],
      wall: [8],
      output: new Float32Array(4 * 500 * 375 + 441).fill(1, 0, wrong),
    });
    const [few, many] = [
      benchmark.held('a', timing(0), timing(700), 0.5),
      benchmark.held('a', timing(0), timing(800), 0.5),
    ];
    expect(few).to.include({ ratio: 1, median: 2, rate: '500.00 against 500.00 images/s' });
    expect(many.skipped).to.equal('the labels are not the same');
    expect(many).not.to.have.property('ratio');
  });

  it('the published code is asked for by its folder', async () => {
    const [row] = await rowsOf(['pipeline/sclip']);
    expect(row).to.include({ name: 'pipeline/sclip', skipped: 'without --peers' });
    expect(runRows).to.include.members(['evaluate/prefix-cache', 'evaluate/workers', 'evaluate/memory']);
  });
});

/** Runs the rows of these names on the embedded model. */
async function rowsOf(names: readonly string[], peers?: Peers): Promise<Row[]> {
  const rows: Row[] = [];
  const bench: Bench = openBench({
    model,
    threads: 1,
    rounds: 1,
    wants: name => names.includes(name),
    add: row => rows.push(row),
    ...(peers && { peers }),
  });
  try {
    await benchmark.run(bench);
    return rows;
  } finally {
    bench.close();
  }
}
