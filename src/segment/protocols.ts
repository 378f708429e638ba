/**
 * The published constants of each method around its attention: sizes, windows, scales, thresholds, prompts. They are
 * stated for models with 224-pixel inputs; `scaleProtocol` (protocolSizes.ts) carries them to others.
 */
import { InputError, suggestion } from '../errors.js';
import { quoted } from '../files/quote.js';
import type { PamrOptions } from './dense/pamr.js';
import { imagenetPixels, type PixelScale } from './pixelScales.js';
import type { TemplateSet } from './prompts.js';
import { type ResClipSettings, resClipSettings } from './resclip/settings.js';
import type { ScClipSettings } from './scclip/settings.js';

/** Methods that have a protocol. */
export const methodNames = [
  'clip',
  'maskclip',
  'sclip',
  'clearclip',
  'naclip',
  'gem',
  'clipsurgery',
  'resclip',
  'scclip',
  'clipself',
] as const;

/** The name of a method. */
export type MethodName = (typeof methodNames)[number];

/** Data sets that the methods were published on. */
export const publishedDatasets = [
  'voc21',
  'context60',
  'coco-object',
  'voc20',
  'context59',
  'coco-stuff',
  'cityscapes',
  'ade20k',
] as const;

/** The name of a data set. */
export type PublishedDataset = (typeof publishedDatasets)[number];

/** What differs between data sets. */
export interface ProtocolSettings {
  /** The image's short side is resized to this, in pixels; both sides with `resize: 'squash'`. */
  readonly shortSide: number;
  /** Unless that makes the long side exceed this; then the long side is. */
  readonly longSide: number;
  /** Side of the sliding window in pixels; 0: no windows, the whole resized image. */
  readonly window: number;
  /** Pixels from window to window. */
  readonly stride: number;
  /** Cosines are multiplied by this before the softmax. */
  readonly scale: number;
  /** Pixels of smaller probability become background; 0: none. */
  readonly probThreshold: number;
  /** Foreground classes with this share of the foreground or less are dropped; 0: none. */
  readonly areaThreshold: number;
  /** What ResCLIP alone knows. */
  readonly resclip?: ResClipSettings;
}

/** One method's constants: the settings for a free photo, and what other data sets change. */
export interface Protocol extends ProtocolSettings {
  readonly name: MethodName;
  /** Where the constants were read. */
  readonly source: string;
  /** `keep`: aspect ratio kept. `squash`: both sides become `shortSide`. */
  readonly resize: 'keep' | 'squash';
  /** `opencv-bilinear`: no antialiasing. `pillow-bicubic`: antialiased. */
  readonly resampling: 'opencv-bilinear' | 'pillow-bicubic';
  /** Mean and deviation per channel in 0..255 units; `model`: as the model's own preprocessing has them. */
  readonly pixels: 'model' | PixelScale;
  /**
   * A window that is not whole patches. `drop`: the rest is ignored and the logits are stretched over the window. `centre`:
   * zeros on all sides, cut off the logits again. `corner`: zeros at right and bottom, logits stretched over the window.
   */
  readonly padding: 'drop' | 'centre' | 'corner';
  /**
   * Where `window` is 0: patch logits are stretched straight to the photo, or to the resized image first and from there to
   * the photo, as sliding windows always are.
   */
  readonly wholeImage: 'to-photo' | 'to-input-then-photo';
  /** How the positional embedding meets another grid. */
  readonly positions: 'stretch' | 'exact' | 'antialias' | 'bilinear';
  readonly templates: TemplateSet;
  /** Refinement of the logits at the photo's size, before scale and softmax. */
  readonly pamr: PamrOptions;
  /** What SC-CLIP alone knows. */
  readonly scclip?: ScClipSettings;
  readonly datasets: Readonly<Partial<Record<PublishedDataset, Partial<ProtocolSettings>>>>;
}

/** What SCLIP, ClearCLIP and NACLIP share. */
const shared = {
  longSide: 2048,
  probThreshold: 0,
  areaThreshold: 0,
  resize: 'keep',
  resampling: 'opencv-bilinear',
  pixels: 'model',
  wholeImage: 'to-photo',
  positions: 'stretch',
  templates: 'imagenet80',
  pamr: { steps: 0, dilations: [8, 16] },
} as const satisfies Partial<Protocol>;

/** No sliding windows. */
const whole = { window: 0, stride: 0 } as const;

const clearclip: Protocol = {
  ...shared,
  name: 'clearclip',
  source: 'mc-lan/ClearCLIP ad68a40',
  shortSide: 448,
  window: 448,
  stride: 224,
  scale: 50,
  padding: 'centre',
  datasets: {
    voc21: { probThreshold: 0.5 },
    context60: { probThreshold: 0.15 },
    'coco-object': { probThreshold: 0.4 },
    cityscapes: { window: 224, stride: 224 },
  },
};

