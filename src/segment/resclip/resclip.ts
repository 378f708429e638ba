/**
 * ResCLIP (Yang et al., CVPR 2025, yvhangyang/ResCLIP), over any attention of the last block: patterns of blocks further
 * up are mixed into its own (residual cross-correlation self-attention), and its scores are drawn to the classes that a
 * first look found (semantic feedback refinement).
 */
import type { Attention } from '../../attention/attention.js';
import { qk } from '../../attention/qk.js';
import { InputError } from '../../errors.js';
import { fromFloat32, toFloat32 } from '../../files/dtype.js';
import type { ImageConfig } from '../../model/config.js';
import { type BlockRange, rangeName } from '../../model/imageTower.js';
import { joinReads, type Prefix, readsOf } from '../../model/prefix.js';
import { add, expandDims, mul, type Pattern, pad, type Tensor3D, type Tokens } from '../../tensor/tfjs.js';
import { byTurns } from '../../turns.js';
import { patchCosines, patchesOf } from '../cosines.js';
import { checkDepth, type OpenGuide } from '../guide.js';
import { feedbackMatrix } from './feedback.js';
import { patchClasses } from './patchClasses.js';
import { averagedBlocks, type Mixing, type ResClipSettings } from './settings.js';

/** ResCLIP's two looks. The first is the variant with RCS alone, the last with both. */
export const resClipGuide: OpenGuide = (clip, { guide: _, ...variant }, protocol) => {
  const settings = protocol.resclip;
  if (!settings) throw new InputError('resclip: expected a protocol with constants for ResCLIP, got none');
  const { scale } = protocol;
  const config = clip.config.image!;
  checkDepth('resclip', config);
  checkSettings(settings);
  const range = checkedRange(config, settings.blocks ?? averagedBlocks(config.layers));
  const { rcs, sfr } = settings;
  const tokens = (prefix: Prefix, mask?: Pattern): Tokens => {
    const mean = prefix.patterns[rangeName(range)]!;
    const attention = resClipAttention(variant.attention ?? qk, rcs, mean, mask && { ...sfr, mask });
    return patchesOf(clip.tails(prefix, [{ ...variant, attention }])[0]!.tokens);
  };
  return {
    reads: joinReads([readsOf(config, [variant]), { states: [], patterns: [range] }]),
    look: (prefix, texts) => patchCosines(tokens(prefix), texts),
    async decide(cosines, grid, window) {
      const { threshold, pamr } = settings;
      const steps = patchClasses(cosines, grid, window, config.patch, { scale, threshold, pamr });
      const classes = await byTurns(steps);
      return feedbackScores(feedbackMatrix(classes, grid, settings), sfr);
    },
    patches: (prefix, decided) => tokens(prefix, withClass(decided)),
  };
};

function checkSettings({ rcs, sfr, threshold }: ResClipSettings): void {
  for (const [name, { tau, lambda }] of Object.entries({ rcs, sfr })) {
    if (tau > 0 && Number.isFinite(tau) && lambda >= 0 && lambda <= 1) continue;
    throw new InputError(`resclip: ${name}: expected tau above 0 and lambda from 0 to 1, got ${tau} and ${lambda}`);
  }
  if (threshold >= 0 && threshold <= 1) return;
  throw new InputError(`resclip: expected a threshold from 0 to 1, got ${threshold}`);
}

function checkedRange({ layers }: ImageConfig, range: BlockRange): BlockRange {
  const { start, end } = range;
  if (Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start < end && end < layers) return range;
  throw new InputError(`resclip: expected blocks before the last of ${layers} to average, got ${start} to ${end - 1}`);
}

/**
 * What the feedback adds to the scores: `tau lambda B / max B`. As published, `B / max B` and its product with lambda are
 * rounded to float16, whatever the model computes in.
 */
export function feedbackScores(matrix: Float32Array, { tau, lambda }: Mixing): Float32Array {
  let most = 0;
  for (const value of matrix) most = Math.max(most, value);
  const rounded = (values: Float32Array) => toFloat32('F16', fromFloat32('F16', values));
  const share = rounded(matrix.map(value => value / most));
  return rounded(share.map(value => value * lambda)).map(value => value * tau);
}

/**
 * An attention whose pattern is mixed with a mean one, `[b, h, n, n]`, and, given `sfr`, its scores with the feedback: `mask`
 * is what that adds to them, `tau lambda B / max B`, `[b, 1, n, n]`.
 * @throws InputError, when it is run, for an attention without a pattern.
 */
export function resClipAttention(
  attention: Attention,
  rcs: Mixing,
  mean: Pattern,
  sfr: (Mixing & { mask: Pattern }) | undefined,
): Attention {
  return input => {
    let mixed = false;
    const point: typeof input.point = (name, value) => {
      if (name !== 'pattern') return input.point(name, value);
      mixed = true;
      const own = mul(value, rcs.tau * (1 - rcs.lambda));
      return input.point(name, add(own, mul(mean, rcs.tau * rcs.lambda)) as typeof value);
    };
    const scores = sfr && { scale: input.scale * sfr.tau * (1 - sfr.lambda), mask: sfr.mask };
    const z = attention({ ...input, ...scores, point });
    if (!mixed) throw new InputError('resclip: expected an attention with a pattern to mix; this one makes none');
    return z;
  };
}

/** Scores `[b, n, n]` with a row and a column of 0 for the class token in front: `[b, 1, 1 + n, 1 + n]`. */
const withClass = (scores: Tensor3D): Pattern =>
  expandDims(
    pad(scores, [
      [0, 0],
      [1, 0],
      [1, 0],
    ]),
    1,
  );
