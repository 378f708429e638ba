import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { RegionTable } from '../../../src/evaluate/regions/regionReport.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { type Refused, refuses } from '../refused.js';
import { json, run, succeed } from '../run.js';

const regions = (...flags: string[]) => ['evaluate', '--task', 'regions', '--dataset', 'scenes:n=4', ...flags];

const foreign: Refused[] = [
  ['--protocol', 'clip'],
  ['--run', 'run'],
  ['--workers', '2'],
  ['--queue', 'redis://localhost'],
  ['--shard-size', '2'],
  ['--prefix-cache', 'cache'],
  ['--prefix-cache-size', '1'],
  ['--grid', 'grid.png'],
  ['--check'],
].map(flag => [regions(...flag), new RegExp(`evaluate: ${flag[0]} is not for regions; leave it out`)] as const);

const refused: Refused[] = [
  ...foreign,
  [['evaluate', '--task', 'regions'], /expected a data set of regions, --dataset KIND:PATH/],
  [['evaluate', '--task', 'regions', '--dataset', 'voc21:x'], /expected a data set of regions, got 'voc21:x'/],
  [['evaluate', '--dataset', 'coco-panoptic:nowhere'], /expected a folder with annotations/],
  [['evaluate', '--dataset', 'coco-panoptic:x', '--task', 'segmentation'], /'coco-panoptic:x' holds regions/],
  [['evaluate', '--dataset', 'scenes:n=2', '--size', '96'], /--size is for regions; add --task regions/],
  [['evaluate', '--dataset', 'scenes:n=2', '--readings', 'boxes'], /--readings is for regions/],
  [['evaluate', '--dataset', 'scenes:n=2', '--against', 'all'], /--against is for regions/],
  [regions('--task', 'boxes'), /Allowed choices are segmentation, regions/],
  [regions('--against', 'none'), /Allowed choices are all, alike/],
  [regions('--readings', 'boxes,mask'), /no reading is called 'mask'; did you mean masks/],
  [regions('--readings', 'boxes,boxes'), /expected each once, got 'boxes,boxes'/],
  [regions('--size', '100'), /expected a size in whole patches of 12 pixels, got 100/],
  [regions('--size', '12000'), /expected a size of at most \d+ pixels for this model, got 12000/],
  [regions('--methods', 'clipslef'), /unknown method or attention 'clipslef'; did you mean .*clipself/],
  [regions('--methods', 'clip,clip'), /'clip' is there twice/],
  [regions('--sweep', 'blocks=99'), /blocks=99: expected at most the 5 blocks of the model, got 99/],
  [regions('--limit', '0'), /whole number from 1/],
  [regions('-o', 'report.html'), /report\.html: expected a name that ends in \.md, \.json for regions, got \.html/],
  [regions('-o', 'nowhere/report.md'), /nowhere\/report\.md: cannot be written/],
  [regions('--classes-file', '{}/two.txt'), /expected the 14 classes of scenes:n=4, got 2/],
  [regions('--model', 'nowhere/model'), /nowhere\/model/],
];

