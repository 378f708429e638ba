import { resolve } from 'node:path';
import { expect } from 'chai';
import { portable } from '../../../src/evaluate/queue/portable.js';
import { stubPlan } from './stub.js';

describe('a plan that travels', () => {
  const { plan } = stubPlan(['a'], 1);

  it('has whole paths, and no threads', () => {
    const prefixCache = { path: 'not-there-yet', bytes: 1 };
    const sent = portable({
      ...plan,
      dataset: 'voc21:test',
      model: './src',
      classesFile: 'names.txt',
      prefixCache,
      threads: 3,
    });
    expect(sent).to.deep.equal({
      ...plan,
      dataset: `voc21:${resolve('test')}`,
      model: resolve('src'),
      classesFile: resolve('names.txt'),
      prefixCache: { path: resolve('not-there-yet'), bytes: 1 },
    });
  });

  for (const dataset of ['scenes:seed=1,n=4', 'scenes:', 'voc21:C:/data', 'voc21:/no/such/folder']) {
    it(`leaves '${dataset}' and the id of a hub as they are`, () => {
      const asked = { ...plan, dataset, model: 'openai/clip-vit-base-patch16' };
      expect(portable(asked)).to.deep.equal(asked);
    });
  }
});
