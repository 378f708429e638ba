import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readPicture } from '../../../src/image/decode.js';
import { sceneClassNames } from '../../../src/scenes/world.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { lines } from '../../scenes/layouts/readers.js';
import { type Refused, refuses } from '../refused.js';
import { json, succeed } from '../run.js';

const scenes = (...flags: string[]) => ['scenes', '-o', 'set', ...flags];

const refused: Refused[] = [
  [['scenes'], /required option '-o, --output <dir>' not specified/],
  [scenes('-n', '0'), /expected 1 to 1000000 scenes, got 0/],
  [scenes('-n', '1000001'), /expected 1 to 1000000 scenes, got 1000001/],
  [scenes('-n', '-3'), /'-3' is invalid.*whole number/],
  [scenes('-n', '99999999999999999999'), /whole number/],
  [scenes('--seed', 'tuesday'), /'tuesday' is invalid.*whole number/],
  [scenes('--seed', '1.5'), /'1\.5' is invalid.*whole number/],
  [scenes('--seed', '9007199254740992'), /whole number/],
  [scenes('--size', '0'), /expected a size from 24 to 4096 pixels, got 0/],
  [scenes('--size', '8'), /got 8/],
  [scenes('--size', '1000000'), /got 1000000/],
  [scenes('--size', '1e6'), /'1e6' is invalid.*whole number/],
  [scenes('--format', 'yolo'), /'yolo' is invalid. Allowed choices are voc, coco, ade/],
  [scenes('--classes', 'red; green'), /Allowed choices are colours, shapes, things/],
  [scenes('--sheet', 'sheet.gif'), /sheet\.gif: expected a name that ends in \.png/],
  [scenes('--sheet', 'nowhere/sheet.png'), /nowhere\/sheet\.png: cannot be written/],
  [['scenes', '-o', '{}'], /expected an empty folder, or one with scenes of the same settings; name another/],
  [['scenes', '-o', '{}/file.txt'], /file\.txt: the folder cannot be made/],
  [['scenes', '-o', '/proc/set'], /\/proc\/set: the folder cannot be made/],
  [['scenes', 'set', '-o', 'set'], /too many arguments/],
];

describe('clipscope scenes', () => {
  it('writes 100 scenes as Pascal VOC, quietly, and says how many', () =>
    inTemporaryFolder(async dir => {
      const set = join(dir, 'set');
      expect(await succeed(['scenes', '-o', set, '--size', '24'])).to.equal(`100 scenes -> ${set}\n`);
      expect(readdirSync(join(set, 'JPEGImages'))).to.have.length(100);
      expect(lines(join(set, 'classes.txt'))).to.deep.equal(sceneClassNames('colours'));
    }));

  for (const [format, list] of [
    ['voc', 'JPEGImages'],
    ['coco', 'val2017'],
    ['ade', 'images/validation'],
  ] as const) {
    it(`--format ${format}, with a contact sheet of the scenes`, () =>
      inTemporaryFolder(async dir => {
        const [set, sheet] = [join(dir, 'set'), join(dir, 'sheet.png')];
        const flags = ['-n', '3', '--seed', '5', '--size', '40', '--classes', 'things', '--sheet', sheet];
        const said = await json<object>(['scenes', '-o', set, '--format', format, ...flags]);
        expect(said).to.deep.equal({ count: 3, seed: 5, size: 40, format, classes: sceneClassNames('things') });
        expect(readdirSync(join(set, list))).to.have.length(3);
        expect(lines(join(set, 'classes.txt'))).to.have.length(86);
        expect(JSON.parse(readFileSync(join(set, 'scenes.json'), 'utf8'))).to.include({ seed: 5, count: 3, format });
        const { width, height } = await readPicture(sheet);
        expect(Math.min(width, height)).to.be.at.least(200);
      }));
  }

  describe('refuses', () => {
    refuses(refused, dir => writeFileSync(join(dir, 'file.txt'), 'not a folder'));
  });
});
