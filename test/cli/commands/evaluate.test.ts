import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { EvaluationTable } from '../../../src/evaluate/table.js';
import { readPicture } from '../../../src/image/decode.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { type Refused, refuses } from '../refused.js';
import { json, run, succeed } from '../run.js';

const evaluate = (...flags: string[]) => ['evaluate', '--dataset', 'scenes:n=6', '--methods', 'sclip,clip', ...flags];

const shardsIn = (folder: string): string[] =>
  existsSync(join(folder, 'shards')) ? readdirSync(join(folder, 'shards')).filter(name => name.endsWith('.json')) : [];

const evaluatedIn = (folder: string): number =>
  readFileSync(join(folder, 'log.jsonl'), 'utf8')
    .split('\n')
    .filter(line => line.includes('"event":"shard"')).length;

/** Kills the run in `folder` with `signal` as soon as two shards are finished. */
const interrupted = (folder: string, signal: NodeJS.Signals, ...flags: string[]) =>
  run(evaluate('--run', folder, '--json', ...flags), {
    meanwhile(child) {
      const timer = setInterval(() => {
        if (shardsIn(folder).length < 2) return;
        clearInterval(timer);
        child.kill(signal);
      }, 2);
      child.on('exit', () => clearInterval(timer));
    },
  });

const refused: Refused[] = [
  [['evaluate'], /expected a data set, --dataset KIND:PATH/],
  [['evaluate', '--run', 'nowhere'], /expected a data set/],
  [evaluate('--run', ''), /--run: expected the path of a folder, got an empty one/],
  [['evaluate', '--dataset', 'vok21:x'], /'vok21:x'; did you mean voc21/],
  [['evaluate', '--dataset', 'voc21:nowhere'], /nowhere/],
  [['evaluate', '--dataset', 'scenes:n=0'], /expected n as a whole number from 1/],
  [
    ['evaluate', '--dataset', 'scenes:n=2', '--methods', 'sclipp'],
    /unknown method or attention 'sclipp'; did you mean/,
  ],
  [evaluate('--methods', 'sclip,sclip'), /'sclip' is there twice/],
  [evaluate('--sweep', 'attenshun=qk'), /nothing to sweep is called 'attenshun'; did you mean attention/],
  [evaluate('--sweep', 'attention=qx'), /expected attention as qk/],
  [evaluate('--method', 'mine.py'), /expected a module that ends in/],
  [evaluate('--method', 'nowhere.ts'), /nowhere\.ts: cannot be read/],
  [evaluate('--method', '{}/empty.mjs'), /empty\.mjs: expected a default export/],
  [evaluate('--protocol', 'sklip'), /Allowed choices are clip/],
  [evaluate('--limit', '0'), /whole number from 1/],
  [evaluate('--workers', '0'), /whole number from 1 to 256/],
  [evaluate('--shard-size', 'x'), /whole number/],
  [evaluate('--engine', 'ortt'), /unknown engine 'ortt'/],
  [evaluate('--model', 'nowhere/model'), /nowhere\/model/],
  [evaluate('-o', 'report.pdf'), /report\.pdf: expected a name that ends in \.html, \.md, \.json/],
  [evaluate('-o', 'nowhere/report.html'), /nowhere\/report\.html: cannot be written/],
  [evaluate('--grid', 'grid.txt'), /grid\.txt: expected a name that ends in/],
  [evaluate('--prefix-cache-size', '3'), /give both/],
  [evaluate('--methods', 'clip', '--grid', 'grid.png'), /--grid shows where methods differ; name several/],
  [evaluate('--sweep', 'blocks=99'), /blocks=99: expected at most the \d+ blocks/],
  [evaluate('--run', '{}/file.txt'), /file\.txt: the folder cannot be made/],
  [evaluate('--run', '{}'), /expected an empty folder for the run/],
  [['evaluate', '--check'], /expected a data set to check/],
  [['evaluate', '--check', '--dataset', 'ade20k:nowhere'], /nowhere/],
];

