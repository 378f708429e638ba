import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../src/errors.js';
import type { SceneOptions } from '../../src/scenes/options.js';
import { type Scene, type SceneObject, sceneAt } from '../../src/scenes/scene.js';
import {
  colourValues,
  novelPairs,
  novelShapes,
  sceneBackgrounds,
  sceneColours,
  sceneShapes,
  sceneTextures,
} from '../../src/scenes/world.js';
import { expectClose } from '../goldens.js';

const many = 6000;
const scenes = Array.from({ length: many }, (_, index) => sceneAt(11, index));
const objects = scenes.flatMap(scene => scene.objects);

/** Each name comes in its share of the list, within five standard deviations of a binomial count. */
function expectShares(found: readonly string[], shares: Readonly<Record<string, number>>): void {
  for (const [name, share] of Object.entries(shares)) {
    const count = found.filter(other => other === name).length;
    const bound = 5 * Math.sqrt(found.length * share * (1 - share));
    expect(count, name).to.be.closeTo(found.length * share, bound);
  }
  const known = Object.keys(shares);
  expect(found.every(name => known.includes(name))).to.equal(true);
}

const equally = (names: readonly string[]) => Object.fromEntries(names.map(name => [name, 1 / names.length]));
const values = (of: (object: SceneObject) => number) => objects.map(of);

/** Every object lies inside the picture, and no two circles reach deeper into each other than they may. */
function expectApart({ size, objects }: Scene): void {
  objects.forEach((a, i) => {
    for (const centre of [a.x, a.y]) {
      expect(centre - a.radius).to.be.at.least(-1e-9);
      expect(centre + a.radius).to.be.at.most(size + 1e-9);
    }
    for (const b of objects.slice(0, i)) {
      const depth = a.radius + b.radius - Math.hypot(a.x - b.x, a.y - b.y);
      expect(depth).to.be.at.most(0.2 * Math.min(a.radius, b.radius) + 1e-9);
    }
  });
}

