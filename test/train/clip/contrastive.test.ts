import { expect } from 'chai';
import { compile } from '../../../src/tensor/compile.js';
import { enableGradients } from '../../../src/tensor/gradients.js';
import { lossAndGradients } from '../../../src/tensor/lossAndGradients.js';
import { unitLength } from '../../../src/tensor/ops/unitLength.js';
import {
  exp,
  gather,
  matMul,
  mul,
  scalar,
  type Tensor,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
} from '../../../src/tensor/tfjs.js';
import { contrastiveLoss } from '../../../src/train/clip/contrastive.js';
import { useEngine, withoutLeak } from '../../engine.js';
import { expectClose } from '../../goldens.js';
import { numbers, tensorOf } from '../numbers.js';

const torch = numbers.contrastive;

interface Inputs {
  readonly images: Tensor2D;
  readonly texts: Tensor2D;
  readonly logScale: Tensor;
}

const compare = ({ images, texts, logScale }: Inputs) =>
  contrastiveLoss(unitLength(images), unitLength(texts), exp(logScale));

const inputs = (): Inputs => ({
  images: tensorOf(torch.images),
  texts: tensorOf(torch.texts),
  logScale: scalar(torch.logScale),
});

const rounding = { maxAbs: 2e-6, relative: 1e-5 };

const whole = (images: Tensor2D, texts: Tensor2D, logScale: Tensor) => {
  const { loss, gradients } = lossAndGradients(given => compare(given).loss, { images, texts, logScale });
  return { loss, accuracy: compare({ images, texts, logScale }).accuracy, gradients };
};

describe('contrastiveLoss', () => {
  before(useEngine);
  before(enableGradients);

  it('is that of PyTorch, with its gradients, eagerly', () =>
    withoutLeak(() => {
      tidy(() => {
        const { images, texts, logScale } = inputs();
        const { loss, accuracy, gradients } = whole(images, texts, logScale);
        expectClose(loss.dataSync(), [torch.loss], rounding);
        expect(accuracy.dataSync()[0]).to.be.closeTo(torch.accuracy, 1e-6);
        expect(torch.accuracy).to.be.within(0.1, 0.9);
        expectClose(gradients.images.dataSync(), torch.gradients.images.data, rounding);
        expectClose(gradients.texts.dataSync(), torch.gradients.texts.data, rounding);
        expectClose(gradients.logScale.dataSync(), [torch.gradients.logScale], rounding);
      });
    }));

  it('is the same compiled, for any batch', async () => {
    const run = await compile(whole, [{ shape: ['batch', 4] }, { shape: ['batch', 4] }, { shape: [] }], { threads: 1 });
    const { images, texts, logScale } = torch;
    const values = ({ data, shape }: typeof images) => ({ data: Float32Array.from(data), shape });
    const scale = { data: Float32Array.of(logScale), shape: [] };
    const done = await run(values(images), values(texts), scale);
    expectClose(done.loss.data, [torch.loss], rounding);
    expectClose(done.accuracy.data, [torch.accuracy], rounding);
    expectClose(done.gradients.images.data, torch.gradients.images.data, rounding);
    expectClose(done.gradients.texts.data, torch.gradients.texts.data, rounding);
    expectClose(done.gradients.logScale.data, [torch.gradients.logScale], rounding);
    const one = { data: Float32Array.of(1, 2, 3, 4), shape: [1, 4] };
    expectClose((await run(one, one, scale)).loss.data, [0], { maxAbs: 1e-6 });
    await run.dispose();
  });

  it('is the same whether an image shall pick its own caption or any that is equal; either is a hit', () =>
    tidy(() => {
      const { images, texts, logScale } = inputs();
      const n = images.shape[0];
      const captions = Array.from({ length: n }, (_, i) => (i < 3 ? 0 : i));
      const ids = tensor2d(
        captions.flatMap(caption => [7, caption, 8]),
        [n, 3],
        'int32',
      );
      const [image, text] = [unitLength(images), unitLength(gather(texts, tensor1d(captions, 'int32')))];
      const { loss, accuracy } = contrastiveLoss(image, text, exp(logScale), ids);

      const logits = mul<Tensor2D>(matMul(image, text, false, true), exp(logScale)).arraySync();
      const crossEntropy = (row: number[], i: number) => {
        const right = captions.flatMap((caption, j) => (caption === captions[i] ? [j] : []));
        const whole = Math.log(row.reduce((total, value) => total + Math.exp(value), 0));
        return right.reduce((total, j) => total + (whole - row[j]!) / right.length, 0);
      };
      const columns = logits.map((_, j) => logits.map(row => row[j]!));
      const both = [...logits.map(crossEntropy), ...columns.map(crossEntropy)];
      expectClose(loss.dataSync(), [both.reduce((a, b) => a + b) / both.length], rounding);
      const hits = logits.map((row, i) => captions[row.indexOf(Math.max(...row))] === captions[i]);
      expectClose(accuracy.dataSync(), [hits.filter(Boolean).length / n], rounding);
      expect(accuracy.dataSync()[0]).to.be.above(contrastiveLoss(image, text, exp(logScale)).accuracy.dataSync()[0]!);
    }));

  it('has the gradients that finite differences show', () => {
    const lossAt = (change: (data: number[]) => void, of: 'images' | 'texts') => {
      const moved = { ...torch[of], data: [...torch[of].data] };
      change(moved.data);
      return tidy(() => compare({ ...inputs(), [of]: tensorOf(moved) }).loss.dataSync()[0]!);
    };
    tidy(() => {
      const { images, texts, logScale } = inputs();
      const { gradients } = whole(images, texts, logScale);
      const step = 1e-2;
      for (const of of ['images', 'texts'] as const) {
        const differences = torch[of].data.map((_, i) => {
          const up = lossAt(data => (data[i]! += step), of);
          const down = lossAt(data => (data[i]! -= step), of);
          return (up - down) / (2 * step);
        });
        // The third derivative times step^2 / 6, at a scale of 22, and rounding over the step.
        expectClose(gradients[of].dataSync(), differences, { maxAbs: 2e-2 });
      }
    });
  });

  it('bears cosines of -1 and 1 at the largest scale', () => {
    tidy(() => {
      const images = tensor2d([1, 0, 0, 1], [2, 2]);
      const away = tensor2d([-1, 0, 0, -1], [2, 2]);
      expectClose(contrastiveLoss(images, images, scalar(100)).loss.dataSync(), [0], { maxAbs: 1e-6 });
      expectClose(contrastiveLoss(images, away, scalar(100)).loss.dataSync(), [100], { maxAbs: 1e-4 });
      expect(contrastiveLoss(images, away, scalar(100)).accuracy.dataSync()[0]).to.equal(0);
    });
  });
});
