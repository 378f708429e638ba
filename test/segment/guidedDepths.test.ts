import { expect } from 'chai';
import { averagedBlocks } from '../../src/segment/resclip/settings.js';
import { scClipBlocks } from '../../src/segment/scclip/settings.js';

describe('blocks that ResCLIP and SC-CLIP read, by the depth of the tower', () => {
  it('are the published ones', () => {
    expect(averagedBlocks(12)).to.deep.equal({ start: 5, end: 9 });
    expect(scClipBlocks(12)).to.deep.equal({ similarity: 8, aggregation: 3, sum: { start: 3, end: 10 } });
    expect(scClipBlocks(24)).to.deep.equal({ similarity: 16, aggregation: 6, sum: { start: 8, end: 19 } });
  });

  it('are in proportion for other depths, as for the embedded model', () => {
    expect(averagedBlocks(5)).to.deep.equal({ start: 2, end: 4 });
    expect(averagedBlocks(24)).to.deep.equal({ start: 10, end: 18 });
    expect(scClipBlocks(5)).to.deep.equal({ similarity: 3, aggregation: 1, sum: { start: 1, end: 4 } });
  });

  it('are some, in order, and before the last for every depth from two', () => {
    for (let layers = 2; layers <= 48; layers++) {
      const { similarity, aggregation, sum } = scClipBlocks(layers);
      for (const { start, end } of [averagedBlocks(layers), sum]) {
        expect(start, String(layers)).to.be.within(0, end - 1);
        expect(end, String(layers)).to.be.at.most(layers - 1);
      }
      expect(similarity, String(layers)).to.be.within(aggregation, layers - 2);
      expect(aggregation).to.be.at.least(0);
    }
  });
});
