import {
  add,
  argMax,
  cast,
  div,
  equal,
  exp,
  expandDims,
  greaterEqual,
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
  transpose,
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
 * the batch and each caption's image, by softmax over the cosines times `scale`. Pictures whose captions are equal belong
 * to all of them alike: the caption to be picked is then each of these with the same probability (UniCL, Yang et al. 2022,
 * equation 3). Where all captions differ, this is CLIP's loss.
 * @param images unit-length embeddings, `[batch, embedding]`
 * @param texts of their captions, in the same order
 * @param scale a scalar
 * @param ids of the captions, `[batch, tokens]`, equal rows for equal captions; without them all captions differ
 */
export function contrastiveLoss(images: Tensor2D, texts: Tensor2D, scale: Tensor, ids?: Tensor2D): Contrast {
  const logits = mul<Tensor2D>(matMul(images, texts, false, true), scale); // [image, text]
  if (!ids) {
    const own = mul<Tensor1D>(sum<Tensor1D>(mul(images, texts), 1), scale); // [batch]
    const hits = equal(argMax(logits, 1), range(0, images.shape[0], 1, 'int32'));
    return { loss: symmetrical(logits, own, own), accuracy: mean(cast(hits, 'float32')) };
  }
  const tokens = sum(cast(equal(expandDims(ids, 1), expandDims(ids, 0)), 'float32'), 2); // those that agree
  const alike = cast<Tensor2D>(equal(tokens, ids.shape[1]), 'float32'); // [image, text], symmetrical
  const share = div<Tensor2D>(alike, sum(alike, 1, true));
  const [ofImage, ofText] = [sum<Tensor1D>(mul(logits, share), 1), sum<Tensor1D>(mul(logits, transpose(share)), 0)];
  const hits = max(mul(alike, cast(greaterEqual(logits, max(logits, 1, true)), 'float32')), 1);
  return { loss: symmetrical(logits, ofImage, ofText), accuracy: mean(hits) };
}

/** Mean cross-entropy by rows and by columns, given the logits of what is to be picked in each. */
function symmetrical(logits: Tensor2D, ofImage: Tensor1D, ofText: Tensor1D): Tensor {
  const byImage = sub(logSumExp(logits, 1), ofImage);
  const byText = sub(logSumExp(logits, 0), ofText);
  return mul(add(mean(byImage), mean(byText)), 0.5);
}

/** `log(sum(exp(x)))` along one axis of a matrix, the largest taken out first so that no power overflows. */
function logSumExp(x: Tensor2D, axis: 0 | 1): Tensor1D {
  const most = max<Tensor2D>(x, axis, true);
  const rest = log(sum<Tensor1D>(exp(sub(x, most)), axis));
  return add<Tensor1D>(reshape<Tensor1D>(most, [most.size]), rest);
}
