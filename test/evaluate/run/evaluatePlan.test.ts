import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { openDataset } from '../../../src/evaluate/datasets/openDataset.js';
import { methodSpecs } from '../../../src/evaluate/methods/specs.js';
import type { EvaluationPlan } from '../../../src/evaluate/plan.js';
import { type EvaluateOptions, evaluatePlan } from '../../../src/evaluate/run/evaluatePlan.js';
import { type OpenPlan, openPlan } from '../../../src/evaluate/run/openPlan.js';
import { planOfRun } from '../../../src/evaluate/run/runFolder.js';
import { tableOf } from '../../../src/evaluate/table.js';
import { rejection } from '../../files/rejection.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { planFor } from '../plans.js';

/** Four shards of one scene each. */
const small: Partial<EvaluationPlan> = { dataset: 'scenes:n=4', methods: methodSpecs('sclip', 'clip'), shardSize: 1 };

const open = (change: Partial<EvaluationPlan> = {}) => openPlan(planFor({ ...small, ...change }));

/** The table as text, and what was evaluated for it. */
async function run(plan: OpenPlan, options: EvaluateOptions) {
  const evaluated: string[] = [];
  const warnings: string[] = [];
  const results = await evaluatePlan(plan, {
    ...options,
    onImage: ({ id }) => evaluated.push(id),
    warn: text => warnings.push(text),
  });
  return { table: JSON.stringify(tableOf(plan, results)), evaluated, warnings };
}

const logged = (folder: string): { event: string; shard?: number }[] =>
  readFileSync(join(folder, 'log.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));

describe('a run in a folder', function () {
  this.timeout(60_000);
  let plan: OpenPlan;
  let whole: string;
  before(async () => {
    plan = await open();
    whole = (await run(plan, {})).table;
  });

  it('keeps its plan, its shards and a log, and is done when it is done', () =>
    inTemporaryFolder(async dir => {
      const folder = join(dir, 'run');
      const first = await run(plan, { folder });
      expect(first).to.deep.include({
        table: whole,
        evaluated: ['000001', '000002', '000003', '000004'],
        warnings: [],
      });
      expect(readdirSync(folder).sort()).to.deep.equal(['log.jsonl', 'run.json', 'shards']);
      expect(readdirSync(join(folder, 'shards'))).to.have.length(4);
      expect(planOfRun(folder)).to.deep.equal(plan.plan);
      expect(await run(plan, { folder })).to.deep.equal({ table: whole, evaluated: [], warnings: [] });
      expect(logged(folder).map(({ event }) => event)).to.deep.equal([
        ...['begin', 'shard', 'shard', 'shard', 'shard', 'end'],
        ...['begin', 'end'],
      ]);
    }));

  it('goes on after a stop, and does damaged and missing shards again', () =>
    inTemporaryFolder(async dir => {
      const folder = join(dir, 'run');
      const stop = new AbortController();
      let seen = 0;
      const stopped = evaluatePlan(plan, {
        folder,
        signal: stop.signal,
        onImage: () => {
          if (++seen === 3) stop.abort(new InputError('stopped'));
        },
      });
      expect(await rejection(stopped)).to.equal('stopped');
      const shards = join(folder, 'shards');
      const finished = readdirSync(shards).sort();
      expect(finished.length).to.be.within(2, 3);
      writeFileSync(join(shards, finished[0]!), readFileSync(join(shards, finished[0]!)).subarray(0, 60));
      const second = await run(plan, { folder });
      expect(second.table).to.equal(whole);
      expect(second.evaluated).to.include('000001').and.not.include('000002');
      expect(second.warnings).to.have.length(1);
      expect(second.warnings[0]).to.match(/000000\.json: damaged; evaluating its images again/);
      rmSync(join(shards, '000002.json'));
      renameSync(join(shards, '000003.json'), join(shards, '000002.json'));
      const third = await run(plan, { folder });
      expect(third.table).to.equal(whole);
      expect(third.evaluated.sort()).to.deep.equal(['000003', '000004']);
    }));

  it('refuses what changes results, in one line that says which; not what does not', () =>
    inTemporaryFolder(async dir => {
      const folder = join(dir, 'run');
      await run(plan, { folder });
      const refuses = async (other: OpenPlan, says: RegExp) =>
        expect(await rejection(evaluatePlan(other, { folder }))).to.match(says);
      await refuses(
        await open({ methods: methodSpecs('clearclip', 'clip') }),
        /'methods\.0\.label' is '"sclip"' there/,
      );
      await refuses(await open({ methods: methodSpecs('sclip,clip', 'clip') }), /another configuration: 'methods\.1'/);
      await refuses(await open({ dataset: 'scenes:n=5' }), /'dataset' is /);
      await refuses(await open({ dataset: 'scenes:n=4,classes=shapes' }), /'dataset' is /);
      await refuses(await open({ limit: 2 }), /'limit' is '"none"' there and '2' here/);
      await refuses(await open({ quantize: 's8' }), /'quantize' is '"off"' there and '"s8"' here/);
      await refuses(await open({ engine: 'wasm' }), /'version' is|'engine' is/);
      await refuses(await open({ shardSize: 2 }), /'shardSize' is '1' there and '2' here/);
      const { identity } = plan;
      await refuses({ ...plan, identity: { ...identity, weights: 'f00' } }, /'weights' is .* and '"f00"' here/);
      await refuses({ ...plan, identity: { ...identity, version: '9.9.9' } }, /'version' is .* and '"9\.9\.9"' here/);
      expect(readdirSync(join(folder, 'shards'))).to.have.length(4);
      expect(await run(await open({ threads: 2 }), { folder })).to.deep.include({ table: whole, evaluated: [] });
    }));

  it('refuses folders with other things, of other runs, and that are in use', () =>
    inTemporaryFolder(async dir => {
      writeFileSync(join(dir, 'thesis.tex'), '');
      expect(await rejection(evaluatePlan(plan, { folder: dir }))).to.match(/expected an empty folder.* 'thesis\.tex'/);
      expect(readdirSync(dir)).to.deep.equal(['thesis.tex']);
      const inFile = rejection(evaluatePlan(plan, { folder: join(dir, 'thesis.tex') }));
      expect(await inFile).to.match(/thesis\.tex: /);
      const folder = join(dir, 'run');
      const first = evaluatePlan(plan, { folder });
      expect(await rejection(evaluatePlan(plan, { folder }))).to.match(/another process evaluates there.*run\.lock/);
      await first;
      writeFileSync(join(folder, 'run.json'), '{"config":{},"hash":"0","environment":{}}');
      expect(await rejection(evaluatePlan(plan, { folder }))).to.match(/run\.json: /);
    }));

  it('tries images again that failed before', () =>
    inTemporaryFolder(async dir => {
      const folder = join(dir, 'run');
      const dataset = await openDataset('scenes:n=4');
      let isBroken = true;
      const read = (index: number) =>
        isBroken && index === 2 ? Promise.reject(new InputError('c.png: broken')) : dataset.read(index);
      const spoilt = await openPlan(planFor(small), { dataset: { ...dataset, read } });
      // An evaluator of its own reads by the plan's own data set; this one is given.
      const { failures } = tableOf(spoilt, await evaluatePlan(spoilt, { folder }));
      expect(failures).to.deep.equal([{ id: '000003', failure: 'c.png: broken' }]);
      expect(logged(folder).filter(entry => 'failures' in entry)).to.have.length(1);
      isBroken = false;
      expect(await run(spoilt, { folder })).to.deep.include({ table: whole, evaluated: ['000003'] });
    }));
});
