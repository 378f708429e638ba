/** Dense maps of whole pictures by several methods, as cosines of their patches with names. */

import type { Picture } from '../../image/picture.js';
import { planesOf } from '../../image/resizing/planes.js';
import { padSquare } from '../../regions/crops.js';
import { prepareDense, wayOf } from '../../segment/denseRun.js';
import { protocolForModel } from '../../segment/input.js';
import type { Method } from '../../segment/methods.js';
import type { SegmentingClip } from '../../segment/segmenter.js';
import type { TextFeatures } from '../../segment/textFeatures.js';
import { windowLogits } from '../../segment/windowRuns.js';
import type { Runner } from '../../tensor/runner.js';

/** Methods made ready for one picture after another. */
export interface DenseMaps {
  /** For each method the cosines of the padded picture's patches, `[names, side * side]`. */
  cosines(picture: Picture): Promise<Float32Array[]>;
  dispose(): Promise<void>;
}

/**
 * Prepares methods over one shared run of the blocks before those they change. Pictures are brought to `size` by their
 * longest side and padded with black; stored positions meet that grid exactly, whatever the method.
 * @throws InputError for a method whose guide does not fit the model
 */
export async function prepareMaps(
  clip: SegmentingClip,
  methods: readonly Method[],
  size: number,
  texts: TextFeatures,
  runner: Runner,
): Promise<DenseMaps> {
  const image = clip.config.image!;
  const { rescale, mean, std } = clip.preprocessor;
  const ways = methods.map(({ variant, protocol }) =>
    wayOf(clip, variant, protocolForModel(protocol, image, clip.settings?.protocol)),
  );
  const run = await prepareDense(clip, ways, 'exact', runner);
  return {
    async cosines(picture) {
      const values = planesOf(padSquare(picture, size).picture, rescale, mean, std);
      const whole = { window: 0, stride: 0, padding: 'drop' } as const;
      const logits = await windowLogits(run, image, { values, height: size, width: size }, texts, whole);
      return logits.map(([only]) => only!.logits);
    },
    dispose: run.dispose,
  };
}