describe('clipscope evaluate', function () {
  this.timeout(120_000);
  let whole: string;
  before(async () => {
    whole = await succeed(evaluate('--json'));
  });

  it('prints one table, as text and as JSON', async () => {
    const text = await succeed(evaluate());
    const [head, sclip, clip] = text.split('\n');
    expect(head!.trim().split(/ {2,}/)).to.deep.equal(['method', 'mIoU', '95 % interval', 'mAcc', 'aAcc', 'boundary']);
    const { methods, images, failures } = JSON.parse(whole) as EvaluationTable;
    expect({ images, failures }).to.deep.equal({ images: 6, failures: [] });
    for (const [line, method] of [[sclip!, methods[0]!] as const, [clip!, methods[1]!] as const]) {
      expect(line.split(/\s+/).slice(0, 2)).to.deep.equal([method.name, (100 * method.mIoU!).toFixed(2)]);
      expect(method).to.include.keys('mIoU', 'mAcc', 'aAcc', 'perClass');
      expect(method.record.protocol).to.include.keys('scale', 'source', 'shortSide');
    }
    expect(text).to.match(/scenes:n=6: 6 images, 14 classes\nsclip: short side 192, windows 96\/48, scale 40, /);
  });

  it('comes to the same bytes by two workers, and when one of them is killed', async function () {
    expect(await succeed(evaluate('--json', '--workers', '2', '--shard-size', '1'))).to.not.equal('');
    expect(await succeed(evaluate('--json', '--workers', '2'))).to.equal(whole);
    if (!existsSync('/proc/self/task')) this.skip();
    await inTemporaryFolder(async dir => {
      const folder = join(dir, 'run');
      let killed: number | undefined;
      const { stdout, status } = await run(evaluate('--json', '--workers', '2', '--run', folder), {
        meanwhile(child) {
          const timer = setInterval(() => {
            if (killed !== undefined || shardsIn(folder).length < 1) return;
            const [first] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ');
            killed = Number(first);
            if (killed) process.kill(killed, 'SIGKILL');
          }, 2);
          child.on('exit', () => clearInterval(timer));
        },
      });
      expect(killed).to.be.above(0);
      expect({ stdout, status }).to.deep.equal({ stdout: whole, status: 0 });
    });
  });

  for (const workers of ['1', '2']) {
    it(`goes on after kill -9 to the same bytes, doing no shard twice, with ${workers} at work`, () =>
      inTemporaryFolder(async dir => {
        const folder = join(dir, 'run');
        const { signal, stdout, stderr } = await interrupted(folder, 'SIGKILL', '--workers', workers);
        // Nor have workers that outlive it by a moment anything to say.
        expect({ signal, stdout, stderr }).to.deep.equal({ signal: 'SIGKILL', stdout: '', stderr: '' });
        const finished = shardsIn(folder).length;
        const before = evaluatedIn(folder);
        expect(finished).to.be.within(2, 5);
        expect(await succeed(evaluate('--run', folder, '--json'))).to.equal(whole);
        expect(evaluatedIn(folder) - before).to.equal(6 - finished);
        expect(await succeed(['evaluate', '--run', folder, '--json']), 'the plan is in the folder').to.equal(whole);
        expect(evaluatedIn(folder) - before).to.equal(6 - finished);
      }));
  }

  it('ends at Ctrl-C with a word on how to go on', () =>
    inTemporaryFolder(async dir => {
      const folder = join(dir, 'run');
      const { signal, stdout, stderr } = await interrupted(folder, 'SIGINT');
      expect({ signal, stdout }).to.deep.equal({ signal: 'SIGINT', stdout: '' });
      expect(stderr).to.equal(`clipscope: stopped; 'clipscope evaluate --run ${folder}' goes on\n`);
      expect(await succeed(['evaluate', '--run', folder, '--json'])).to.equal(whole);
    }));

  it('says of a damaged shard that it is done again, and refuses another plan', () =>
    inTemporaryFolder(async dir => {
      const folder = join(dir, 'run');
      await succeed(evaluate('--run', folder));
      truncateSync(join(folder, 'shards', '000002.json'), 50);
      const { stdout, stderr, status } = await run(evaluate('--run', folder, '--json'));
      expect({ stdout, status }).to.deep.equal({ stdout: whole, status: 0 });
      expect(stderr).to.match(/^clipscope: .*000002\.json: damaged; evaluating its images again\n$/);
      const other = await run(evaluate('--run', folder, '--limit', '3'));
      expect(other).to.deep.include({ stdout: '', status: 2 });
      expect(other.stderr).to.match(/^clipscope: .*: a run of another configuration: 'limit' is .*\n$/);
      const flag = await run(['evaluate', '--run', folder, '--shard-size', '3']);
      expect(flag).to.deep.include({ stdout: '', status: 2 });
      expect(flag.stderr).to.match(/--shard-size is the run's own/);
      for (const [name, value] of [
        ['--activation', 'gelu'],
        ['--prefix-cache-size', '1'],
      ] as const) {
        const late = await run(['evaluate', '--run', folder, name, value]);
        expect(late).to.deep.include({ stdout: '', status: 2 });
        expect(late.stderr).to.contain(`${name} is the run's own`);
      }
    }));

  it('leaves out what cannot be read, says so, and ends with status 2; --check finds it before', () =>
    inTemporaryFolder(async dir => {
      const set = join(dir, 'set');
      await succeed(['scenes', '-o', set, '-n', '3', '--size', '48']);
      const dataset = ['--dataset', `voc21:${set}`];
      expect(await succeed(['evaluate', '--check', ...dataset])).to.equal(
        '3 images, files with something wrong: none\n',
      );
      truncateSync(join(set, 'SegmentationClass', '000002.png'), 60);
      const check = await run(['evaluate', '--check', ...dataset]);
      expect(check.status).to.equal(2);
      expect(check.stdout).to.match(/000002\.png: .*\n3 images, files with something wrong: 1\n$/);
      const { status, stdout, stderr } = await run(['evaluate', ...dataset, '--methods', 'sclip', '--json']);
      expect(status).to.equal(2);
      expect(stderr).to.match(/^clipscope: evaluate: the table leaves out 1 of 3 images: .*000002\.png.*\n$/);
      const { images, failures } = JSON.parse(stdout) as EvaluationTable;
      expect(images).to.equal(2);
      expect(failures.map(({ id }) => id)).to.deep.equal(['000002']);
    }));

  it("runs a user's own method beside the published ones, sweeps, and shares one protocol", () =>
    inTemporaryFolder(async dir => {
      const mine = join(dir, 'mine.ts');
      const sum = 'add(softmax(scores(q, q, scale)), softmax(scores(k, k, scale)))';
      const head = "import { add, type Attention, mix, scores, softmax } from 'clipscope';";
      writeFileSync(
        mine,
        `${head}\nconst mine: Attention = ({ q, k, v, scale }) => mix(${sum}, v);\nexport default mine;\n`,
      );
      const table = await json<EvaluationTable>(evaluate('--method', mine, '--sweep', 'attention=csa residual=on,off'));
      expect(table.methods.map(({ name }) => name)).to.deep.equal([
        ...['sclip', 'clip', 'mine', 'attention=csa residual=on', 'attention=csa residual=off'],
      ]);
      const [sclip, , own, swept, bare] = table.methods.map(({ perClass }) => perClass);
      expect(own, 'SCLIP written again').to.deep.equal(sclip);
      expect(swept).to.deep.equal(sclip);
      expect(bare).to.not.deep.equal(sclip);
      const worked = await json<EvaluationTable>(evaluate('--method', mine, '--workers', '2'));
      expect(worked.methods[2]!.perClass, 'in a worker').to.deep.equal(sclip);
      const into = await json<EvaluationTable>(evaluate('--methods', 'kk,sclip,clip', '--limit', '1'));
      expect(into.methods[0]!.record, 'an attention goes into the first method').to.deep.include({
        method: 'sclip',
        variant: { attention: 'kk' },
      });
      const shared = await json<EvaluationTable>(evaluate('--protocol', 'clearclip', '--limit', '1'));
      for (const { record } of shared.methods) expect(record.protocol.name).to.equal('clearclip');
    }));

  it('writes a report and the images that differ most, and keeps prefixes', () =>
    inTemporaryFolder(async dir => {
      const [html, grid, cache] = ['report.html', 'grid.png', 'cache'].map(name => join(dir, name)) as [
        string,
        string,
        string,
      ];
      const flags = ['--prefix-cache', cache, '--prefix-cache-size', '0.01'];
      const cold = await succeed(evaluate('-o', html, '--grid', grid, '--json', ...flags));
      expect(await succeed(evaluate('--json', ...flags)), 'from the cache').to.equal(cold);
      expect(readdirSync(cache).filter(name => name.endsWith('.safetensors'))).to.have.length.above(0);
      const page = readFileSync(html, 'utf8');
      expect(page)
        .to.match(/<!doctype html>/i)
        .and.match(/data:image\/png/);
      expect((await readPicture(grid)).width).to.be.above(4 * 256);
      for (const name of ['report.md', 'report.json']) {
        await succeed(evaluate('-o', join(dir, name), '--limit', '1'));
        expect(readFileSync(join(dir, name), 'utf8')).to.match(/sclip/);
      }
    }));

  describe('refuses', () => {
    refuses(refused, dir => {
      writeFileSync(join(dir, 'file.txt'), '');
      writeFileSync(join(dir, 'empty.mjs'), '');
    });
  });
});
