import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { inTemporaryFolder } from '../files/temporary.js';
import { writePictures } from './brokenFiles.js';
import { type Refused, refuses } from './refused.js';
import { embedded, run, scene } from './run.js';

const good = '{}/good.png';
const segment = (...flags: string[]) => ['segment', good, '--classes', 'sand; sky', ...flags];

const outputs: Refused[] = [
  [segment('-o', '{}/nowhere/o.png'), /nowhere\/o\.png: cannot be written: no such file or folder/],
  [segment('-o', '{}/good.png/o.png'), /good\.png\/o\.png: cannot be written: a part of the path is not a folder/],
  [segment('-o', 'o.tiff'), /o\.tiff: expected a name that ends in \.png, .*got '\.tiff'/],
  [segment('-o', 'o'), /o: expected a name that ends in \.png, .*got no extension/],
  [segment('--labels', 'o.jpg'), /--labels: expected a \.png file.*got 'o\.jpg'/],
  [segment('--logits', 'o.npy'), /o\.npy: expected a name that ends in \.safetensors/],
  [segment('-o', 'o.png', '--labels', 'o.png'), /o\.png: two results would be written there/],
  [segment('-o', 'o.png', '--logits', '{}/nowhere/o.safetensors'), /nowhere\/o\.safetensors: cannot be written/],
  [segment('-o', '{}'), /good\.png: it is one of the inputs/],
  [segment('-o', '{}/sub/../good.png'), /good\.png: it is one of the inputs/],
  [segment('{}/none.png', '-o', 'o.png'), /o\.png: expected a folder that exists, for the results of 2 inputs/],
  [segment('{}/sub/good.png', '-o', '{}/folder.png'), /good\.png: two results would be written there/],
  [['embed', good, '-o', 'o.png'], /o\.png: expected a name that ends in \.safetensors/],
  [['embed', good, '-o', '{}/out.safetensors'], /out\.safetensors: cannot be written: it is a folder/],
  [['preprocess', '{}/good.safetensors', '-o', '{}/good.safetensors'], /good\.safetensors: it is one of the inputs/],
  [['inspect', good, '--pictures', '{}/nowhere', '-o', 'o.safetensors'], /nowhere: expected a folder that exists/],
  [
    ['inspect', good, '--see', 'pooled', '--pictures', '.', '-o', 'o.safetensors'],
    /none of the points has tokens to draw/,
  ],
  [['compare', good, '--classes', 'sand', '-o', '{}/folder.png'], /folder\.png: cannot be written: it is a folder/],
  [['convert', '{}/good.safetensors', '-o', 'out'], /good\.safetensors: expected a CLIP checkpoint/],
  [['convert', embedded, '-o', '{}/good.png'], /good\.png: the folder cannot be made: there is something else/],
  [['convert', embedded, '-o', '{}/taken'], /taken\/config\.json: cannot be written: it is a folder/],
];

describe('clipscope refuses: outputs', () => {
  let folder: string;
  refuses(outputs, async dir => {
    folder = dir;
    await writePictures(dir);
    mkdirSync(join(dir, 'out.safetensors'));
    mkdirSync(join(dir, 'taken', 'config.json'), { recursive: true });
  });

  it('and leaves the inputs as they were', () => {
    expect(readFileSync(join(folder, 'good.png'))).to.deep.equal(readFileSync(scene(1)));
    expect(readdirSync(folder).filter(name => name.endsWith('.tmp'))).to.deep.equal([]);
    expect(readdirSync(join(folder, 'folder.png'))).to.deep.equal([]);
    expect(readdirSync(join(folder, 'taken'))).to.deep.equal(['config.json']);
  });

  it('a read-only folder', function () {
    if (process.getuid?.() === 0) {
      console.log('      skipped: the superuser may write to read-only folders');
      this.skip();
    }
    return inTemporaryFolder(async dir => {
      chmodSync(dir, 0o555);
      for (const args of [
        ['embed', scene(1), '-o', join(dir, 'o.safetensors')],
        ['convert', scene(1), '-o', join(dir, 'model')],
      ]) {
        const { status, stderr } = await run(args);
        expect(status).to.equal(2);
        expect(stderr).to.match(/^clipscope: .*\n$/);
      }
      expect(readdirSync(dir)).to.deep.equal([]);
      chmodSync(dir, 0o755);
    });
  });
});
