import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import {
  backgroundNames,
  type ClassFlavour,
  classFlavours,
  classList,
  classListNames,
} from '../../src/segment/classLists.js';

const names = (dataset: string, flavour?: ClassFlavour) => classList(dataset, flavour).classes.map(({ name }) => name);

describe('classList', () => {
  it('has as many classes and names as the published files', () => {
    const published: [ClassFlavour, string, number, number][] = [
      ['sclip', 'voc21', 21, 56],
      ['sclip', 'voc20', 20, 30],
      ['sclip', 'context60', 60, 60],
      ['sclip', 'context59', 59, 59],
      ['sclip', 'coco-object', 81, 113],
      ['sclip', 'coco-stuff', 171, 171],
      ['sclip', 'ade20k', 150, 150],
      ['sclip', 'cityscapes', 19, 19],
      ['sclip', 'imagenet', 1000, 1000],
      ['clearclip', 'voc21', 21, 21],
      ['clearclip', 'voc20', 20, 20],
      ['clearclip', 'coco-object', 81, 81],
      ['proxyclip', 'voc21', 21, 46],
      ['proxyclip', 'coco-object', 81, 97],
      ['proxyclip', 'context459', 459, 459],
      ['proxyclip', 'ade20k-full', 847, 847],
      ['maskclip', 'voc20', 20, 20],
      ['maskclip', 'context59', 59, 59],
      ['maskclip', 'context459', 459, 459],
      ['maskclip', 'coco-stuff', 171, 171],
      ['maskclip', 'cityscapes', 19, 19],
      ['maskclip', 'ade20k', 150, 150],
    ];
    for (const [flavour, dataset, classes, queries] of published) {
      const list = classList(dataset, flavour);
      const counts = [list.classes.length, list.queries.length, list.classOfQuery.length];
      expect(counts, `${flavour} ${dataset}`).to.deep.equal([classes, queries, queries]);
      expect(list.classOfQuery.at(-1)).to.equal(classes - 1);
    }
  });

  it('keeps each wording as published', () => {
    expect(names('voc21', 'sclip').slice(0, 5)).to.deep.equal(['sky', 'aeroplane', 'bicycle', 'bird', 'ship']);
    expect(classList('voc20').classes.at(-1)!.synonyms).to.deep.equal([
      'tv monitor',
      'monitor',
      'television',
      'screen',
    ]);
    expect(names('voc21', 'clearclip').slice(0, 2)).to.deep.equal(['background', 'aeroplane']);
    expect(names('voc20', 'clearclip').at(-1)).to.equal('tvmonitor');
    expect(names('voc20', 'maskclip').at(-1)).to.equal('tv monitor');
    expect(names('coco-stuff', 'sclip')[9]).to.equal('trafficlight');
    expect(names('coco-object', 'clearclip')[10]).to.equal('traffic light');
    expect(names('context60').indexOf('wood')).to.be.above(0);
    expect(names('ade20k-full', 'proxyclip')[1]).to.equal('building, edifice');
  });

  it('has the same classes with and without background', () => {
    for (const flavour of ['sclip', 'clearclip'] as const) {
      expect(classList('voc21', flavour).classes.slice(1)).to.deep.equal(classList('voc20', flavour).classes);
      expect(classList('context60', flavour).classes.slice(1)).to.deep.equal(classList('context59', flavour).classes);
    }
  });

  it('says which lists have a background, and keeps a name that is both', () => {
    const objects = classList('coco-object');
    expect(objects.background).to.equal(true);
    expect(objects.queries.filter(query => query === 'bed')).to.have.length(2);
    expect(classList('coco-stuff').background).to.equal(false);
  });

  it('reads every list of every wording', () => {
    for (const flavour of classFlavours) {
      for (const dataset of classListNames(flavour)) {
        expect(classList(dataset, flavour).dataset).to.equal(dataset);
      }
    }
  });

  it('names the nearest for an unknown data set or wording', () => {
    expect(() => classList('voc')).to.throw(InputError, "sclip has no class list 'voc'; did you mean voc21, voc20?");
    expect(() => classList('ade20k', 'proxyclip')).to.throw(InputError, 'did you mean ade20k-full?');
    expect(() => classList('background', 'maskclip')).to.throw(InputError, "no class list 'background'");
    expect(() => classList('toString')).to.throw(InputError, "no class list 'toString'");
    expect(() => classList('voc21', 'clear' as ClassFlavour)).to.throw(InputError, 'did you mean clearclip?');
    expect(() => classListNames('../x' as ClassFlavour)).to.throw(InputError, "no wording is called '../x'");
  });
});

describe('backgroundNames', () => {
  it('gives the words of each wording', () => {
    expect(backgroundNames()).to.have.length(26).and.include('sky');
    expect(backgroundNames('proxyclip')).to.have.length(26);
    expect(backgroundNames('maskclip')).to.deep.equal(['building', 'ground', 'grass', 'tree', 'sky']);
    expect(backgroundNames('clearclip')).to.deep.equal(['background']);
    expect(() => backgroundNames('nobody' as ClassFlavour)).to.throw(InputError, "no wording is called 'nobody'");
  });
});
