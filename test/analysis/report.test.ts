import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect } from 'chai';
import { conclude } from '../../src/analysis/conclude.js';
import { shownTable, textRows, writeStudies } from '../../src/analysis/report.js';
import { entropy } from '../../src/analysis/studies/entropy.js';
import { parts } from '../../src/analysis/studies/parts.js';
import { readPicture } from '../../src/image/decode.js';
import { rgbPicture } from '../../src/image/picture.js';
import { rejection } from '../files/rejection.js';
import { inTemporaryFolder } from '../files/temporary.js';
import { measuredWith } from './measured.js';

const blocks = [0, 1].flatMap(block =>
  ['X_res', 'X_attn', 'X_sum'].map(term => ({ block, term, entropy: 0.5 + block / 3 })),
);
const scores = ['X_res', 'X_attn', 'X_sum', 'X_out'].map((term, i) => ({ term, mIoU: i / 7, mAcc: 0.5, aAcc: null }));
const measured = {
  ...measuredWith('a|b/<c>', { parts: { parts: scores }, entropy: { blocks } }),
  pictures: { parts: rgbPicture(2, 1, Uint8Array.of(1, 2, 3, 4, 5, 6)) },
};

describe('the report of studies', () => {
  it('is tables, plots, pictures and words in one folder', () =>
    inTemporaryFolder(async dir => {
      const folder = join(dir, 'made', 'here');
      const conclusions = [conclude(parts, [measured]), conclude(entropy, [measured])];
      const files = await writeStudies(folder, conclusions, [measured]);
      expect(files.map(file => basename(file)).sort()).to.deep.equal(readdirSync(folder).sort());
      expect(basename(files[0]!)).to.equal('report.md');
      expect(readdirSync(folder)).to.include.members(['parts-a-b-c-.png', 'parts.svg', 'entropy.png', 'entropy.json']);
      const report = readFileSync(files[0]!, 'utf8');
      for (const [, link] of report.matchAll(/\]\(([^)]+)\)/g))
        expect(existsSync(join(folder, link!)), link).to.equal(true);
      expect(report).to.include('| a\\|b/&#60;c&#62; | X\\_attn | 0.1429 | 0.5 | - |');
      expect(report).to.include('From X\\_attn alone the labels reach 14.3 % mIoU');
      const record = JSON.parse(readFileSync(join(folder, 'entropy.json'), 'utf8'));
      expect(record.tables.blocks).to.deep.equal(blocks.map(row => ({ model: measured.model, ...row })));
      expect(record.models[0].protocol.protocol.source).to.match(/ClearCLIP/);
      expect((await readPicture(join(folder, 'parts.png'))).width).to.be.above(600);
    }));

  it('refuses a folder that is a file', () =>
    inTemporaryFolder(async dir => {
      writeFileSync(join(dir, 'file'), '');
      const message = await rejection(writeStudies(join(dir, 'file'), [conclude(parts, [measured])], [measured]));
      expect(message).to.match(/file: the folder cannot be made/);
    }));

  it('shows numbers with four figures, and no more rows than a reader takes in', () => {
    expect(textRows([{ a: 12345678, b: 0.123456, c: null, d: 'x', e: Number.NaN }])).to.deep.equal([
      ['a', 'b', 'c', 'd', 'e'],
      ['12345678', '0.1235', '-', 'x', '-'],
    ]);
    expect(textRows([])).to.deep.equal([]);
    const { lines, more } = shownTable(Array.from({ length: 75 }, (_, i) => ({ i })));
    expect([lines.length, more]).to.deep.equal([61, 15]);
  });
});
