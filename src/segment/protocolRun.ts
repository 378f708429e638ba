/** What a protocol makes of a picture's windows, before the network and after it. */
import { checkAttention, type ImageConfig } from '../model/config.js';
import { byTurns } from '../turns.js';
import { type LabelMap, labelSteps } from './dense/labels.js';
import type { DenseLogits } from './dense/logits.js';
import { stitch, type WindowLogits } from './dense/stitch.js';
import type { Protocol } from './protocols.js';
import type { Vocabulary } from './vocabulary.js';

/**
 * Refuses windows of too many patches before a photo is resized to hold them.
 * @param window side of a window in pixels; 0: no windows
 * @param size of the picture that they are cut from, height first
 */
export function checkWindow(
  where: string,
  config: ImageConfig,
  window: number,
  [height, width]: readonly [height: number, width: number],
  mend: string,
): void {
  const patches = (side: number) => Math.ceil((window > 0 ? Math.min(window, side) : side) / config.patch);
  checkAttention(where, config, 1, { rows: patches(height), columns: patches(width) }, mend);
}

/** The logits of a photo's pixels out of those of its windows. */
export function stitched(
  windows: WindowLogits[],
  input: { readonly height: number; readonly width: number },
  [height, width]: readonly [height: number, width: number],
  queries: number,
  { window, wholeImage, padding }: Pick<Protocol, 'window' | 'wholeImage' | 'padding'>,
): DenseLogits {
  const output = { queries, outputHeight: height, outputWidth: width };
  if (window === 0 && wholeImage === 'to-photo' && padding === 'drop') {
    const whole = { ...windows[0]!, y1: 0, x1: 0, y2: height, x2: width };
    return stitch({ ...output, windows: [whole], inputHeight: height, inputWidth: width });
  }
  return stitch({ ...output, windows, inputHeight: input.height, inputWidth: input.width });
}

/** Labels by a protocol's scale and thresholds; the background is the class called so, or else the first. The event loop turns. */
export function labelsBy(
  { scale, probThreshold, areaThreshold }: Pick<Protocol, 'scale' | 'probThreshold' | 'areaThreshold'>,
  { classes, classOfQuery }: Vocabulary,
  dense: DenseLogits,
): Promise<LabelMap> {
  const background = classes.findIndex(({ name }) => name.toLowerCase() === 'background');
  const options = { scale, probThreshold, areaThreshold, classOfQuery, classes: classes.length };
  return byTurns(labelSteps(dense, { ...options, background: Math.max(background, 0) }));
}
