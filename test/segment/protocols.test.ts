import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { slidingWindows } from '../../src/segment/dense/windows.js';
import { roundedClipPixels } from '../../src/segment/pixelScales.js';
import { templates } from '../../src/segment/prompts.js';
import { scaleProtocol, workingSize } from '../../src/segment/protocolSizes.js';
import {
  type MethodName,
  methodNames,
  type PublishedDataset,
  protocolFor,
  protocols,
  publishedDatasets,
} from '../../src/segment/protocols.js';
import { expectClose, goldenPath, readGolden } from '../goldens.js';
import { cases } from './dense/pipelineGolden.js';

describe('protocols', () => {
  it('has a record under every name, with templates that exist', () => {
    for (const name of methodNames) {
      expect(protocols[name].name).to.equal(name);
      expect(templates(protocols[name].templates)).not.to.have.length(0);
    }
    expect(Object.keys(protocols)).to.have.members([...methodNames]);
  });

  it('has the published settings of every data set', () => {
    // Short side, window, stride, scale, probability and area threshold.
    const published: Partial<Record<MethodName, Partial<Record<PublishedDataset, number[]>>>> = {
      sclip: {
        voc21: [336, 224, 112, 65, 0.1, 0.1],
        context60: [336, 224, 112, 50, 0.1, 0],
        'coco-object': [336, 224, 112, 50, 0.1, 0],
        voc20: [336, 224, 112, 40, 0, 0],
        context59: [336, 224, 112, 40, 0, 0],
        'coco-stuff': [448, 224, 112, 40, 0, 0],
        cityscapes: [560, 224, 112, 40, 0, 0],
        ade20k: [336, 224, 112, 40, 0, 0],
      },
      clearclip: {
        voc21: [448, 448, 224, 50, 0.5, 0],
        context60: [448, 448, 224, 50, 0.15, 0],
        'coco-object': [448, 448, 224, 50, 0.4, 0],
        voc20: [448, 448, 224, 50, 0, 0],
        context59: [448, 448, 224, 50, 0, 0],
        'coco-stuff': [448, 448, 224, 50, 0, 0],
        cityscapes: [448, 224, 224, 50, 0, 0],
        ade20k: [448, 448, 224, 50, 0, 0],
      },
      naclip: {
        voc21: [336, 0, 112, 40, 0.1, 0],
        context60: [336, 224, 112, 40, 0.1, 0],
        'coco-object': [336, 224, 112, 40, 0.1, 0],
        voc20: [336, 0, 112, 40, 0, 0],
        context59: [336, 224, 112, 40, 0, 0],
        'coco-stuff': [336, 224, 112, 40, 0, 0],
        cityscapes: [560, 224, 112, 40, 0, 0],
        ade20k: [336, 224, 112, 40, 0, 0],
      },
      resclip: {
        voc21: [336, 0, 112, 40, 0.1, 0],
        context60: [336, 224, 112, 40, 0.1, 0],
        'coco-object': [336, 224, 112, 40, 0.1, 0],
        voc20: [336, 0, 112, 40, 0, 0],
        context59: [336, 224, 112, 40, 0, 0],
        'coco-stuff': [336, 224, 112, 40, 0, 0],
        cityscapes: [560, 224, 112, 40, 0, 0],
        ade20k: [336, 224, 112, 40, 0, 0],
      },
      scclip: {
        voc21: [336, 224, 112, 50, 0.15, 0.1],
        context60: [336, 224, 112, 40, 0.15, 0],
        'coco-object': [336, 224, 112, 55, 0.35, 0],
        voc20: [336, 224, 112, 40, 0, 0],
        context59: [336, 224, 112, 40, 0, 0],
        'coco-stuff': [336, 224, 112, 40, 0, 0],
        cityscapes: [560, 224, 112, 40, 0, 0],
        ade20k: [336, 224, 112, 40, 0, 0],
      },
    };
    for (const [name, datasets] of Object.entries(published)) {
      expect(Object.keys(datasets)).to.deep.equal([...publishedDatasets]);
      for (const [dataset, expected] of Object.entries(datasets)) {
        const p = protocolFor(name as MethodName, dataset as PublishedDataset);
        const settings = [p.shortSide, p.window, p.stride, p.scale, p.probThreshold, p.areaThreshold];
        expect(settings, `${name} ${dataset}`).to.deep.equal(expected);
      }
    }
  });

  it('has ResCLIP’s mixing of every data set', () => {
    // RCS tau and lambda, SFR tau and lambda, threshold of the first look.
    const published: Record<PublishedDataset, number[]> = {
      voc21: [2, 0.3, 2.2, 0.7, 0.5],
      context60: [2, 0.3, 1.8, 0.7, 0.3],
      'coco-object': [2, 0.4, 1.8, 0.7, 0.11],
      voc20: [2, 0.6, 2.1, 0.6, 0.1],
      context59: [2, 0.4, 1.8, 0.7, 0.25],
      'coco-stuff': [2, 0.4, 1.8, 0.7, 0.11],
      cityscapes: [2, 0.2, 2.1, 0.6, 0.1],
      ade20k: [2, 0.3, 2.1, 0.7, 0.25],
    };
    for (const dataset of publishedDatasets) {
      const { rcs, sfr, threshold } = protocolFor('resclip', dataset).resclip!;
      const settings = [rcs.tau, rcs.lambda, sfr.tau, sfr.lambda, threshold];
      expect(settings, dataset).to.deep.equal(published[dataset]);
    }
  });

  it('reads a model distilled by CLIPSelf whole, at most at the size of its training', () => {
    const { window, positions, resampling, probThreshold } = protocols.clipself;
    expect([window, positions, resampling, probThreshold]).to.deep.equal([0, 'exact', 'pillow-bicubic', 0]);
    expect(workingSize(protocols.clipself, 375, 500)).to.deep.equal([512, 683]);
    expect(workingSize(protocols.clipself, 400, 2000)).to.deep.equal([205, 1024]);
  });

  it('has no threshold for free photos and for data sets without background', () => {
    for (const name of methodNames) {
      expect(protocolFor(name).probThreshold).to.equal(0);
      for (const dataset of ['voc20', 'context59', 'coco-stuff', 'cityscapes', 'ade20k'] as const) {
        expect(protocolFor(name, dataset).probThreshold, `${name} ${dataset}`).to.equal(0);
      }
    }
  });

  it('names the nearest for an unknown method or data set', () => {
    expect(() => protocolFor('clear' as MethodName)).to.throw(InputError, 'did you mean clearclip?');
    expect(() => protocolFor('constructor' as MethodName)).to.throw(InputError, "no method is called 'constructor'");
    expect(() => protocolFor('sclip', 'voc22' as PublishedDataset)).to.throw(InputError, 'did you mean voc21');
  });
});

