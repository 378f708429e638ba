import { expect } from 'chai';
import { conclude } from '../../../src/analysis/conclude.js';
import { drawPlot } from '../../../src/analysis/draw/plot.js';
import type { Setting } from '../../../src/analysis/settings.js';
import { type StudyName, studies, studyByName, studyNames } from '../../../src/analysis/studies/index.js';
import { rankCorrelation } from '../../../src/analysis/studies/norms.js';
import type { Look, Reducer, Tables } from '../../../src/analysis/study.js';
import type { ImageConfig } from '../../../src/model/config.js';
import { namedConfigs } from '../../../src/model/config.js';
import { measuredWith } from '../measured.js';

const config: ImageConfig = { ...namedConfigs['ViT-B/32']!.image!, layers: 3, width: 4, heads: 2, patch: 16 };
const grid = { rows: 1, columns: 3 };

/** A window with these values; what is not named has `others`. */
const look = (named: Record<string, number[]>, others: number[] = [1, 2, 3], window = 0): Look => ({
  image: 'cat',
  window,
  grid,
  values: name => Float32Array.from(named[name] ?? others),
});

/** mIoU by what is done to the last block. */
const scoreOf = ({ attention, alpha, ffn }: Setting) => {
  const mIoU = attention.length / 100 + Math.min(alpha, 20) / 50 + (ffn ? 0 : 0.01);
  return { mIoU, mAcc: 0.5, aAcc: 0.6 };
};

function tablesOf<T extends Tables>(reducer: Reducer<T>, looks: readonly Look[]): T {
  for (const one of looks) reducer.add(one);
  return reducer.tables(scoreOf);
}

