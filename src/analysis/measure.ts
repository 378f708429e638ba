/** Studies over a labelled data set: every image once, every window once, for all of them. */
import { InputError } from '../errors.js';
import { countPixels, emptyConfusion, scoresOf } from '../evaluate/confusion.js';
import type { Dataset, LabelledImage } from '../evaluate/datasets/dataset.js';
import {
  type MethodRecord,
  type MethodTarget,
  type ResolvedMethod,
  resolveMethod,
} from '../evaluate/methods/resolve.js';
import type { Picture } from '../image/picture.js';
import type { ImageConfig } from '../model/config.js';
import { checkWhole } from '../segment/dense/checks.js';
import type { LabelMap } from '../segment/dense/labels.js';
import type { DenseRun } from '../segment/denseRun.js';
import { photoPlanes } from '../segment/input.js';
import { checkWindow, labelsBy, stitched } from '../segment/protocolRun.js';
import { promptsFor, type SegmentingClip } from '../segment/segmenter.js';
import { type TextFeatures, textFeatures } from '../segment/textFeatures.js';
import { windowLogits } from '../segment/windowRuns.js';
import { engineRunner, type Runner } from '../tensor/runner.js';
import { byTurns } from '../turns.js';
import { drawParts, type LabelledPicture } from './draw/labelMaps.js';
import { joinNeeds, openInstrument } from './instrument.js';
import { type Setting, settingName } from './settings.js';
import type { SettingScores, Study, Tables } from './study.js';

/** How a data set is gone through. */
export interface MeasureOptions {
  /** What tables call the model. */
  readonly model?: string;
  /** What computes; default: the engine that is active. */
  readonly runner?: Runner;
  /** Only the first so many images. */
  readonly limit?: number;
  /** Features of the vocabulary's names, where they have been computed before. */
  readonly texts?: TextFeatures;
  /** Called at the start and after each image. */
  readonly onImage?: (done: number, total: number) => void;
}

/** What one model showed. */
export interface Measured {
  readonly model: string;
  readonly dataset: string;
  readonly images: number;
  readonly windows: number;
  /** Whose sizes, windows, names, prompts and thresholds all settings ran with: ClearCLIP's for the data set. */
  readonly protocol: MethodRecord;
  /** Each study's lists, by its name. */
  readonly tables: Readonly<Record<string, Tables>>;
  /** Label maps of the first images, of the studies that have some, by the study's name. */
  readonly pictures: Readonly<Record<string, Picture>>;
}

/** Images whose label maps are drawn. */
const drawnImages = 4;

/** Names, sizes and prompts of ClearCLIP's protocol for a data set and a model. @throws InputError as `resolveMethod` */
export const studyProtocol = (dataset: Dataset, model: MethodTarget): Promise<ResolvedMethod> =>
  resolveMethod({ label: 'analyze', method: 'clearclip' }, dataset, model);

/**
 * Runs studies on one model over a data set. Sizes, windows, names and prompts are those of ClearCLIP's published code;
 * each window of an image is one run of the tower, and what is seen there is summed up and forgotten. Norms and all other
 * sums are over the patches of all windows; scores are mmsegmentation's, over the pixels of all images.
 *
 * @throws InputError for no studies, a data set without images, an image that cannot be read, or a model without an
 *   image tower
 */
