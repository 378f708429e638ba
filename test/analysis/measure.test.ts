import { expect } from 'chai';
import { conclude } from '../../src/analysis/conclude.js';
import { type Measured, measure } from '../../src/analysis/measure.js';
import { alpha } from '../../src/analysis/studies/alpha.js';
import { channels } from '../../src/analysis/studies/channels.js';
import { entropy } from '../../src/analysis/studies/entropy.js';
import { ffn } from '../../src/analysis/studies/ffn.js';
import { studyByName, studyNames } from '../../src/analysis/studies/index.js';
import { norms } from '../../src/analysis/studies/norms.js';
import { parts } from '../../src/analysis/studies/parts.js';
import { attentions } from '../../src/attention/index.js';
import { type LoadedClip, loadClip } from '../../src/checkpoint/loadClip.js';
import type { Dataset } from '../../src/evaluate/datasets/dataset.js';
import { openDataset } from '../../src/evaluate/datasets/openDataset.js';
import { heldOutSeed } from '../../src/evaluate/heldOut.js';
import { segmentScenes } from '../../src/evaluate/sceneSegmentation.js';
import { methodByName } from '../../src/segment/methods.js';
import { openRunner, type Runner } from '../../src/tensor/runner.js';
import { rejection } from '../files/rejection.js';

const scenes = 8;

