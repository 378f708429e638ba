/** How long the vectors are that a method's last block adds up: what ClearCLIP's authors looked at first. */
import { InputError } from '../../errors.js';
import type { Picture } from '../../image/picture.js';
import { preprocess } from '../../image/preprocess.js';
import type { Method } from '../../segment/methods.js';
import type { SegmentingClip } from '../../segment/segmenter.js';
import { engineRunner, type Runner } from '../../tensor/runner.js';
import type { Pixels } from '../../tensor/tfjs.js';

/** Mean L2 norms, over patches and images. */
export interface SettingNorms {
  /** The method's. */
  readonly name: string;
  /** Of what enters its last block: X_res. */
  readonly residual: number;
  /** Of what its attention makes of that: X_attn. */
  readonly attention: number;
}

/**
 * Measures each method's last block on some images, at the model's own input size; of a method with a path of its own
 * beside the stream, the last block of that path.
 * @throws InputError without pictures, or for a model without an image tower
 */
export async function settingNorms(
  clip: SegmentingClip,
  methods: readonly Method[],
  pictures: readonly Picture[],
  runner: Runner = engineRunner,
): Promise<SettingNorms[]> {
  const { image } = clip.config;
  if (!image) throw new InputError('settingNorms: expected a model with an image tower; this one has none');
  if (pictures.length === 0) throw new InputError('settingNorms: expected at least one picture, got none');
  const { imageSize, layers, width } = image;
  const norms: SettingNorms[] = [];
  for (const { name, variant, protocol } of methods) {
    const block = `${variant.path === 'side' ? 'side.' : ''}blocks.${layers - 1}`;
    const see = [`image.${block}.resid_pre`, `image.${block}.attn_out`] as const;
    const options = { last: variant, positions: protocol.positions, see };
    const look = await runner.prepare(
      (pixels: Pixels) => clip.image(pixels, options).seen,
      [{ shape: [1, 3, imageSize, imageSize] }],
    );
    const sums = [0, 0];
    for (const picture of pictures) {
      const data = preprocess(picture, clip.preprocessor);
      const seen = await look({ data, shape: [1, 3, imageSize, imageSize] });
      for (const [i, point] of see.entries()) sums[i]! += meanNorm(seen[point]!.data, width) / pictures.length;
    }
    await look.dispose();
    norms.push({ name, residual: sums[0]!, attention: sums[1]! });
  }
  return norms;
}

/** Of all tokens but the first, the class token. */
function meanNorm(values: ArrayLike<number>, width: number): number {
  let sum = 0;
  for (let token = width; token < values.length; token += width) {
    let square = 0;
    for (let i = token; i < token + width; i++) square += values[i]! ** 2;
    sum += Math.sqrt(square);
  }
  return sum / (values.length / width - 1);
}
