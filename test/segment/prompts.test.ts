import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { fill, parseTemplates, type TemplateSet, templateSets, templates } from '../../src/segment/prompts.js';
import { goldenPath } from '../goldens.js';

describe('templates', () => {
  it('has the 80 that the reference used, in its order', function () {
    const manifest = JSON.parse(readFileSync(goldenPath(this, 'segmentation/manifest.json'), 'utf8'));
    expect(templates('imagenet80')).to.deep.equal(manifest.measured.templates);
  });

  it('has the other sets', () => {
    expect(templates('imagenet7')).to.have.length(7);
    expect(templates('imagenet80')).to.include.members([...templates('imagenet7')]);
    expect(templates('maskclip85').slice(0, 80)).to.deep.equal(templates('imagenet80'));
    expect(templates('maskclip85').at(-1)).to.equal('this is one {} in the scene.');
    expect(templates('photo')).to.deep.equal(['a photo of a {}.']);
    expect(templates('plain').map(t => fill(t, 'cat'))).to.deep.equal(['cat']);
  });

  it('has one place for a name in every template', () => {
    for (const set of templateSets) {
      for (const template of templates(set)) expect(template.split('{}'), template).to.have.length(2);
    }
  });

  it('names the nearest for an unknown set', () => {
    expect(() => templates('imagenet' as TemplateSet)).to.throw(InputError, 'did you mean imagenet7, imagenet80?');
    expect(() => templates('toString' as TemplateSet)).to.throw(InputError, "no set is called 'toString'");
  });
});

describe('fill', () => {
  it('puts the name into every place as it is', () => {
    expect(fill('a {} in a {} shop', 'dog')).to.equal('a dog in a dog shop');
    expect(fill('{}', '$& {} $1')).to.equal('$& {} $1');
  });

  it('refuses a template without a place', () => {
    expect(() => fill('a photo', 'dog')).to.throw(InputError, "template 'a photo': expected {} where the name goes");
  });
});

describe('parseTemplates', () => {
  it('takes one template a line', () => {
    expect(parseTemplates('\uFEFFa {}.\r\n\r\n the {}. \r\n', 't.txt')).to.deep.equal(['a {}.', 'the {}.']);
  });

  it('refuses an empty file and a line without a place', () => {
    expect(() => parseTemplates(' \n', 't.txt')).to.throw(InputError, 't.txt: expected one template a line');
    expect(() => parseTemplates('a {}\nthe', 't.txt')).to.throw(InputError, "t.txt: template 2, 'the', has no {}");
  });
});
