import { loadClip } from '../../checkpoint/loadClip.js';
import type { LabelledImage } from '../../evaluate/datasets/dataset.js';
import { imageCounts } from '../../evaluate/metrics/imageCounts.js';
import type { EvaluationPlan } from '../../evaluate/plan.js';
import { type OpenPlan, openPlan } from '../../evaluate/run/openPlan.js';
import { patchCosines, patchesOf } from '../../segment/cosines.js';
import { labelMap } from '../../segment/dense/labels.js';
import { stitch } from '../../segment/dense/stitch.js';
import type { DenseRun, WindowBatch } from '../../segment/denseRun.js';
import { photoPlanes } from '../../segment/input.js';
import { windowLogits } from '../../segment/windowRuns.js';
import { compile } from '../../tensor/compile.js';
import { startEngine } from '../../tensor/engine.js';
import type { Pixels, Tensor2D, Tokens } from '../../tensor/tfjs.js';
import { normal } from '../random.js';
import { unitRows } from '../statistics.js';
import type { Work } from './work.js';

/** What an image goes through, in order. */
export const stages = ['decode', 'resize', 'encode', 'head', 'upsample', 'count'] as const;
export type Stage = (typeof stages)[number];

export interface EvaluateStageGiven {
  /** Its first method is run, by sliding windows. */
  readonly plan: EvaluationPlan;
  readonly stage: Stage;
}

/** One stage of `evaluate` over all images; what comes before it is done beforehand, or made up. */
export async function evaluateStage({ plan, stage }: EvaluateStageGiven): Promise<Work> {
  const open = await openPlan(plan);
  const indices = Array.from({ length: open.images }, (_, index) => index);
  const decoded = () => Promise.all(indices.map(index => open.dataset.read(index)));
  const images = stage === 'decode' ? [] : await decoded();
  const ready: Record<Stage, () => Work | Promise<Work>> = {
    decode: () => async () => (await decoded()).at(-1)!.labels,
    resize: () => resizing(open, images),
    encode: () => encoding(open, images),
    head: () => heading(open, images),
    upsample: () => upsampling(open, images),
    count: () => counting(open, images),
  };
  return ready[stage]();
}

const resizedBy =
  ({ methods, model }: OpenPlan) =>
  ({ picture }: LabelledImage) =>
    photoPlanes(picture, methods[0]!.protocol, model.preprocessor);

function resizing(open: OpenPlan, images: readonly LabelledImage[]): Work {
  const resized = resizedBy(open);
  return async () => images.map(image => resized(image).values).at(-1)!;
}

/** The windows of all images, batch by batch, and each image with the cosines of its windows, which are made up. */
async function cut(open: OpenPlan, images: readonly LabelledImage[]) {
  const { protocol, vocabulary } = open.methods[0]!;
  const { embedding, image: config } = open.model.config;
  const queries = vocabulary.queries.length;
  const texts = { count: queries, width: embedding, values: unitRows(normal(queries * embedding, 3), embedding) };
  const batches: WindowBatch[] = [];
  const run: DenseRun = {
    reads: { states: [], patterns: [] },
    async cosines(batch) {
      batches.push(batch);
      const { rows, columns } = batch.grid;
      const count = batch.windows.length * queries * rows * columns;
      const data = normal(count, batches.length).map(value => 0.25 + 0.02 * value);
      return [{ data, shape: [batch.windows.length, queries, rows * columns] }];
    },
    prefix: async () => [],
    cosinesFrom: async () => [],
    dispose: async () => {},
  };
  const resized = resizedBy(open);
  const pictures = [];
  for (const image of images) {
    const planes = resized(image);
    const [windows] = await windowLogits(run, config!, planes, texts, protocol);
    pictures.push({ ...image, planes, windows: windows! });
  }
  return { batches, pictures };
}

/** The image tower, with the method's last block. */
async function encoding(open: OpenPlan, images: readonly LabelledImage[]): Promise<Work> {
  const { model, threads, quantize } = open.plan;
  const { variant, protocol } = open.methods[0]!;
  const { batches } = await cut(open, images);
  const clip = await loadClip(model, { towers: ['image'], weights: 'file' });
  const tokens = await compile(
    (pixels: Pixels) => clip.variants(pixels, [variant], { positions: protocol.positions })[0]!.tokens,
    [{ shape: ['batch', 3, 'height', 'width'] }],
    { ...(threads && { threads }), ...(quantize && { quantize }) },
  );
  return async () => {
    let last = new Float32Array();
    for (const { pixels } of batches) last = (await tokens(pixels)).data as Float32Array<ArrayBuffer>;
    return last;
  };
}

/** Cosines of patches with names. */
async function heading(open: OpenPlan, images: readonly LabelledImage[]): Promise<Work> {
  const { embedding } = open.model.config;
  const { threads } = open.plan;
  await startEngine('cpu');
  const { batches } = await cut(open, images);
  const cosines = await compile(
    (tokens: Tokens, texts: Tensor2D) => patchCosines(patchesOf(tokens), texts),
    [{ shape: ['batch', 'tokens', embedding] }, { shape: [embedding, 'queries'] }],
    { ...(threads && { threads }) },
  );
  const inputs = batches.map(({ windows, grid }) => {
    const shape = [windows.length, 1 + grid.rows * grid.columns, embedding];
    return {
      data: normal(
        shape.reduce((product, axis) => product * axis),
        5,
      ),
      shape,
    };
  });
  return async () => {
    let last = new Float32Array();
    for (const [i, { texts }] of batches.entries()) {
      last = (await cosines(inputs[i]!, texts)).data as Float32Array<ArrayBuffer>;
    }
    return last;
  };
}

/** From cosines of windows to a label for every pixel of the photo. */
async function upsampling(open: OpenPlan, images: readonly LabelledImage[]): Promise<Work> {
  const { protocol, vocabulary } = open.methods[0]!;
  const { pictures } = await cut(open, images);
  const { queries, classOfQuery, classes } = vocabulary;
  const labelled = ({ picture, planes, windows }: (typeof pictures)[number]) => {
    const dense = stitch({
      windows,
      queries: queries.length,
      inputHeight: planes.height,
      inputWidth: planes.width,
      outputHeight: picture.height,
      outputWidth: picture.width,
    });
    return labelMap(dense, { ...protocol, classOfQuery, classes: classes.length }).labels;
  };
  return async () => pictures.map(labelled).at(-1)!;
}

/** Pairs of classes and boundary regions; the prediction is the truth of another image. */
function counting({ dataset }: OpenPlan, images: readonly LabelledImage[]): Work {
  return async () => {
    const counts = images.map(({ labels, picture: { height, width } }, i) =>
      imageCounts(labels, images.at(i - 1)!.labels, { classes: dataset.classes.length, height, width }),
    );
    return Float32Array.from(counts.at(-1)!.pairs);
  };
}
