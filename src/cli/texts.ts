/** Text features for a command, from the cache where they are in it. */
import type { LoadedClip } from '../checkpoint/loadClip.js';
import * as texts from '../evaluate/texts.js';
import type { TextFeatures } from '../segment/textFeatures.js';
import type { Runner } from '../tensor/runner.js';
import { withProgress } from './output.js';

export { requestTexts, towersFor } from '../evaluate/texts.js';

/** The features: kept ones, or computed now, with progress, and kept for the next time. */
export const fulfilTexts = (
  clip: LoadedClip,
  runner: Runner,
  request: texts.TextRequest,
  flags: { quiet?: boolean },
): Promise<TextFeatures> =>
  withProgress('texts', flags, onProgress => texts.fulfilTexts(clip, request, { runner, onProgress }));