/** The constants of every method. */
export const protocols: Readonly<Record<MethodName, Protocol>> = {
  clearclip,
  /** Plain CLIP as ClearCLIP's tables run it. */
  clip: {
    ...clearclip,
    name: 'clip',
    source: 'mc-lan/ClearCLIP ad68a40, thresholds: its issue 2 (voc21) and mc-lan/ProxyCLIP e7b767f',
    datasets: {
      voc21: { probThreshold: 0.2 },
      context60: { probThreshold: 0.05 },
      'coco-object': { probThreshold: 0.1 },
      cityscapes: { window: 224, stride: 224 },
    },
  },
  sclip: {
    ...shared,
    name: 'sclip',
    source: 'wangf3014/SCLIP b56bd30',
    shortSide: 336,
    window: 224,
    stride: 112,
    scale: 40,
    padding: 'drop',
    datasets: {
      voc21: { scale: 65, probThreshold: 0.1, areaThreshold: 0.1 },
      context60: { scale: 50, probThreshold: 0.1 },
      'coco-object': { scale: 50, probThreshold: 0.1 },
      'coco-stuff': { shortSide: 448 },
      cityscapes: { shortSide: 560 },
    },
  },
  naclip: {
    ...shared,
    name: 'naclip',
    source: 'sinahmr/NACLIP 0cac3a6',
    shortSide: 336,
    window: 224,
    stride: 112,
    scale: 40,
    padding: 'drop',
    pamr: { steps: 10, dilations: [8, 16] },
    datasets: {
      voc21: { window: 0, probThreshold: 0.1 },
      context60: { probThreshold: 0.1 },
      'coco-object': { probThreshold: 0.1 },
      voc20: { window: 0 },
      cityscapes: { shortSide: 560 },
    },
  },
  maskclip: {
    ...shared,
    name: 'maskclip',
    source: 'chongzhou96/MaskCLIP 245d31f',
    shortSide: 512,
    ...whole,
    // Published labels are the argmax of cosines, which no scale changes; 100 is what its prompt denoising uses.
    scale: 100,
    pixels: imagenetPixels,
    padding: 'corner',
    wholeImage: 'to-input-then-photo',
    positions: 'exact',
    templates: 'maskclip85',
    datasets: {
      context60: { shortSide: 520, longSide: 520 },
      context59: { shortSide: 520, longSide: 520 },
      cityscapes: { longSide: 1024 },
    },
  },
  gem: {
    ...shared,
    name: 'gem',
    source: 'WalBouss/GEM 5fa677c',
    shortSide: 448,
    longSide: 448,
    ...whole,
    scale: 100,
    resize: 'squash',
    resampling: 'pillow-bicubic',
    padding: 'drop',
    positions: 'antialias',
    templates: 'photo',
    datasets: {},
  },
  clipsurgery: {
    ...shared,
    name: 'clipsurgery',
    source: 'xmed-lab/CLIP_Surgery d4696d4 (sizes: its demo)',
    shortSide: 512,
    longSide: 512,
    ...whole,
    // The published answer to "how do I segment" is the argmax of cosines; the scale is CLIP's own.
    scale: 100,
    resize: 'squash',
    resampling: 'pillow-bicubic',
    padding: 'drop',
    positions: 'bilinear',
    templates: 'maskclip85',
    datasets: {},
  },
  resclip: {
    ...shared,
    name: 'resclip',
    source: 'yvhangyang/ResCLIP 0e085f7; a free photo: as ade20k',
    shortSide: 336,
    window: 224,
    stride: 112,
    scale: 40,
    padding: 'drop',
    resclip: resClipSettings([2, 0.3], [2.1, 0.7], 0.25),
    datasets: {
      voc21: { window: 0, probThreshold: 0.1, resclip: resClipSettings([2, 0.3], [2.2, 0.7], 0.5) },
      context60: { probThreshold: 0.1, resclip: resClipSettings([2, 0.3], [1.8, 0.7], 0.3) },
      'coco-object': { probThreshold: 0.1, resclip: resClipSettings([2, 0.4], [1.8, 0.7], 0.11) },
      voc20: { window: 0, resclip: resClipSettings([2, 0.6], [2.1, 0.6], 0.1) },
      context59: { resclip: resClipSettings([2, 0.4], [1.8, 0.7], 0.25) },
      'coco-stuff': { resclip: resClipSettings([2, 0.4], [1.8, 0.7], 0.11) },
      cityscapes: { shortSide: 560, resclip: resClipSettings([2, 0.2], [2.1, 0.6], 0.1) },
    },
  },
  scclip: {
    ...shared,
    name: 'scclip',
    source: 'SuleBai/SC-CLIP 0417ba9',
    shortSide: 336,
    window: 224,
    stride: 112,
    scale: 40,
    padding: 'drop',
    scclip: { neighbours: 30, contamination: 0.05, beta: 0.4 },
    datasets: {
      voc21: { scale: 50, probThreshold: 0.15, areaThreshold: 0.1 },
      context60: { probThreshold: 0.15 },
      'coco-object': { scale: 55, probThreshold: 0.35 },
      cityscapes: { shortSide: 560 },
    },
  },
  clipself: {
    ...shared,
    name: 'clipself',
    source: 'wusize/CLIPSelf 1c7fe9c (long side and positions: it labels regions, not pixels)',
    shortSide: 512,
    longSide: 1024,
    ...whole,
    scale: 100,
    resampling: 'pillow-bicubic',
    padding: 'centre',
    positions: 'exact',
    datasets: {},
  },
};

/**
 * A method's constants for a free photo, or for a data set it was published on.
 * @throws InputError for an unknown method or data set, with the nearest.
 */
export function protocolFor(name: MethodName, dataset?: PublishedDataset): Protocol {
  if (!Object.hasOwn(protocols, name)) {
    throw new InputError(
      `protocolFor: no method is called ${quoted(String(name))}${suggestion(String(name), methodNames)}`,
    );
  }
  const protocol = protocols[name];
  if (dataset === undefined) return protocol;
  if (!publishedDatasets.includes(dataset)) {
    throw new InputError(
      `protocolFor: no data set is called ${quoted(String(dataset))}${suggestion(String(dataset), publishedDatasets)}`,
    );
  }
  return { ...protocol, ...protocol.datasets[dataset] };
}
