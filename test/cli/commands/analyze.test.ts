import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { inTemporaryFolder } from '../../files/temporary.js';
import { type Refused, refuses } from '../refused.js';
import { embedded, json, succeed } from '../run.js';

const on = (...words: string[]) => ['analyze', ...words, '--dataset', 'scenes:n=2'];

const refused: Refused[] = [
  [['analyze', '--dataset', 'scenes:n=2'], /missing required argument 'studies'/],
  [on('norm'), /no study is called 'norm'; did you mean norms\?/],
  [on('norms', 'parts', 'norms'), /the study 'norms' is there twice/],
  [on('all', 'norms'), /'all' stands alone/],
  [['analyze', 'norms'], /expected a data set, --dataset KIND:PATH/],
  [['analyze', 'norms', '--dataset', 'scenes:n=0'], /expected n as a whole number from 1/],
  [['analyze', 'norms', '--dataset', 'voc20:{}'], /VOC/i],
  [['analyze', 'norms', '--dataset', 'coco-stuff:{}/empty'], /empty/],
  [[...on('norms'), '--limit', '0'], /whole number from 1/],
  [[...on('norms'), '-o', '{}/file.txt'], /file\.txt: the folder cannot be made: there is something else/],
  [[...on('norms'), '-o', '{}/file.txt/in'], /file\.txt\/in: the folder cannot be made/],
  [[...on('norms'), '--model', '{}/nowhere'], /nowhere/],
  [[...on('norms'), '--model', embedded, '--model', embedded], /--model '.*' is there twice/],
  [[...on('norms'), '--model', embedded, '--model', '{}/nowhere', '-o', 'out'], /nowhere/],
  [[...on('norms'), '--engine', 'gpu'], /unknown engine 'gpu'/],
];

interface Said {
  models: { model: string; images: number; windows: number; protocol: { protocol: { source: string } } }[];
  studies: { study: string; paragraph: string; tables: Record<string, { model: string; mIoU?: number }[]> }[];
}

describe('clipscope analyze', function () {
  this.timeout(120_000);

  it('prints the tables of several studies as JSON, of two models side by side', async () => {
    const other = `${embedded}/model.safetensors`;
    const { models, studies } = await json<Said>([...on('parts', 'heads'), '--model', embedded, '--model', other]);
    expect(models.map(({ model, images, windows }) => [model, images, windows])).to.deep.equal([
      ['scenes', 2, 18],
      ['model.safetensors', 2, 18],
    ]);
    expect(models[0]!.protocol.protocol.source).to.match(/ClearCLIP/);
    expect(studies.map(({ study }) => study)).to.deep.equal(['parts', 'heads']);
    const { parts } = studies[0]!.tables;
    expect(parts).to.have.length(8);
    expect(studies[1]!.tables.heads).to.have.length(2 * 5 * 4);
    expect(studies[0]!.paragraph).to.match(/^scenes: From X_attn alone .* model\.safetensors: From X_attn alone/);
  });

  it('writes plots, tables, pictures and a report, and prints for people', () =>
    inTemporaryFolder(async dir => {
      const out = join(dir, 'out');
      const text = await succeed([...on('parts', 'entropy'), '--limit', '1', '-o', out]);
      expect(text).to.match(/^What the terms of the last block say alone\n\nparts:\nmodel {3}term {4}mIoU/);
      expect(text).to.match(/1 images, 9 windows of 96 pixels at stride 48/);
      expect(readdirSync(out).sort()).to.deep.equal(
        ['entropy', 'parts']
          .flatMap(name => [`${name}.json`, `${name}.png`, `${name}.svg`])
          .concat('parts-scenes.png', 'report.md')
          .sort(),
      );
      expect(readFileSync(join(out, 'report.md'), 'utf8')).to.include('](parts-scenes.png)');
    }));

  describe('refuses', () => {
    let folder: string;
    refuses(refused, dir => {
      folder = dir;
      writeFileSync(join(dir, 'file.txt'), 'kept');
      mkdirSync(join(dir, 'empty', 'images', 'val2017'), { recursive: true });
    });
    it('and leaves files as they were', () => {
      expect(readFileSync(join(folder, 'file.txt'), 'utf8')).to.equal('kept');
      expect(existsSync(join(folder, 'out'))).to.equal(false);
    });
  });
});
