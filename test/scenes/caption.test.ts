import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { sceneCaption } from '../../src/scenes/caption.js';
import type { CaptionOptions } from '../../src/scenes/options.js';
import { sceneAt } from '../../src/scenes/scene.js';
import { sceneBackgrounds, sceneColours, sceneShapes, sceneTextures } from '../../src/scenes/world.js';

const any = (names: readonly string[]) => `(?:${names.join('|')})`;
const noun = `a (?:${any(sceneColours)} )?(?:${any(sceneTextures.slice(1))} )?${any(sceneShapes)}`;
const grammar = new RegExp(`^${noun}(?: and ${noun}){0,2}(?: (?:on|over|in front of) ${any(sceneBackgrounds)})?$`);

const many = 4000;
const captions = (options: CaptionOptions = {}, objects: readonly [number, number] = [1, 3]) =>
  Array.from({ length: many }, (_, index) => {
    const scene = sceneAt(21, index, { objects });
    return { scene, caption: sceneCaption(scene, 0, options) };
  });

/** A share within five standard deviations of a binomial's. */
function expectShare(flags: readonly boolean[], share: number): void {
  const bound = 5 * Math.sqrt((share * (1 - share)) / flags.length);
  expect(flags.filter(Boolean).length / flags.length).to.be.closeTo(share, bound);
}

/** Whether the names can be given to objects, one each, that have all of their words. */
function fit([name, ...names]: readonly string[][], objects: readonly string[][]): boolean {
  if (!name) return true;
  return objects.some((object, i) => name.every(word => object.includes(word)) && fit(names, objects.toSpliced(i, 1)));
}

describe('sceneCaption', () => {
  it('keeps to its grammar and says nothing that is not so', () => {
    for (const { scene, caption } of captions()) {
      expect(caption).to.match(grammar);
      const [, named = '', background] = /^(.*?)(?: (?:on|over|in front of) (.*))?$/.exec(caption)!;
      if (background) expect(background).to.equal(scene.background);
      const names = named.split(' and ').map(name => name.split(' ').slice(1));
      const objects = scene.objects.map(({ colour, texture, shape }): string[] => [colour, texture, shape]);
      expect(fit(names, objects), caption).to.equal(true);
    }
  });

  it('names things as often as it should', () => {
    const single = captions({}, [1, 1]);
    const says = (word: string) => (flag: (typeof single)[number]) => flag.caption.includes(word);
    expectShare(
      single.map(({ scene, caption }) => caption.includes(scene.objects[0]!.colour)),
      0.75,
    );
    const textured = single.filter(({ scene }) => scene.objects[0]!.texture !== 'plain');
    expectShare(
      textured.map(({ scene, caption }) => caption.includes(scene.objects[0]!.texture)),
      0.7,
    );
    expectShare(
      single.map(({ scene, caption }) => caption.endsWith(` ${scene.background}`)),
      0.7,
    );
    for (const preposition of [' on ', ' over ', ' in front of ']) expectShare(single.map(says(preposition)), 0.7 / 3);
    const triple = captions({}, [3, 3]);
    expectShare(
      triple.map(({ caption }) => caption.split(' and ').length === 2),
      0.15,
    );
    // In random order, and any of them left out.
    const distinct = triple.filter(({ scene }) => new Set(scene.objects.map(({ shape }) => shape)).size === 3);
    for (const i of [0, 1, 2]) {
      expectShare(
        distinct.map(({ scene, caption }) => caption.split(' and ')[0]!.includes(scene.objects[i]!.shape)),
        1 / 3,
      );
      expectShare(
        distinct.map(({ scene, caption }) => !caption.includes(scene.objects[i]!.shape)),
        0.05,
      );
    }
  });

  it('can name everything, or the shapes alone, or those sometimes', () => {
    const all = { colour: 1, texture: 1, background: 1, leftOut: 0 };
    for (const { scene, caption } of captions(all)) {
      const words = scene.objects.flatMap(({ colour, texture, shape }) => [colour, texture, shape]);
      for (const word of words) if (word !== 'plain') expect(caption).to.include(word);
      expect(caption).to.include(scene.background);
    }
    const alone = new RegExp(`^a ${any(sceneShapes)}(?: and a ${any(sceneShapes)}){0,2}$`);
    for (const { caption } of captions({ shapeAlone: 1 })) expect(caption).to.match(alone);
    expectShare(
      captions({ ...all, shapeAlone: 0.4 }).map(({ caption }) => alone.test(caption)),
      0.4,
    );
  });

  it('is drawn anew by number, the same for the same number, and worded alike for twins', () => {
    const scene = sceneAt(5, 9, { objects: [3, 3] });
    const draws = Array.from({ length: 40 }, (_, draw) => sceneCaption(scene, draw));
    expect(draws.map((_, draw) => sceneCaption(scene, draw))).to.deep.equal(draws);
    expect(new Set(draws).size).to.be.above(25);
    const wordsOf = (caption: string) => caption.replaceAll(new RegExp(any(sceneShapes), 'g'), 'SHAPE');
    const twin = sceneAt(5, 9, { objects: [3, 3], twin: 3 });
    draws.forEach((caption, draw) => {
      expect(sceneCaption(twin, draw)).to.not.equal(caption);
      expect(wordsOf(sceneCaption(twin, draw))).to.equal(wordsOf(caption));
    });
  });

  it('refuses what is no number or no probability', () => {
    const scene = sceneAt(0, 0);
    expect(() => sceneCaption(scene, -1)).to.throw(InputError, /draw to be a whole number/);
    for (const option of ['colour', 'texture', 'background', 'leftOut', 'shapeAlone']) {
      for (const value of [-0.1, 1.1, Number.NaN]) {
        expect(() => sceneCaption(scene, 0, { [option]: value })).to.throw(
          InputError,
          `scenes: expected ${option} from 0 to 1, got ${value}`,
        );
      }
    }
  });
});
