import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { sceneFormats, type WriteScenesOptions, writeScenes } from '../../../src/scenes/layouts/index.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { unprivileged } from '../../unprivileged.js';
import { contents } from './readers.js';

const few = { count: 3, seed: 8, scene: { size: 32 } } as const;

/** The InputError's message; fails for any other end. */
async function refusal(folder: string, options: object): Promise<string> {
  try {
    await writeScenes(folder, options as WriteScenesOptions);
  } catch (error) {
    expect(error).to.be.instanceOf(InputError);
    expect((error as Error).message).to.not.include('\n');
    return (error as Error).message;
  }
  throw new Error('writeScenes refused nothing');
}

describe('writeScenes', () => {
  for (const format of sceneFormats) {
    it(`${format}: the same files every time, in a new folder, an empty one and over its own`, () =>
      inTemporaryFolder(async dir => {
        const [first, second] = [join(dir, 'deep', 'first'), join(dir, 'second')];
        mkdirSync(second);
        const steps: [number, number][] = [];
        await writeScenes(first, { ...few, format, progress: (done, total) => steps.push([done, total]) });
        expect(steps).to.deep.equal([
          [1, 3],
          [2, 3],
          [3, 3],
        ]);
        await writeScenes(second, { ...few, format });
        expect(contents(second)).to.deep.equal(contents(first));
        // As after an interruption: some files are missing.
        for (const name of [...contents(second).keys()].filter(path => path !== 'scenes.json').slice(1, 6)) {
          rmSync(join(second, name));
        }
        await writeScenes(second, { ...few, format });
        expect(contents(second)).to.deep.equal(contents(first));
      }));
  }

  it('writes its settings, which tell two sets apart', () =>
    inTemporaryFolder(async dir => {
      await writeScenes(dir, few);
      expect(JSON.parse(readFileSync(join(dir, 'scenes.json'), 'utf8'))).to.deep.equal({
        generator: 1,
        format: 'voc',
        count: 3,
        seed: 8,
        classes: 'colours',
        scene: { size: 32, objects: [1, 3], radius: [13, 26], twin: 0 },
      });
      const before = contents(dir);
      for (const other of [
        { seed: 9 },
        { count: 4 },
        { classes: 'things' },
        { format: 'ade' },
        { scene: { size: 33 } },
      ]) {
        expect(await refusal(dir, { ...few, ...other })).to.equal(
          `${dir}: expected an empty folder, or one with scenes of the same settings; name another`,
        );
      }
      expect(contents(dir)).to.deep.equal(before);
    }));

  it('leaves a folder with anything else alone', () =>
    inTemporaryFolder(async dir => {
      writeFileSync(join(dir, 'thesis.txt'), 'mine');
      expect(await refusal(dir, few)).to.match(/expected an empty folder/);
      expect(readdirSync(dir)).to.deep.equal(['thesis.txt']);
      expect(await refusal(join(dir, 'thesis.txt'), few)).to.match(/thesis\.txt: the folder cannot be made/);
      expect(readFileSync(join(dir, 'thesis.txt'), 'utf8')).to.equal('mine');
      mkdirSync(join(dir, 'odd', 'scenes.json'), { recursive: true });
      expect(await refusal(join(dir, 'odd'), few)).to.match(/odd: expected an empty folder/);
    }));

  it('says so where it may not write', () =>
    inTemporaryFolder(async dir => {
      const folder = join(dir, 'set');
      chmodSync(dir, 0o755);
      mkdirSync(folder, { mode: 0o555 });
      await unprivileged(async () => {
        expect(await refusal(folder, few)).to.match(/scenes\.json: cannot be written: permission/i);
      });
      expect(readdirSync(folder)).to.deep.equal([]);
    }));

  const bad: [options: object, says: RegExp][] = [
    [{ count: 0 }, /expected 1 to 1000000 scenes, got 0$/],
    [{ count: 1_000_001 }, /got 1000001$/],
    [{ count: 2.5 }, /got 2\.5$/],
    [{ count: Number.NaN }, /got NaN$/],
    [{ seed: -1 }, /seed to be a whole number/],
    [{ seed: 0.5 }, /seed .* got 0\.5$/],
    [{ format: 'vok' }, /got 'vok'; did you mean voc\?$/],
    [{ format: 'toString' }, /got 'toString'; known: voc, coco, ade$/],
    [{ classes: 'shape' }, /got 'shape'; did you mean shapes\?$/],
    [{ scene: { size: 8 } }, /a size from 24 to 4096 pixels, got 8$/],
    [{ scene: { objects: [2, 1] } }, /got 2,1$/],
  ];
  for (const [options, says] of bad) {
    it(`refuses ${JSON.stringify(options)} before it makes the folder`, () =>
      inTemporaryFolder(async dir => {
        const folder = join(dir, 'set');
        expect(await refusal(folder, options)).to.match(says);
        expect(existsSync(folder)).to.equal(false);
      }));
  }
});
