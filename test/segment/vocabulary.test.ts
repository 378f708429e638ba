import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../src/errors.js';
import {
  buildVocabulary,
  fromNames,
  parseClasses,
  parseClassFile,
  type Vocabulary,
} from '../../src/segment/vocabulary.js';
import { goldenPath, readGolden } from '../goldens.js';

const cats: Vocabulary = {
  classes: [
    { name: 'a cat', synonyms: ['kitten'] },
    { name: 'sofa', synonyms: [] },
    { name: 'tall grass', synonyms: [] },
  ],
  queries: ['a cat', 'kitten', 'sofa', 'tall grass'],
  classOfQuery: Int32Array.of(0, 0, 1, 2),
};

describe('parseClasses', () => {
  it('parts classes at semicolons and names at commas, and strips blanks', () => {
    expect(parseClasses('a cat,kitten; sofa; tall grass')).to.deep.equal(cats);
    expect(parseClasses('  a  cat ,\tkitten;sofa ; tall\ngrass ')).to.deep.equal(cats);
  });

  const bad: [string, string, string][] = [
    ['nothing', '', 'expected names such as "a cat,kitten; sofa", got none'],
    ['blanks', ' \n ', 'got none'],
    ['an empty class', 'cat;;dog', 'classes: class 2: a name is empty'],
    ['an empty last class', 'cat; dog;', 'classes: class 3: a name is empty'],
    ['an empty synonym', 'cat,,kitten', 'classes: class 1: a name is empty'],
    ['only separators', ';', 'class 1: a name is empty'],
    ['a class twice', 'cat; dog; cat', "classes: class 3: the name 'cat' stands in class 1 already"],
    ['a class twice in another case', 'cat; Cat', "class 2: the name 'Cat' stands in class 1 already"],
    ['a synonym in two classes', 'cat,pet; dog,pet', "class 2: the name 'pet' stands in class 1 already"],
    ['a synonym twice', 'cat,cat', "class 1: the name 'cat' stands twice in the same class"],
    ['a name beyond all bounds', `cat;${'x'.repeat(2001)}`, 'a name of 2001 characters, at most 2000'],
  ];
  for (const [name, text, message] of bad) {
    it(`refuses ${name}`, () => {
      expect(() => parseClasses(text)).to.throw(InputError, message);
    });
  }

  it('gives messages of one line', () => {
    expect(() => parseClasses('a\nb;a\nb'))
      .to.throw(InputError)
      .with.property('message')
      .that.does.not.include('\n');
  });

  it('refuses what is no text', () => {
    expect(() => parseClasses(7 as unknown as string)).to.throw(InputError, 'expected text, got number');
  });

  it('reads back any names it can be given', () => {
    const name = fc.stringMatching(/^[a-z]{1,6}( [a-z]{1,6})?$/u);
    const groups = fc.uniqueArray(name, { minLength: 1, maxLength: 20 }).chain(names =>
      fc.array(fc.boolean(), { minLength: names.length, maxLength: names.length }).map(starts => {
        const out: string[][] = [];
        for (const [i, text] of names.entries()) {
          if (i === 0 || starts[i]) out.push([text]);
          else out.at(-1)!.push(text);
        }
        return out;
      }),
    );
    fc.assert(
      fc.property(groups, names => {
        const vocabulary = parseClasses(names.map(group => group.join(',')).join(';'));
        expect(vocabulary.classes.map(c => [c.name, ...c.synonyms])).to.deep.equal(names);
        expect(vocabulary.queries).to.deep.equal(names.flat());
        expect(Array.from(vocabulary.classOfQuery)).to.deep.equal(names.flatMap((group, i) => group.map(() => i)));
      }),
      { numRuns: 100 },
    );
  });
});

describe('parseClassFile', () => {
  it("reads the fixtures' file, whose last line has no end, as the reference did", function () {
    const text = readFileSync(goldenPath(this, 'segmentation/class_names.txt'), 'utf8');
    const vocabulary = parseClassFile(text, 'class_names.txt');
    const manifest = JSON.parse(readFileSync(goldenPath(this, 'segmentation/manifest.json'), 'utf8'));
    expect(vocabulary.queries).to.deep.equal(manifest.measured.queries);
    expect(vocabulary.queries).to.deep.equal(manifest.measured.clearclip_queries.map((name: string) => name.trim()));
    const golden = readGolden(goldenPath(this, 'segmentation/pipeline.safetensors'));
    expect(vocabulary.classOfQuery).to.deep.equal(golden.query_class_index!.data);
  });

  it('takes Windows and old Mac line ends, blank lines, a byte order mark and semicolons', () => {
    expect(parseClassFile('\uFEFFa cat, kitten\r\n\r\nsofa\r\ntall grass\r\n', 'f')).to.deep.equal(cats);
    expect(parseClassFile('\n\n a cat;kitten\rsofa\r  \rtall grass', 'f')).to.deep.equal(cats);
  });

  it('names the file in errors', () => {
    expect(() => parseClassFile('\n \n', 'c.txt')).to.throw(InputError, 'c.txt: expected at least one class name');
    expect(() => parseClassFile('cat\ndog,\n', 'c.txt')).to.throw(InputError, 'c.txt: class 2: a name is empty');
    expect(() => parseClassFile('cat\ncat\n', 'c.txt')).to.throw(InputError, "c.txt: class 2: the name 'cat'");
    expect(() => parseClassFile('PK\x03\x04\0\0', 'c.zip')).to.throw(InputError, 'c.zip: expected a text file');
  });
});

describe('fromNames', () => {
  it('takes one string a class, names parted by either sign', () => {
    expect(fromNames(['a cat; kitten', 'sofa', 'tall grass'])).to.deep.equal(cats);
    expect(fromNames(['a cat, kitten', 'sofa', 'tall grass'])).to.deep.equal(cats);
  });

  it('refuses no names, empty ones and what is no text', () => {
    expect(() => fromNames([])).to.throw(InputError, 'expected at least one class name, got none');
    expect(() => fromNames(['cat', ''])).to.throw(InputError, 'class 2: a name is empty');
    expect(() => fromNames([null] as unknown as string[])).to.throw(InputError, 'class 1: expected text, got object');
    expect(() => fromNames('cat' as unknown as string[])).to.throw(
      InputError,
      'expected an array of names, got string',
    );
  });
});

describe('buildVocabulary', () => {
  it('keeps commas within names, and repeats when asked to', () => {
    const repeated = buildVocabulary([['building, edifice', 'bed'], ['bed']], { repeats: 'keep' });
    expect(repeated.queries).to.deep.equal(['building, edifice', 'bed', 'bed']);
    expect(Array.from(repeated.classOfQuery)).to.deep.equal([0, 0, 1]);
  });

  it('refuses a class without names and more classes than a label map holds', () => {
    expect(() => buildVocabulary([['a'], []])).to.throw(InputError, 'class 2 of 2 has no name');
    expect(() => buildVocabulary(new Array(65_536).fill(['a']))).to.throw(InputError, 'at most 65535 fit a label map');
  });

  it('takes names that are special in JavaScript', () => {
    const names = ['__proto__', 'constructor', 'toString'];
    expect(buildVocabulary(names.map(name => [name])).queries).to.deep.equal(names);
  });
});