describe('sceneAt', () => {
  it('gives a scene by its numbers alone, whatever was made before', () => {
    const whole = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(whole, whole, (seed, index) => {
        const first = sceneAt(seed, index);
        sceneAt(seed, Math.max(index - 1, 0), { objects: [3, 3] });
        expect(sceneAt(seed, index)).to.deep.equal(first);
      }),
    );
    const backwards = [...scenes.keys()].reverse().map(index => sceneAt(11, index));
    expect(backwards.reverse()).to.deep.equal(scenes);
    expect(new Set(scenes.map(({ objects }) => JSON.stringify(objects))).size).to.equal(many);
  });

  it('draws everything in its share', () => {
    expectShares(
      scenes.map(({ objects }) => String(objects.length)),
      equally(['1', '2', '3']),
    );
    expectShares(
      scenes.map(({ background }) => background),
      equally(sceneBackgrounds),
    );
    expectShares(
      objects.map(({ shape }) => shape),
      equally(sceneShapes),
    );
    expectShares(
      objects.map(({ colour }) => colour),
      equally(sceneColours),
    );
    expectShares(
      objects.map(({ texture }) => texture),
      { plain: 0.55, striped: 0.15, dotted: 0.15, checkered: 0.15 },
    );
    expectShares(
      objects.map(({ colour, shape }) => `${colour} ${shape}`),
      equally(sceneColours.flatMap(colour => sceneShapes.map(shape => `${colour} ${shape}`))),
    );
    expect(sceneTextures).to.have.length(4);
  });

  it('draws numbers over their whole range and not beyond', () => {
    const expectRange = (numbers: readonly number[], least: number, most: number) => {
      const near = 0.01 * (most - least);
      expect(Math.min(...numbers)).to.be.within(least, least + near);
      expect(Math.max(...numbers)).to.be.within(most - near, most);
    };
    expectRange(
      values(object => object.rotation),
      -0.35,
      0.35,
    );
    expectRange(
      values(object => object.shade),
      0.45,
      0.55,
    );
    expectRange(
      values(object => object.radius),
      13,
      26,
    );
    expectRange(
      scenes.flatMap(({ tint }) => tint),
      -12,
      12,
    );
    const jitters = objects.flatMap(({ paint, colour }) => paint.map((value, c) => value - colourValues[colour][c]!));
    expectRange(jitters, -14, 14);
    const jitter = (c: number) => objects.filter(({ colour }) => colour === 'blue').map(({ paint }) => paint[c]!);
    expectRange(jitter(0), 36, 64);
    expect(Math.max(...objects.flatMap(({ paint }) => paint))).to.equal(255);
  });

  it('keeps objects inside the picture and apart', () => {
    for (const scene of scenes) expectApart(scene);
    const radii = fc.tuple(fc.integer({ min: 6, max: 48 }), fc.integer({ min: 6, max: 48 }));
    const counts = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }));
    const ascending = ([a, b]: [number, number]) => [Math.min(a, b), Math.max(a, b)] as const;
    fc.assert(
      fc.property(fc.nat(), radii.map(ascending), counts.map(ascending), (seed, radius, objects) => {
        const scene = sceneAt(seed, 0, { radius, objects });
        expect(scene.objects.length).to.be.within(1, objects[1]);
        for (const object of scene.objects) expect(object.radius).to.be.within(...radius);
        expectApart(scene);
      }),
    );
  });

  it('holds as many objects as asked for, fewer only where they do not fit', () => {
    const counts = (options: SceneOptions) =>
      new Set(Array.from({ length: 300 }, (_, index) => sceneAt(0, index, options).objects.length));
    expect([...counts({ objects: [3, 3] })]).to.deep.equal([3]);
    expect([...counts({ objects: [6, 6], radius: [4, 12] })]).to.deep.equal([6]);
    expect([...counts({ objects: [2, 2], radius: [44, 48] })]).to.deep.equal([1]);
  });

  it('is the same scene at every size', () => {
    for (const size of [24, 97, 480]) {
      const scaled = sceneAt(11, 5, { size });
      const scale = size / 96;
      const lengths = (scene: Scene) => scene.objects.flatMap(({ x, y, radius }) => [x, y, radius]);
      const expected = lengths(scenes[5]!).map(length => length * scale);
      expectClose(lengths(scaled), expected, { maxAbs: 1e-9 }, { name: `lengths at ${size}` });
      const rest = (scene: Scene) => scene.objects.map(({ x, y, radius, ...others }) => others);
      expect(rest(scaled)).to.deep.equal(rest(scenes[5]!));
      expect(scaled).to.deep.include({ size, background: scenes[5]!.background, tint: scenes[5]!.tint });
    }
  });

  it('has twins that differ in every shape and in nothing else', () => {
    const rest = (scene: Scene) => ({ ...scene, objects: scene.objects.map(({ shape, ...others }) => others) });
    for (const leaveOut of [undefined, 'pairs', 'shapes'] as const) {
      for (let index = 0; index < 50; index++) {
        const options = leaveOut ? { leaveOut } : {};
        const twins = Array.from({ length: 8 }, (_, twin) => sceneAt(3, index, { ...options, twin }));
        expect(twins[0]).to.deep.equal(sceneAt(3, index, options));
        for (const twin of twins) expect(rest(twin)).to.deep.equal(rest(twins[0]!));
        twins[0]!.objects.forEach((_, i) => {
          expect(new Set(twins.map(({ objects }) => objects[i]!.shape)).size).to.equal(8);
        });
      }
    }
  });

  it('leaves out what detection experiments hold out, and nothing else', () => {
    const drawn = (options: SceneOptions) => {
      const all = Array.from({ length: 3000 }, (_, index) => sceneAt(2, index, options).objects).flat();
      return new Set(all.map(({ colour, shape }) => `${colour} ${shape}`));
    };
    const pairs = novelPairs.map(pair => pair.join(' '));
    expect(new Set(pairs).size).to.equal(12);
    expect(novelPairs.filter(([, shape]) => novelShapes.includes(shape))).to.deep.equal([]);
    expect(new Set(novelPairs.map(([colour]) => colour)).size).to.equal(sceneColours.length);
    expect(new Set(novelPairs.map(([, shape]) => shape)).size).to.equal(sceneShapes.length - novelShapes.length);
    expect(drawn({}).size).to.equal(80);
    const withoutPairs = drawn({ leaveOut: 'pairs' });
    expect(withoutPairs.size).to.equal(68);
    expect(pairs.filter(pair => withoutPairs.has(pair))).to.deep.equal([]);
    const withoutShapes = [...drawn({ leaveOut: 'shapes' })];
    expect(withoutShapes).to.have.length(64);
    expect(withoutShapes.filter(name => /star|crescent/.test(name))).to.deep.equal([]);
  });

  const bad: [seed: number, index: number, options: object, says: RegExp][] = [
    [-1, 0, {}, /seed to be a whole number .* got -1$/],
    [0.5, 0, {}, /seed .* got 0\.5$/],
    [2 ** 53, 0, {}, /seed/],
    [Number.NaN, 0, {}, /seed .* got NaN$/],
    [0, 1.5, {}, /index .* got 1\.5$/],
    [0, -1, {}, /index/],
    [0, 0, { size: 0 }, /a size from 24 to 4096 pixels, got 0$/],
    [0, 0, { size: 8 }, /size/],
    [0, 0, { size: 1e6 }, /size/],
    [0, 0, { size: 96.5 }, /size/],
    [0, 0, { objects: [0, 3] }, /objects from 1 to 6, got 0,3$/],
    [0, 0, { objects: [3, 2] }, /objects .* got 3,2$/],
    [0, 0, { objects: [1, 7] }, /objects/],
    [0, 0, { radius: [2, 20] }, /radii from 3 \(3 pixels\) to 48 96ths of the side, got 2,20$/],
    [0, 0, { radius: [20, 13] }, /radii/],
    [0, 0, { radius: [13, 49] }, /radii/],
    [0, 0, { radius: [13, Number.NaN] }, /radii/],
    [0, 0, { radius: [6, 20], size: 24 }, /radii from 12 \(3 pixels\)/],
    [0, 0, { twin: 8 }, /a twin from 0 to 7, got 8$/],
    [0, 0, { leaveOut: 'colours' }, /leaveOut to be 'pairs' or 'shapes', got colours$/],
  ];
  for (const [seed, index, options, says] of bad) {
    it(`refuses seed ${seed}, index ${index}, ${JSON.stringify(options)}`, () => {
      expect(() => sceneAt(seed, index, options)).to.throw(InputError, says);
    });
  }
});
