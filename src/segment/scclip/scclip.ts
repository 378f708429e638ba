/**
 * SC-CLIP (Bai et al. 2024, SuleBai/SC-CLIP): anomalous patches are replaced by their neighbours, and patches that are
 * alike in earlier blocks share what the last block makes of them. The published code takes one image at a time; here
 * each image of a batch goes by itself.
 */
import type { Attention } from '../../attention/attention.js';
import { mix, scores, softmax } from '../../attention/parts.js';
import { InputError } from '../../errors.js';
import { block } from '../../model/block.js';
import type { Clip } from '../../model/clip.js';
import type { ImageConfig } from '../../model/config.js';
import { projectTokens } from '../../model/imageTower.js';
import { openPoints } from '../../model/points.js';
import type { Prefix } from '../../model/prefix.js';
import { unitLength } from '../../tensor/ops/unitLength.js';
import {
  add,
  cast,
  div,
  expandDims,
  greaterEqual,
  matMul,
  mean,
  mul,
  type Pattern,
  reshape,
  square,
  sub,
  sum,
  type Tensor3D,
  type Tokens,
  transpose,
} from '../../tensor/tfjs.js';
import { checkWhole } from '../dense/checks.js';
import { checkDepth, type OpenGuide } from '../guide.js';
import { localOutlierFactors, outliersOf, repairMatrix } from './outliers.js';
import { type ScClipBlocks, type ScClipSettings, scClipBlocks } from './settings.js';

/** SC-CLIP's two looks: at the patches before the last block, and through it. */
export const scClipGuide: OpenGuide = (clip, { guide: _, ...changes }, protocol) => {
  const settings = protocol.scclip;
  if (!settings) throw new InputError('scclip: expected a protocol with constants for SC-CLIP, got none');
  const [change] = Object.keys(changes);
  if (change !== undefined)
    throw new InputError(`scclip: it does the last block in its own way; leave out '${change}'`);
  const config = clip.config.image!;
  const { layers } = config;
  checkDepth('scclip', config);
  checkSettings(settings);
  const blocks = checkedBlocks(config, settings.blocks ?? scClipBlocks(layers));
  const { neighbours, contamination, beta, classWeight = layers === 24 ? 0.1 : 0.3 } = settings;
  return {
    reads: { states: [...new Set([layers - 1, ...states(blocks)])] },
    look: prefix => squaredDistances(patchesAt(prefix, layers - 1)),
    decide(distances, grid) {
      const factors = localOutlierFactors(distances, grid.rows * grid.columns, neighbours);
      return repairMatrix(grid, outliersOf(factors, contamination));
    },
    patches: (prefix, repair) => {
      const { shared } = scClipSteps(clip, prefix, repair, { beta, classWeight, blocks });
      return projectTokens(towerOf(clip), shared);
    },
  };
};

/** The states that hold the outputs of these blocks: what enters the next ones. */
const states = ({ similarity, aggregation, sum: { start, end } }: ScClipBlocks): number[] => [
  similarity + 1,
  aggregation + 1,
  ...Array.from({ length: end - start }, (_, i) => start + i + 1),
];

/** The steps of the second look, all over patches, `[b, n, w]` or `[b, n, n]`. */
export interface ScClipSteps {
  /** What enters the last block, outliers replaced. */
  readonly repaired: Tokens;
  /** Cosines of the patches of a middle block, outliers replaced. */
  readonly alike: Tensor3D;
  /** What enters the last block's normalisation: the repaired patches, shared among those that are alike. */
  readonly entering: Tokens;
  /** What the last block makes of that, and of the sum of earlier outputs, each with its class token's share. */
  readonly single: Tokens;
  readonly multi: Tokens;
  /** Both added and shared among the patches that are alike in an early block: what is normalised and projected. */
  readonly shared: Tokens;
}

/** SC-CLIP's second look, with what each step makes. `repair` is `[b, n, n]`, see `repairMatrix`. */
export function scClipSteps(
  clip: Clip,
  prefix: Prefix,
  repair: Tensor3D,
  { beta, classWeight, blocks }: Required<Pick<ScClipSettings, 'beta' | 'classWeight' | 'blocks'>>,
): ScClipSteps {
  const before = clip.config.image!.layers - 1;
  const [similarity, aggregation, ...summed] = states(blocks) as [number, number, ...number[]];
  const total = (of: (prefix: Prefix, state: number) => Tokens) =>
    summed.map(state => of(prefix, state)).reduce((a, b) => add(a, b));

  const repaired = matMul(repair, patchesAt(prefix, before)) as Tokens;
  const alike = cosines(matMul(repair, patchesAt(prefix, similarity)));
  const entering = aggregate(alike, repaired, beta);
  const last = lastBlock(clip, similarityAttention(alike), classWeight);
  const single = last(entering, classAt(prefix, before));
  const multi = last(total(patchesAt), total(classAt));
  // Sharing is linear, so that both go through it at once.
  const shared = aggregate(cosines(patchesAt(prefix, aggregation)), add(single, multi), beta);
  return { repaired, alike, entering, single, multi, shared };
}