describe('studies of the embedded model', function () {
  this.timeout(180_000);
  let clip: LoadedClip;
  let runner: Runner;
  let dataset: Dataset;
  let measured: Measured;

  before(async () => {
    clip = await loadClip('weights/scenes', { weights: 'file' });
    runner = await openRunner('ort', { threads: 1 });
    dataset = await openDataset(`scenes:n=${scenes}`);
    measured = await measure(clip, dataset, studyNames.map(studyByName), { model: 'scenes', runner });
  });
  after(async () => {
    await runner.dispose();
    clip.dispose();
  });

  it('score as evaluate does: CLIP, SCLIP, ClearCLIP and CLIP with identity attention are settings like others', async () => {
    const clipMethod = methodByName('clip');
    const methods = [
      clipMethod,
      methodByName('sclip'),
      methodByName('clearclip'),
      { ...clipMethod, name: 'identity', variant: { attention: attentions.identity! } },
    ];
    const scores = await segmentScenes(clip, 'colours', methods, { seed: heldOutSeed, count: scenes }, { runner });
    const [plain, csa, clear, identity] = scores.map(({ mIoU }) => mIoU);
    const { attentions: byAttention } = conclude(norms, [measured]).tables;
    const withAttention = (name: string) => byAttention.find(({ attention }) => attention === name)!.mIoU;
    expect(withAttention('csa')).to.equal(csa);
    expect(withAttention('identity')).to.equal(identity);
    const { grid } = conclude(ffn, [measured]).tables;
    const cell = (attention: string, residual: string, layer: string) =>
      grid.find(row => row.attention === attention && row.residual === residual && row.ffn === layer)!.mIoU;
    expect(cell('qq', 'off', 'off')).to.equal(clear);
    const { alphas } = conclude(alpha, [measured]).tables;
    const at = (value: number | 'inf', layer: 'on' | 'off') =>
      alphas.find(row => row.alpha === value && row.ffn === layer)!.mIoU;
    const terms = conclude(parts, [measured]).tables.parts;
    const part = (name: string) => terms.find(({ term }) => term === name)!.mIoU;
    // One thing said in several studies.
    for (const one of [withAttention('qk'), cell('qk', 'on', 'on'), at(1, 'on'), part('X_out')]) {
      expect(one).to.equal(plain);
    }
    expect([part('X_res'), part('X_sum'), part('X_attn')]).to.deep.equal([
      at(0, 'off'),
      at(1, 'off'),
      at('inf', 'off'),
    ]);
    expect(cell('qk', 'off', 'on')).to.equal(at('inf', 'on'));
    expect(cell('qk', 'on', 'off')).to.equal(part('X_sum'));
  });

  it("show what ClearCLIP's authors saw: the attention carries the labels, the residual hides them", () => {
    const [residual, attention, sum, out] = conclude(parts, [measured]).tables.parts.map(({ mIoU }) => mIoU!);
    expect(residual).to.be.below(0.1);
    expect(sum).to.be.above(2 * residual!);
    expect(attention).to.be.above(1.5 * sum!);
    expect(attention).to.be.above(1.5 * out!);
    const { alphas } = conclude(alpha, [measured]).tables;
    const rising = alphas.filter(row => row.ffn === 'off').map(({ mIoU }) => mIoU!);
    expect(rising).to.deep.equal([...rising].sort((a, b) => a - b));
    const { grid } = conclude(ffn, [measured]).tables;
    // On eight scenes kk and qq change places; what they need beside themselves does not.
    const [first, second] = [...grid].sort((a, b) => b.mIoU! - a.mIoU!);
    expect([first!.attention, second!.attention]).to.have.members(['qq', 'kk']);
    for (const row of [first!, second!]) expect(row).to.include({ residual: 'off', ffn: 'off' });
  });

  it('show X_attn shorter than X_res in the last block, csa twice as long as one attention, FFN further off than attention', () => {
    const { attentions: rows } = conclude(norms, [measured]).tables;
    const { qk, csa, qq, kk } = Object.fromEntries(rows.map(row => [row.attention, row.X_attn]));
    for (const row of rows.filter(({ attention }) => attention !== 'csa')) expect(row.X_attn).to.be.below(row.X_res);
    // O(A v) is linear in A but for the bias: csa is qq + kk.
    expect(csa! / (qq! + kk!)).to.be.within(0.9, 1.05);
    expect(qk).to.be.within(10, 16);
    const { angles } = conclude(ffn, [measured]).tables;
    const [attention, layer] = angles.filter(({ block }) => block === 4);
    expect(layer!.classToken).to.be.above(attention!.classToken + 15);
    expect(layer!.patches).to.be.above(attention!.patches + 15);
  });

  it('show X_res ever less even, and X_attn even', () => {
    const { blocks } = conclude(entropy, [measured]).tables;
    const of = (term: string) => blocks.filter(row => row.term === term).map(row => row.entropy);
    const residual = of('X_res');
    expect(residual).to.deep.equal([...residual].sort((a, b) => b - a));
    expect(residual.at(-1)).to.be.below(0.8);
    for (const value of of('X_attn')) expect(value).to.be.within(0.9, 1);
  });

  it('say the same of each image whatever others are there, and count windows', async () => {
    const read = (indices: number[]): Dataset => ({
      ...dataset,
      ids: indices.map(i => dataset.ids[i]!),
      read: index => dataset.read(indices[index]!),
    });
    const few = [channels, norms].map(study => studyByName(study.name as 'norms'));
    const run = (indices: number[], limit?: number) =>
      measure(clip, read(indices), few, { runner, ...(limit !== undefined && { limit }) });
    const [first, second, both, limited] = [await run([2]), await run([5]), await run([2, 5]), await run([2, 5], 1)];
    expect(both.windows).to.equal(first.windows + second.windows);
    expect(measured.windows).to.equal(9 * scenes);
    expect(limited.tables).to.deep.equal(first.tables);
    expect(limited.images).to.equal(1);
    const norm = ({ tables }: Measured) => (tables.norms!.blocks as { norm: number }[]).map(row => row.norm);
    norm(both).forEach((value, i) => {
      expect(value).to.be.closeTo((norm(first)[i]! + norm(second)[i]!) / 2, 1e-9);
    });
  });

  it('draw the label maps of the first images alone', () => {
    expect(Object.keys(measured.pictures)).to.deep.equal(['parts']);
    const { width, height } = measured.pictures.parts!;
    expect(width).to.be.above(6 * 256);
    expect(height).to.be.within(4 * 256, 5 * 320);
  });

  it('refuse what cannot be studied', async () => {
    const some = [studyByName('parts')];
    const refused = (...given: Parameters<typeof measure>) => rejection(measure(...given));
    expect(await refused(clip, { ...dataset, ids: [] }, some, { runner })).to.match(
      /expected labelled images there, found none/,
    );
    expect(await refused(clip, dataset, [], { runner })).to.match(/expected at least one study, got none/);
    expect(await refused(clip, dataset, some, { runner, limit: 0 })).to.match(/analyze: limit/);
    const { image: _, ...config } = clip.config;
    expect(await refused({ ...clip, config }, dataset, some, { runner, model: 'blind' })).to.match(
      /expected a model with an image tower; 'blind' has none/,
    );
  });
});
