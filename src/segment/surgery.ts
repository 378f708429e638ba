/**
 * CLIP Surgery's feature surgery (Li et al. 2023, xmed-lab/CLIP_Surgery): similarities of tokens and texts with what all
 * texts have in common taken away, for looking at one text's map. Labels come from the plain cosines instead.
 */
import { InputError } from '../errors.js';
import { resizePlanes } from './dense/bilinear.js';
import { checkWhole } from './dense/checks.js';

/** Tokens and texts of unit length. */
export interface SurgeryInput {
  /** `[tokens, width]`, class token first. */
  readonly features: Float32Array;
  /** `[classes, width]`. */
  readonly texts: Float32Array;
  readonly classes: number;
  /** Width of the joint embedding. */
  readonly width: number;
}

/** Checks lengths and gives the number of tokens. */
function countTokens(name: string, { features, texts, classes, width }: SurgeryInput): number {
  checkWhole(classes, `${name}: classes`, 1);
  checkWhole(width, `${name}: width`, 1);
  if (texts.length !== classes * width) {
    throw new InputError(
      `${name}: expected ${classes} texts x ${width} = ${classes * width} values, got ${texts.length}`,
    );
  }
  const tokens = features.length / width;
  if (!Number.isInteger(tokens) || tokens < 1) {
    throw new InputError(
      `${name}: expected features of whole tokens of ${width} values, got ${features.length} values`,
    );
  }
  return tokens;
}

/** Dot products `[tokens, classes]`. */
function similarities({ features, texts, classes, width }: SurgeryInput, tokens: number): Float64Array {
  const out = new Float64Array(tokens * classes);
  for (let i = 0; i < tokens; i++) {
    for (let c = 0; c < classes; c++) {
      let dot = 0;
      for (let e = 0; e < width; e++) dot += features[i * width + e]! * texts[c * width + e]!;
      out[i * classes + c] = dot;
    }
  }
  return out;
}

/**
 * Feature surgery over several texts: with `w_c` the class token's `softmax_c(2 F_0 . T_c)` divided by its mean,
 * `S[i, c] = w_c F_i . T_c - mean_c'(w_c' F_i . T_c')`. The closed form of the published elementwise one.
 * @returns `[tokens, classes]`.
 * @throws InputError when lengths disagree.
 */
export function featureSurgery(input: SurgeryInput): Float32Array {
  const tokens = countTokens('featureSurgery', input);
  const { classes } = input;
  const dots = similarities(input, tokens);
  const most = dots.subarray(0, classes).reduce((a, b) => Math.max(a, b));
  const exponentials = dots.slice(0, classes).map(s => Math.exp(2 * (s - most)));
  const mean = exponentials.reduce((a, b) => a + b) / classes;

  const out = new Float32Array(tokens * classes);
  for (let i = 0; i < tokens; i++) {
    const weighted = dots.subarray(i * classes, (i + 1) * classes);
    let common = 0;
    for (let c = 0; c < classes; c++) {
      weighted[c]! *= exponentials[c]! / mean;
      common += weighted[c]! / classes;
    }
    for (let c = 0; c < classes; c++) out[i * classes + c] = weighted[c]! - common;
  }
  return out;
}

/**
 * Feature surgery with a given redundant text, usually the embedding of the empty string, for a single prompt:
 * `S[i, c] = F_i . (T_c - R)`.
 * @param redundant `[width]`.
 * @returns `[tokens, classes]`.
 * @throws InputError when lengths disagree.
 */
export function redundantSurgery(input: SurgeryInput, redundant: Float32Array): Float32Array {
  const tokens = countTokens('redundantSurgery', input);
  const { texts, width } = input;
  if (redundant.length !== width) {
    throw new InputError(`redundantSurgery: expected a redundant text of ${width} values, got ${redundant.length}`);
  }
  const differences = texts.map((value, i) => value - redundant[i % width]!);
  return Float32Array.from(similarities({ ...input, texts: differences }, tokens));
}

/**
 * Pictures of similarities: the class token is cut off, each class stretched to 0..1 over the patches, and the grid
 * resized bilinearly. A class that is the same everywhere gives 0.
 * @param similarity `[1 + gridHeight * gridWidth, classes]`.
 * @returns `[classes, height, width]`.
 * @throws InputError when lengths disagree or the result would pass 2 GiB.
 */
export function similarityMaps(
  similarity: Float32Array,
  classes: number,
  [gridHeight, gridWidth]: readonly [number, number],
  [height, width]: readonly [number, number],
): Float32Array {
  checkWhole(classes, 'similarityMaps: classes', 1);
  for (const size of [gridHeight, gridWidth, height, width]) checkWhole(size, 'similarityMaps: size', 1);
  const patches = gridHeight * gridWidth;
  if (similarity.length !== (1 + patches) * classes) {
    throw new InputError(
      `similarityMaps: expected (1 + ${gridHeight} x ${gridWidth}) x ${classes} = ${(1 + patches) * classes} values, got ${similarity.length}`,
    );
  }
  const planes = new Float32Array(classes * patches);
  for (let c = 0; c < classes; c++) {
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (let i = 1; i <= patches; i++) {
      const value = similarity[i * classes + c]!;
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    const range = most - least || 1;
    for (let i = 0; i < patches; i++) planes[c * patches + i] = (similarity[(i + 1) * classes + c]! - least) / range;
  }
  return resizePlanes(planes, classes, [gridHeight, gridWidth], [height, width]);
}
