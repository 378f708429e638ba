import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { convertCheckpoint } from '../../src/checkpoint/convert.js';
import { describeModel, loadClip } from '../../src/checkpoint/loadClip.js';
import { useEngine } from '../engine.js';
import { rejection } from '../files/rejection.js';
import { inTemporaryFolder } from '../files/temporary.js';
import { tinyText } from './evaFolder.js';
import { leavingNothing } from './openFiles.js';

describe('attention in windows by a model’s own settings', () => {
  before(useEngine);

  const withSettings = (dir: string, settings: object): string => {
    convertCheckpoint(tinyText(), dir);
    writeFileSync(join(dir, 'clipscope.json'), JSON.stringify(settings));
    return dir;
  };
  const windows = { size: 2, global: [1, 3] };

  it('is part of what the model is, here and after it was converted', () =>
    inTemporaryFolder(dir =>
      leavingNothing(async () => {
        const [first, second] = [join(dir, '1'), join(dir, '2')];
        withSettings(first, { windows, about: 'mine' });
        convertCheckpoint(first, second);
        for (const name of [first, second]) {
          expect(describeModel(name).config.image!.windows).to.deep.equal(windows);
          const clip = await loadClip(name);
          expect(clip.config.image!.windows).to.deep.equal(windows);
          expect(clip.settings).to.deep.equal({ windows, about: 'mine' });
          clip.dispose();
          const words = await loadClip(name, { towers: ['text'] });
          expect(words.config.image).to.equal(undefined);
          words.dispose();
        }
      }),
    ));

  const wrong: [windows: object, message: string][] = [
    [{ size: 0, global: [] }, 'windows.size: '],
    [{ size: 1.5, global: [] }, 'windows.size: '],
    [{ size: 2 }, 'windows.global: '],
    [{ size: 2, global: [-1] }, 'windows.global.0: '],
    [{ size: 2, global: [0, 4] }, 'windows.global: expected blocks 0 to 3, got 4'],
    [{ size: 2, global: [], stride: 1 }, 'stride'],
  ];
  for (const [value, message] of wrong) {
    it(`refuses ${JSON.stringify(value)}`, () =>
      inTemporaryFolder(dir =>
        leavingNothing(async () => {
          expect(await rejection(loadClip(withSettings(dir, { windows: value })))).to.include(message);
        }),
      ));
  }
});
