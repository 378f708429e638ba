import { expect } from 'chai';
import { openChannels } from '../../../src/analysis/reduce/channels.js';

describe('channel sums', () => {
  it('are over all windows, by hand', () => {
    const sums = openChannels(2);
    // Patches (1, -2), (3, -6), then (2, 1).
    sums.add({ sum: [4, -8], squares: [10, 40], highest: [3, -2], lowest: [1, -6] }, 2);
    sums.add({ sum: [2, 1], squares: [4, 1], highest: [2, 1], lowest: [2, 1] }, 1);
    expect(sums.channels()).to.deep.equal([
      { channel: 0, mean: 2, largest: 3, share: 14 / 55 },
      { channel: 1, mean: -7 / 3, largest: -6, share: 41 / 55 },
    ]);
  });
});
