import {
  add,
  argMax,
  cast,
  div,
  equal,
  exp,
  floor,
  gather,
  log,
  matMul,
  max,
  mean,
  mul,
  range,
  reshape,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from '../../tensor/tfjs.js';

/** What comparing a batch of images with its captions gives; scalars. */
export interface Contrast {
  readonly loss: Tensor;
  /** Share of images whose own caption, or one equal to it, is the nearest of the batch. */
  readonly accuracy: Tensor;
}

/** The largest factor of cosines, which CLIP's logit scale is held below (Radford et al. 2021, section 2.5). */
export const mostScale = 100;

/**
 * CLIP's symmetrical loss (Radford et al. 2021, figure 3): the mean cross-entropy of picking each image's caption out of
 * the batch and each caption's image, by softmax over the cosines times `scale`. Captions that are equal have equal
 * embeddings, so that it makes no difference to the loss whether an image shall pick its own or any of them alike
 * (UniCL, Yang et al. 2022, equation 3); it does to `accuracy`.
 * @param images unit-length embeddings, `[batch, embedding]`
 * @param texts of their captions, in the same order
 * @param scale a scalar
 * @param ids of the captions, `[batch, tokens]`, rows equal where captions are; without them all captions differ
 */
export function contrastiveLoss(images: Tensor2D, texts: Tensor2D, scale: Tensor, ids?: Tensor2D): Contrast {
  const logits = mul<Tensor2D>(matMul(images, texts, false, true), scale); // [image, text]
  const own = mul<Tensor1D>(sum<Tensor1D>(mul(images, texts), 1), scale); // [batch]
  const byImage = sub(logSumExp(logits, 1), own);
  const byText = sub(logSumExp(logits, 0), own);
  const nearest = argMax<Tensor1D>(logits, 1);
  const order = range(0, images.shape[0], 1, 'int32');
  const hits = ids ? equalRows(ids, gather(ids, nearest)) : cast(equal(nearest, order), 'float32');
  return { loss: mul(add(mean(byImage), mean(byText)), 0.5), accuracy: mean(hits) };
}

/** 1 for each row of a matrix that is the same as that of the other, else 0. */
const equalRows = (a: Tensor2D, b: Tensor2D): Tensor => floor(div(sum(cast(equal(a, b), 'float32'), 1), a.shape[1]));

/** `log(sum(exp(x)))` along one axis of a matrix, the largest taken out first so that no power overflows. */
function logSumExp(x: Tensor2D, axis: 0 | 1): Tensor1D {
  const most = max<Tensor2D>(x, axis, true);
  const rest = log(sum<Tensor1D>(exp(sub(x, most)), axis));
  return add<Tensor1D>(reshape<Tensor1D>(most, [most.size]), rest);
}