export async function measure(
  clip: SegmentingClip,
  dataset: Dataset,
  studies: readonly Study[],
  { model = 'model', runner = engineRunner, limit, texts: known, onImage }: MeasureOptions = {},
): Promise<Measured> {
  if (!clip.config.image) throw new InputError(`analyze: expected a model with an image tower; '${model}' has none`);
  if (studies.length === 0) throw new InputError('analyze: expected at least one study, got none');
  if (dataset.ids.length === 0) throw new InputError(`${dataset.spec}: expected labelled images there, found none`);
  if (limit !== undefined) checkWhole(limit, 'analyze: limit', 1);
  const { protocol, vocabulary, record } = await studyProtocol(dataset, { ...clip, settings: clip.settings ?? {} });
  const config = clip.config.image;
  const total = Math.min(limit ?? dataset.ids.length, dataset.ids.length);
  const texts = known ?? (await textFeatures(clip, vocabulary.queries, promptsFor(clip, protocol), { runner }));

  const open = studies.map(study => ({ study, reducer: study.open(config), drawn: [] as LabelledPicture[] }));
  const needs = joinNeeds(studies.map(study => study.needs(config)));
  const confusions = needs.scores.map(() => emptyConfusion(dataset.classes.length));
  let [windows, image, window] = [0, '', 0];
  const run = await openInstrument(clip, needs, protocol.positions, runner, (grid, values) => {
    for (const { reducer } of open) reducer.add({ image, window, grid, values });
    window++;
  });
  try {
    onImage?.(0, total);
    for (let index = 0; index < total; index++) {
      const labelled = await dataset.read(index);
      [image, window] = [labelled.id, 0];
      const maps = await labelMaps(clip, run, config, { protocol, vocabulary }, labelled.picture, texts);
      windows += window;
      for (const [s, { labels }] of maps.entries()) countPixels(confusions[s]!, labelled.labels, labels);
      if (index < drawnImages)
        for (const one of open) one.drawn.push(...pictured(one.study, needs.scores, labelled, maps));
      onImage?.(index + 1, total);
    }
  } finally {
    await run.dispose();
  }

  const pictures: Record<string, Picture> = {};
  for (const { study, drawn } of open) {
    if (drawn.length > 0) pictures[study.name] = await byTurns(drawParts(drawn, dataset.classes));
  }
  const scores = new Map(needs.scores.map((setting, s) => [settingName(setting), scored(confusions[s]!)]));
  const scoreOf = (setting: Setting): SettingScores => scores.get(settingName(setting))!;
  return {
    model,
    dataset: dataset.spec,
    images: total,
    windows,
    protocol: record,
    tables: Object.fromEntries(open.map(({ study, reducer }) => [study.name, reducer.tables(scoreOf)])),
    pictures,
  };
}

/** A label map for every setting. */
async function labelMaps(
  clip: SegmentingClip,
  run: DenseRun,
  config: ImageConfig,
  { protocol, vocabulary }: Pick<ResolvedMethod, 'protocol' | 'vocabulary'>,
  picture: Picture,
  texts: TextFeatures,
): Promise<LabelMap[]> {
  const planes = photoPlanes(picture, protocol, clip.preprocessor);
  const size = [planes.height, planes.width] as const;
  checkWindow('analyze', config, protocol.window, size, 'give the model a smaller window');
  await planes.make();
  const found = await windowLogits(run, config, planes, texts, protocol);
  const photo = [picture.height, picture.width] as const;
  const maps: LabelMap[] = [];
  for (const windows of found) {
    maps.push(await labelsBy(protocol, vocabulary, stitched(windows, planes, photo, texts.count, protocol)));
  }
  return maps;
}

/** What a study draws of an image. */
function pictured(
  { pictures = [] }: Study,
  scores: readonly Setting[],
  { id, picture, labels }: LabelledImage,
  maps: readonly LabelMap[],
): LabelledPicture[] {
  if (pictures.length === 0) return [];
  const names = scores.map(settingName);
  const found = pictures.map(({ title, setting }) => ({
    title,
    labels: maps[names.indexOf(settingName(setting))]!.labels,
  }));
  return [{ id, picture, maps: [{ title: 'labels', labels }, ...found] }];
}

function scored(confusion: Parameters<typeof scoresOf>[0]): SettingScores {
  const { mIoU, mAcc, aAcc } = scoresOf(confusion);
  const known = (score: number) => (Number.isNaN(score) ? null : score);
  return { mIoU: known(mIoU), mAcc: known(mAcc), aAcc: known(aAcc) };
}