describe('clipscope evaluate --task regions', function () {
  this.timeout(120_000);

  it('prints one table, as text and as JSON', async () => {
    const flags = ['--methods', 'clipself,clip'];
    const table = await json<RegionTable>(regions(...flags));
    const { images, regions: count, size, against, methods, plan } = table;
    expect({ images, stuff: count.stuff, size, against }).to.deep.equal({
      images: 4,
      stuff: 4,
      size: 192,
      against: 'alike',
    });
    expect(methods.map(({ name }) => name)).to.deep.equal(['clipself', 'clip']);
    for (const method of methods) {
      for (const reading of ['boxes', 'masks', 'crops'] as const) {
        for (const kind of ['thing', 'stuff'] as const) {
          expect(method[reading]![kind].macc1).to.be.within(0, 1);
          expect(method[reading]![kind].macc5).to.be.at.least(method[reading]![kind].macc1!);
        }
      }
    }
    expect(plan.engine).to.be.a('string');
    const lines = (await succeed(regions(...flags))).trimEnd().split('\n');
    expect(lines.map(line => line.trim().split(/ {2,}/).slice(0, 3))).to.deep.equal([
      ['method', 'reading', 'things mAcc1'],
      ...methods.flatMap(({ name, boxes, masks }) => [
        [name, 'boxes', (100 * boxes!.thing.macc1!).toFixed(2)],
        [name, 'masks', (100 * masks!.thing.macc1!).toFixed(2)],
      ]),
      ['image tower', 'crops', (100 * methods[0]!.crops!.thing.macc1!).toFixed(2)],
      [''],
      [lines.at(-1)],
    ]);
    expect(lines.at(-1)).to.match(
      /^scenes:n=4: 4 images padded to 192 pixels, \d+ things of 8 classes, 4 regions of stuff of 6, each against classes of its kind$/,
    );
  });

  it('reads what it is told, as large as it is told, against whom it is told, by own names', () =>
    inTemporaryFolder(async dir => {
      const [names, mine] = [join(dir, 'names.txt'), join(dir, 'mine.mjs')];
      const colours = ['red', 'green', 'blue', 'yellow', 'purple', 'orange', 'pink', 'white'];
      writeFileSync(names, [...colours, 'grass', 'sand', 'water', 'brick', 'snow', 'night sky, sky'].join('\n'));
      writeFileSync(mine, 'export default ({ v }) => v;\n');
      const flags = [
        '--size',
        '96',
        '--readings',
        'boxes',
        '--against',
        'all',
        '--limit',
        '2',
        '--classes-file',
        names,
      ];
      const { images, size, against, methods } = await json<RegionTable>(
        regions(...flags, '--methods', 'clipself,kk', '--method', mine, '--sweep', 'ffn=on,off'),
      );
      expect({ images, size, against }).to.deep.equal({ images: 2, size: 96, against: 'all' });
      expect(methods.map(({ name }) => name)).to.deep.equal(['clipself', 'kk', 'mine', 'ffn=on', 'ffn=off']);
      expect(Object.keys(methods[0]!)).to.deep.equal(['name', 'boxes']);
      expect(methods[2]!.boxes, 'values alone, written again').to.deep.equal(methods[0]!.boxes);
      expect(methods[3]!.boxes).to.deep.equal(methods[0]!.boxes);
    }));

  it("reads COCO's panoptic files, writes reports, and leaves out what cannot be read", () =>
    inTemporaryFolder(async dir => {
      const set = join(dir, 'set');
      await succeed(['scenes', '-o', set, '-n', '3', '--format', 'coco', '--classes', 'shapes']);
      const evaluate = ['evaluate', '--dataset', `coco-panoptic:${set}`, '--size', '192'];
      const [md, file] = [join(dir, 'report.md'), join(dir, 'report.json')];
      const text = await succeed([...evaluate, '-o', md]);
      const markdown = readFileSync(md, 'utf8');
      for (const cell of ['clipself', 'boxes', 'masks', 'crops']) {
        expect(markdown).to.contain(cell);
        expect(text).to.contain(cell);
      }
      expect(text).to.match(/, each against all classes\n$/);
      const printed = await json<RegionTable>([...evaluate, '-o', file]);
      expect(JSON.parse(readFileSync(file, 'utf8'))).to.deep.equal(printed);
      expect(printed.dataset.classes.filter(({ thing }) => thing)).to.have.length(10);
      truncateSync(join(set, 'annotations/panoptic_val2017/000000000002.png'), 60);
      const { status, stdout, stderr } = await run([...evaluate, '--json']);
      expect(status).to.equal(2);
      expect(stderr).to.match(/^clipscope: evaluate: the table leaves out 1 of 3 images: .*000000000002\.png: .*\n$/);
      const { images, failures } = JSON.parse(stdout) as RegionTable;
      expect({ images, ids: failures.map(({ id }) => id) }).to.deep.equal({ images: 2, ids: ['2'] });
    }));

  describe('refuses', () => {
    refuses(refused, dir => writeFileSync(join(dir, 'two.txt'), 'one\ntwo\n'));
  });
});
