import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseSettings } from '../../../src/checkpoint/settings.js';
import { writeTrainedModel } from '../../../src/cli/training/clip.js';
import { startEngine } from '../../../src/tensor/engine.js';
import { parseTrainConfig } from '../../../src/train/clip/config.js';
import { trainClip } from '../../../src/train/clip/trainClip.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { tinyJson } from '../../train/tiny.js';

describe('the model that training leaves', () => {
  before(() => startEngine('cpu'));

  it('has settings that are read back, of an odd picture too', () =>
    inTemporaryFolder(async dir => {
      const image = { ...tinyJson.model.image, patch: 9, imageSize: 27 };
      const config = parseTrainConfig({ ...tinyJson, model: { ...tinyJson.model, image } }, 'odd');
      const { state } = await trainClip(config, { folder: join(dir, 'run'), until: 1, threads: 1, warn() {} });
      const folder = join(dir, 'model');
      await writeTrainedModel(folder, config, state.weights);
      const path = join(folder, 'clipscope.json');
      const { protocol } = parseSettings(JSON.parse(readFileSync(path, 'utf8')), path);
      expect(protocol).to.deep.equal({ shortSide: 54, window: 27, stride: 13 });
    }));
});
