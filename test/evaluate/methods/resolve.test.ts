import { expect } from 'chai';
import { describeModel } from '../../../src/checkpoint/loadClip.js';
import type { Dataset } from '../../../src/evaluate/datasets/dataset.js';
import { openDataset } from '../../../src/evaluate/datasets/openDataset.js';
import { groupMethods } from '../../../src/evaluate/methods/groups.js';
import { type MethodTarget, onOneProtocol, resolveMethod } from '../../../src/evaluate/methods/resolve.js';
import { methodSpecs, sweepSpecs } from '../../../src/evaluate/methods/specs.js';
import type { MethodSpec } from '../../../src/evaluate/plan.js';
import { type ClassFlavour, classList } from '../../../src/segment/classLists.js';
import type { PublishedDataset } from '../../../src/segment/protocols.js';
import { rejection } from '../../files/rejection.js';

const { image } = describeModel('weights/scenes').config;
/** The sizes of a ViT-B/16, for which published constants hold as they are. */
const model: MethodTarget = { config: { image: { ...image!, imageSize: 224, patch: 16 } }, settings: {} };

const published = (setting: PublishedDataset): Dataset => ({
  spec: `${setting}:somewhere`,
  kind: setting,
  setting,
  namesFrom: 'published',
  classes: classList(setting).classes.map(({ name }) => name),
  background: classList(setting).background,
  ids: ['one'],
  fingerprint: '',
  vocabulary: (wording: ClassFlavour) => classList(setting, wording),
  read: () => Promise.reject(new Error('not to be read')),
});

const resolved = async (specs: readonly MethodSpec[], dataset: Dataset, target = model) => {
  const methods = [];
  for (const spec of specs) methods.push(await resolveMethod(spec, dataset, target));
  return methods;
};

describe('methods of a plan', () => {
  it('run with their published settings for the data set, in their published words', async () => {
    const [sclip, clearclip, maskclip] = await resolved(
      methodSpecs('sclip,clearclip,maskclip', 'clip'),
      published('voc21'),
    );
    expect(sclip!.record.protocol).to.include({
      shortSide: 336,
      window: 224,
      scale: 65,
      probThreshold: 0.1,
      areaThreshold: 0.1,
    });
    expect(sclip!.record.wording).to.equal('sclip');
    expect(sclip!.vocabulary.queries).to.include('sky');
    expect(clearclip!.record.protocol).to.include({ shortSide: 448, window: 448, scale: 50, probThreshold: 0.5 });
    expect(clearclip!.vocabulary.queries).to.include('background');
    // MaskCLIP published no list with a background.
    expect(maskclip!.record.wording).to.equal('clearclip');
    expect((await resolved(methodSpecs('maskclip', 'clip'), published('voc20')))[0]!.record.wording).to.equal(
      'maskclip',
    );
  });

  it('carry a record of every constant, which is plain data', async () => {
    const [method] = await resolved(
      [{ label: 'mine', method: 'sclip', attention: 'kk', residual: 0.5 }],
      published('ade20k'),
    );
    const { record } = method!;
    expect(JSON.parse(JSON.stringify(record))).to.deep.equal(record);
    expect(record).to.include({ method: 'sclip', wording: 'sclip', templates: 'imagenet80' });
    expect(record.variant).to.deep.equal({ attention: 'kk', residual: 0.5 });
    expect(record.protocol.source).to.match(/SCLIP/);
    expect(record.protocol).to.have.property('longSide', 2048);
  });

  it('share a run where sizes, names and prompts agree', async () => {
    const methods = await resolved(methodSpecs('sclip,clearclip,naclip,clip,csa', 'sclip'), published('ade20k'));
    const groups = groupMethods(methods, {});
    expect(groups.map(({ places }) => places)).to.deep.equal([
      [0, 2, 4],
      [1, 3],
    ]);
    const voc = await resolved(methodSpecs('sclip,naclip', 'clip'), published('voc20'));
    expect(groupMethods(voc, {}), 'NACLIP sees VOC whole').to.have.length(2);
  });

  it('share one run on one protocol, each with its own scale and thresholds', async () => {
    const specs = onOneProtocol(methodSpecs('sclip,clearclip,maskclip,gem', 'clip'), 'sclip', 'voc21');
    const methods = await resolved(specs, published('voc21'));
    expect(groupMethods(methods, {})).to.have.length(1);
    expect(methods.map(({ protocol }) => protocol.scale)).to.deep.equal([65, 50, 100, 100]);
    expect(methods.map(({ protocol }) => protocol.probThreshold)).to.deep.equal([0.1, 0.5, 0, 0]);
    for (const { record } of methods) expect(record.protocol.name, 'the record says whose').to.equal('sclip');
  });

  it('share one run in a sweep', async () => {
    const methods = await resolved(sweepSpecs('attention=qk,kk residual=on,off', 'naclip'), published('cityscapes'));
    expect(groupMethods(methods, {})).to.have.length(1);
  });

  it("take the model's own sizes and prompts where it brings some", async () => {
    const scenes = await openDataset('scenes:n=1');
    const own = { ...model, settings: { templates: ['a {}'], protocol: { shortSide: 192, window: 96, stride: 48 } } };
    const methods = await resolved(methodSpecs('sclip,clearclip', 'clip'), scenes, own);
    for (const { record } of methods) {
      expect(record.protocol).to.include({ shortSide: 192, window: 96, stride: 48 });
      expect(record.templates).to.deep.equal(['a {}']);
    }
  });

  it('are refused with a threshold where there is no background for it, and with more blocks than there are', async () => {
    const scenes = await openDataset('scenes:n=1');
    const strict = [{ label: 'mine', method: 'sclip', protocol: { probThreshold: 0.1 } } as const];
    for (const dataset of [published('voc20'), scenes]) {
      expect(await rejection(resolved(strict, dataset))).to.match(/^mine: a threshold of 0\.1 gives .*; set it to 0$/);
    }
    const [own] = await resolved(strict, { ...scenes, classes: ['Background', ...scenes.classes.slice(1)] });
    expect(own!.protocol.probThreshold).to.equal(0.1);
    const many = sweepSpecs('blocks=99', 'clip');
    expect(await rejection(resolved(many, scenes))).to.match(/^blocks=99: expected at most the \d+ blocks .*, got 99$/);
  });

  it('say whose names they ask for', async () => {
    const [scenes] = await resolved(methodSpecs('sclip', 'clip'), await openDataset('scenes:n=1'));
    expect(scenes!.record.wording).to.equal('folder');
  });

  it('must fit the classes of the data set, and a model with an image tower', async () => {
    const short = { ...published('voc21'), classes: ['one', 'two'] };
    const specs = methodSpecs('sclip', 'clip');
    expect(await rejection(resolved(specs, short))).to.match(/it has 2 classes, but 21 names in the wording/);
    const blind = resolved(specs, published('voc21'), { config: {}, settings: {} });
    expect(await rejection(blind)).to.match(/expected a model with an image tower/);
  });
});
