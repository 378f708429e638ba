import { join } from 'node:path';
import { expect } from 'chai';
import { writeScenes } from '../../../src/scenes/layouts/index.js';
import { sceneClassNames } from '../../../src/scenes/world.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { contents, expectPicture, lines, readMap, truths } from './readers.js';

describe('scenes as ADE20K', () => {
  it('pictures, maps that count classes from 1, the table of classes', () =>
    inTemporaryFolder(async dir => {
      const all = truths(0, 5, 64, 'shapes');
      await writeScenes(dir, { count: 5, format: 'ade', classes: 'shapes', scene: { size: 64 } });
      expect(contents(dir).size).to.equal(5 * 2 + 3);
      const names = sceneClassNames('shapes');
      expect(lines(join(dir, 'classes.txt'))).to.deep.equal(names);
      const pixels = names.map(() => 0);
      const pictures = names.map(() => 0);
      for (const [i, truth] of all.entries()) {
        const id = `ADE_val_0000000${i + 1}`;
        await expectPicture(join(dir, 'images', 'validation', `${id}.jpg`), truth);
        const { data } = await readMap(join(dir, 'annotations', 'validation', `${id}.png`), 'L');
        // What `reduce_zero_label` makes of it.
        expect([...data].map(value => value - 1)).to.deep.equal([...truth.labels]);
        for (const label of truth.labels) pixels[label]!++;
        for (const label of new Set(truth.labels)) pictures[label]!++;
      }
      const [head, ...rows] = lines(join(dir, 'objectInfo150.txt')).map(line => line.split('\t'));
      expect(head).to.deep.equal(['Idx', 'Ratio', 'Train', 'Val', 'Name']);
      expect(rows).to.deep.equal(
        names.map((name, i) => [
          String(i + 1),
          (pixels[i]! / (5 * 64 * 64)).toFixed(4),
          '0',
          String(pictures[i]),
          name,
        ]),
      );
    }));
});
