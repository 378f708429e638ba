import type { BatchSource } from '../../train/task.js';
import { threadedBatches } from '../../train/threadedBatches.js';
import { type RegionPlan, scenesOf } from './batch.js';
import { pictureOrder } from './pictures.js';

/**
 * Batches of `regionBatches`, made in a thread of their own.
 * @param warn is told of pictures that cannot be read
 */
export function clipselfBatches(plan: RegionPlan, warn: (text: string) => void): BatchSource {
  const { seed, batch, pictures } = plan;
  const order = pictures && pictureOrder(pictures.files.length, batch, seed);
  return {
    ...threadedBatches({ module: new URL('./batchThread.js', import.meta.url), plan, warn }),
    describe(step) {
      if (order)
        return `pictures ${order(step)
          .map(place => pictures.files[place])
          .join(', ')}`;
      const [first, last] = scenesOf(plan, step);
      return `seed ${seed}, scenes ${first} to ${last}`;
    },
  };
}