describe('studies', () => {
  it('norms: means over patches and windows, by block and by attention', () => {
    const looks = [
      look({ 'blocks.2.resid_pre.norm': [10, 20, 30], 'last.qq.norm': [4, 4, 7] }),
      look({ 'blocks.2.resid_pre.norm': [1, 2, 3], 'last.qq.norm': [1, 1, 1] }, [5, 5, 8]),
    ];
    const { blocks, attentions } = tablesOf(studies.norms.open(config), looks);
    expect(blocks).to.have.length(12);
    expect(blocks.find(({ block, term }) => block === 2 && term === 'X_res')!.norm).to.equal(11);
    expect(blocks.find(({ block, term }) => block === 0 && term === 'FFN')!.norm).to.equal(4);
    expect(attentions.find(({ attention }) => attention === 'qq')).to.deep.equal({
      attention: 'qq',
      X_res: 11,
      X_attn: 3,
      mIoU: scoreOf({ attention: 'qq', alpha: 1, ffn: true }).mIoU,
    });
  });

  it('alpha and parts: the scores of their settings, infinity as a word', () => {
    const { alphas } = tablesOf(studies.alpha.open(config), []);
    expect(alphas.map(({ alpha }) => alpha).slice(0, 8)).to.deep.equal([0, 0.5, 1, 2, 4, 8, 16, 'inf']);
    expect(alphas[8]).to.deep.equal({ alpha: 0, ffn: 'off', mIoU: 0.02 + 0.01 });
    const { parts } = tablesOf(studies.parts.open(config), []);
    expect(parts.map(({ term, mIoU }) => [term, mIoU])).to.deep.equal([
      ['X_res', 0.02 + 0.01],
      ['X_attn', 0.02 + 0.4 + 0.01],
      ['X_sum', 0.02 + 0.02 + 0.01],
      ['X_out', 0.02 + 0.02],
    ]);
  });

  it('ffn: degrees of the class token and of the patches, and the whole grid', () => {
    const right = { 'blocks.1.mlp_out.apart': [0, 2, 2, 0], 'blocks.1.mlp_out.together': [2, 0, 0, 2] };
    const { angles, grid: cells } = tablesOf(studies.ffn.open(config), [look(right, [1, 1, 1, 1])]);
    const row = angles.find(({ block, term }) => block === 1 && term === 'FFN')!;
    expect(row).to.deep.equal({ block: 1, term: 'FFN', classToken: 0, patches: 120 });
    expect(angles[0]!.classToken).to.be.closeTo(90, 1e-12);
    expect(cells).to.have.length(16);
    expect(new Set(cells.map(({ attention, residual, ffn }) => `${attention} ${residual} ${ffn}`)).size).to.equal(16);
  });

  it('entropy: of equal values 1, whatever the block', () => {
    const parts = ['X_res', 'X_attn', 'X_sum'];
    const even = Object.fromEntries(
      [0, 1, 2].flatMap(i =>
        ['resid_pre', 'attn_out', 'resid_mid'].flatMap(point => [
          [`blocks.${i}.${point}.largest`, [7, 7, 7]],
          [`blocks.${i}.${point}.total`, [4, 4, 4]],
          [`blocks.${i}.${point}.weighted`, [0, 0, 0]],
        ]),
      ),
    );
    const { blocks } = tablesOf(studies.entropy.open(config), [look(even), look(even)]);
    expect(blocks.map(({ block, term }) => `${term} ${block}`)).to.deep.equal(
      [0, 1, 2].flatMap(block => parts.map(term => `${term} ${block}`)),
    );
    for (const { entropy } of blocks) expect(entropy).to.be.closeTo(1, 1e-12);
  });

  it('channels: the largest of each block, and all of the last by their magnitude', () => {
    const sums = { 'blocks.2.attn_out.sum': [3, -30, 6, 9], 'blocks.2.attn_out.squares': [3, 300, 12, 27] };
    const ends = { 'blocks.2.attn_out.highest': [1, -9, 2, 3], 'blocks.2.attn_out.lowest': [1, -11, 2, 3] };
    const { peaks, last } = tablesOf(studies.channels.open(config), [look({ ...sums, ...ends }, [3, 3, 3, 3])]);
    const peak = peaks.find(({ block, term }) => block === 2 && term === 'X_attn')!;
    // Means 1, -10, 2, 3, whose magnitudes have the median 2.5.
    expect(peak).to.deep.equal({
      block: 2,
      term: 'X_attn',
      channel: 1,
      mean: -10,
      largest: -11,
      share: 300 / 342,
      ratio: 4,
    });
    const ranked = last.filter(({ term }) => term === 'X_attn').map(({ rank, channel }) => [rank, channel]);
    expect(ranked).to.deep.equal([
      [1, 1],
      [2, 3],
      [3, 2],
      [4, 0],
    ]);
  });

  it('heads: in patches and pixels, with what looking everywhere alike would be', () => {
    const named = { 'blocks.1.attn.pattern.distance': [0.5, 1.5] };
    const { heads, even } = tablesOf(studies.heads.open(config), [look(named, [0.25, 0.5]), look({}, [0.25, 0.5])]);
    expect(heads).to.have.length(6);
    expect(heads[3]).to.deep.equal({ block: 1, head: 1, distance: 1, pixels: 16, entropy: 0.5, classToken: 0.5 });
    // In a row of three: 0, 1, 2, 1, 0, 1, 2, 1, 0.
    expect(even).to.deep.equal([{ distance: 8 / 9, pixels: (16 * 8) / 9, classToken: 0.25 }]);
  });

  it('outliers: shares by block, and the places of those that enter the last one', () => {
    const usual = [10, 10, 11];
    const looks = [look({ 'blocks.1.resid_post.norm': [10, 50, 11] }, usual), look({}, usual, 1)];
    const { blocks, tokens } = tablesOf(studies.outliers.open(config), looks);
    expect(blocks[1]).to.deep.equal({ block: 1, patches: 1 / 6, windows: 0.5, longest: (50 / 11 + 1.1) / 2 });
    expect(blocks[0]).to.include({ patches: 0, windows: 0 });
    expect(tokens).to.deep.equal([{ image: 'cat', window: 0, row: 0, column: 1, norm: 50, median: 11 }]);
    const many = Array.from({ length: 300 }, (_, i) => look({ 'blocks.1.resid_post.norm': [10, 50, 11] }, usual, i));
    expect(tablesOf(studies.outliers.open(config), many).tokens).to.have.length(200);
  });

  it('rank correlation is Spearman’s, ties included', () => {
    expect(rankCorrelation([1, 5, 9], [2, 3, 100])).to.equal(1);
    expect(rankCorrelation([1, 5, 9], [3, 2, 1])).to.equal(-1);
    expect(rankCorrelation([1, 2, 3, 4], [2, 1, 4, 3])).to.be.closeTo(0.6, 1e-12);
    expect(rankCorrelation([1, 1, 2], [1, 1, 2])).to.be.closeTo(1, 1e-12);
    expect(rankCorrelation([1, 2, 3], [4, 4, 4])).to.equal(0);
  });

  const axes: Record<StudyName, readonly string[]> = {
    norms: ['mean L2 norm of a patch', 'attention', 'line: mIoU (%)', 'block', 'X_res', 'FFN', 'naclip'],
    parts: ['labels from', 'mIoU (%)', 'X_attn', 'X_out'],
    alpha: ['alpha', 'mIoU (%)', 'inf', 'FFN', 'off'],
    ffn: ['angle (degrees)', 'block', 'attention', 'res. off, FFN off', 'identity', 'patches'],
    entropy: ['normalised entropy', 'block', 'X_sum'],
    channels: ['rank of the channel', '|mean over patches|', '|mean| / median |mean|'],
    heads: ['distance (patches)', 'normalised entropy', 'attention to it (%)', 'block'],
    outliers: ['patches (%)', 'norm / median norm', 'block'],
  };
  for (const name of studyNames) {
    it(`${name}: a plot of two models with its axes named, and a paragraph without holes`, async () => {
      const study = studyByName(name);
      // As long as the lists of each: heads, or channels and tokens.
      const length = name === 'heads' ? 2 : 4;
      const looks = [look({}, [0.1, 0.2, 3, 9].slice(0, length)), look({}, [0.2, 0.2, 1, 9].slice(0, length), 1)];
      const sizes = { B: config, L: { ...config, layers: 4 } };
      const measured = Object.entries(sizes).map(([model, size]) =>
        measuredWith(model, { [name]: tablesOf(study.open(size), looks) }),
      );
      const { plot, paragraph, tables } = conclude(study, measured);
      const { svg, picture } = await drawPlot(plot);
      for (const word of [...axes[name], study.title])
        expect(svg).to.include(`>${word.replaceAll('&', '&amp;')}</text>`);
      expect(svg).to.not.match(/NaN|undefined|…/);
      const [, width] = / width="([\d.]+)"/.exec(svg)!;
      expect(picture.width).to.equal(Math.ceil(2 * Number(width)));
      expect(paragraph).to.match(/^B: .* L: .*\.\)$/s);
      expect(paragraph).to.not.match(/NaN|undefined|Infinity|null/);
      const models = new Set(Object.values(tables).flatMap(rows => rows.map(row => row.model)));
      expect([...models]).to.have.members(['B', 'L']);
    });
  }
});