describe('scaleProtocol', () => {
  it('is the identity for 224 pixels, whatever the patch', () => {
    for (const patch of [14, 16, 32]) expect(scaleProtocol(protocols.gem, 224, patch)).to.equal(protocols.gem);
  });

  it('scales to a small model', () => {
    const small = scaleProtocol(protocols.sclip, 96, 12);
    expect([small.shortSide, small.window, small.stride]).to.deep.equal([144, 96, 48]);
    expect(small.datasets.cityscapes!.shortSide).to.equal(240);
    expect(small.datasets.voc21).to.deep.equal(protocols.sclip.datasets.voc21);
    const clear = scaleProtocol(protocols.clearclip, 96, 12);
    expect([clear.shortSide, clear.window, clear.stride]).to.deep.equal([192, 192, 96]);
    expect(clear.datasets.cityscapes).to.deep.equal({ window: 96, stride: 96 });
  });

  it('keeps windows, strides and squashed sides in whole patches, and no window at none', () => {
    for (const name of methodNames) {
      for (const [imageSize, patch] of [
        [336, 14],
        [96, 12],
        [64, 16],
        [32, 32],
        [518, 14],
      ] as const) {
        const p = scaleProtocol(protocols[name], imageSize, patch);
        expect([p.window % patch, p.stride % patch], `${name} ${imageSize}`).to.deep.equal([0, 0]);
        expect(p.window === 0).to.equal(protocols[name].window === 0);
        if (p.resize === 'squash') expect(p.shortSide % patch).to.equal(0);
        expect(slidingWindows(p.shortSide, 2 * p.shortSide, p.window, p.stride)).not.to.have.length(0);
      }
    }
  });

  it('refuses sizes that are not whole', () => {
    expect(() => scaleProtocol(protocols.sclip, 0, 16)).to.throw(InputError, 'scaleProtocol: image size');
    expect(() => scaleProtocol(protocols.sclip, 96, 1.5)).to.throw(InputError, 'scaleProtocol: patch');
  });
});

describe('workingSize', () => {
  it('gives the sizes the reference resized to', function () {
    const golden = readGolden(goldenPath(this, 'segmentation/pipeline.safetensors'));
    const shortSides = { a: 96, b: 80, small: 50 };
    for (const name of cases) {
      const [height, width] = golden[`${name}/image`]!.shape as [number, number];
      const size = workingSize({ ...protocols.sclip, shortSide: shortSides[name] }, height, width);
      expect(size, name).to.deep.equal(golden[`${name}/resized`]!.shape.slice(0, 2));
    }
  });

  it('lets the long side rule when it would grow too long', () => {
    expect(workingSize(protocols.clearclip, 375, 500)).to.deep.equal([448, 597]);
    expect(workingSize(protocols.clearclip, 100, 5000)).to.deep.equal([41, 2048]);
    expect(workingSize(protocolFor('maskclip', 'context59'), 375, 500)).to.deep.equal([390, 520]);
    expect(workingSize(protocols.sclip, 1, 10_000)).to.deep.equal([1, 2048]);
  });

  it('squashes where the method does', () => {
    expect(workingSize(protocols.gem, 375, 500)).to.deep.equal([448, 448]);
    expect(() => workingSize(protocols.gem, 0, 5)).to.throw(InputError, 'workingSize: height');
  });
});

describe('roundedClipPixels', () => {
  it('normalises as the reference did', function () {
    const golden = readGolden(goldenPath(this, 'segmentation/pipeline.safetensors'));
    const resized = golden['b/resized']!.data as Uint8Array;
    const plane = resized.length / 3;
    const { mean, std } = roundedClipPixels;
    const normalised = Float32Array.from({ length: resized.length }, (_, i) => {
      const channel = Math.floor(i / plane);
      return (resized[(i % plane) * 3 + channel]! - mean[channel]!) / std[channel]!;
    });
    expectClose(normalised, golden['b/normalised']!.data as Float32Array, { maxAbs: 1e-6 });
  });
});