function checkSettings({ neighbours, contamination, beta, classWeight = 0 }: ScClipSettings): void {
  checkWhole(neighbours, 'scclip: neighbours', 1);
  for (const [name, value] of Object.entries({ contamination, beta })) {
    if (!(value >= 0 && value <= 1)) throw new InputError(`scclip: expected ${name} from 0 to 1, got ${value}`);
  }
  if (!Number.isFinite(classWeight)) throw new InputError(`scclip: expected a finite class weight, got ${classWeight}`);
}

function checkedBlocks({ layers }: ImageConfig, blocks: ScClipBlocks): ScClipBlocks {
  const { similarity, aggregation, sum: range } = blocks;
  const last = Math.max(similarity, aggregation, range.end - 1);
  const whole = [similarity, aggregation, range.start, range.end].every(Number.isInteger);
  const first = Math.min(similarity, aggregation, range.start);
  if (whole && first >= 0 && range.start < range.end && last < layers - 1) return blocks;
  throw new InputError(
    `scclip: expected blocks before the last of ${layers}, got ${similarity}, ${aggregation} and ${range.start} to ${range.end - 1}`,
  );
}

const towerOf = ({ config, weights }: Clip) => ({
  config: config.image!,
  weights: weights.image!,
  points: openPoints('image', []),
});

/** A state's patches, `[b, n, w]`. */
function patchesAt(prefix: Prefix, state: number): Tokens {
  const { patches } = prefix.states[state]!;
  const [b, rows, columns, w] = patches.shape;
  return reshape(patches, [b, rows * columns, w]);
}

/** A state's class token, `[b, 1, w]`. */
const classAt = (prefix: Prefix, state: number): Tokens => expandDims(prefix.states[state]!.classToken, 1);

/** Squared distances of all patches of each image, `[b, n, n]`; centred first, for that their lengths cost digits. */
function squaredDistances(patches: Tokens): Tensor3D {
  const centred = sub(patches, mean(patches, 1, true));
  const squares = sum(square(centred), -1, true); // [b, n, 1]
  const products = matMul(centred, transpose(centred, [0, 2, 1]));
  return sub(add(squares, transpose(squares, [0, 2, 1])), mul(products, 2));
}

/** Cosines of all patches of each image, `[b, n, n]`. */
function cosines(patches: Tensor3D): Tensor3D {
  const unit = unitLength(patches);
  return matMul(unit, transpose(unit, [0, 2, 1]));
}

/** Each patch becomes the mean of those that are alike, by how much; the others, below `beta`, do not count. */
function aggregate(alike: Tensor3D, patches: Tokens, beta: number): Tokens {
  const weights = mul(alike, cast(greaterEqual(alike, beta), 'float32'));
  return matMul(div(weights, add(sum(weights, -1, true), 1e-6)), patches) as Tokens;
}

/** Far below any score: what has it gets no weight in a softmax. */
const never = -1e9;

/** Half the keys among themselves, half `softmax(3 (alike - mean))` over what is more alike than the image's mean. */
export function similarityAttention(alike: Tensor3D): Attention {
  const above = mul(sub(alike, mean(alike, [1, 2], true)), 3);
  const kept = cast(greaterEqual(above, 0), 'float32');
  const masked = add(mul(above, kept), mul(sub(1, kept), never));
  const shared = softmax(expandDims(masked, 1) as Pattern); // [b, 1, n, n]
  return ({ k, v, scale, point }) =>
    mix(point('pattern', mul(add(softmax(scores(k, k, scale)), shared), 0.5) as Pattern), v);
}

/** The last block's attention over patches alone, neither residual nor FFN, with a share of a class token added to each. */
function lastBlock(clip: Clip, attention: Attention, classWeight: number) {
  const { config, weights, points } = towerOf(clip);
  return (patches: Tokens, classToken: Tokens): Tokens => {
    const options = { attention, residual: false, ffn: false };
    const out = block(patches, weights.blocks.at(-1)!, { config }, points.point, options);
    return add(out, mul(classToken, classWeight));
  };
}
