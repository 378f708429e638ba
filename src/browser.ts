/** The public door for pages: what of `index.ts` needs no files, and what only a page needs. */
export type { Attention, AttentionInput, Grid } from './attention/attention.js';
export { type GemOptions, gem } from './attention/gem.js';
export { attentionByName, attentions } from './attention/index.js';
export { gaussianNeighbourhood, type NaclipOptions, naclip } from './attention/naclip.js';
export { mix, scores, softmax } from './attention/parts.js';
export { type WindowedOptions, windowed } from './attention/windowed.js';
export type { LoadedClip } from './checkpoint/assemble.js';
export { type LoadFilesOptions, loadClipFiles, type PageFile } from './checkpoint/loadClipFiles.js';
export type { ModelSettings } from './checkpoint/settings.js';
export { InputError } from './errors.js';
export { type ByteSource, bytesFromMemory } from './files/byteSource.js';
export { type Dtype, fromFloat32, toFloat32 } from './files/dtype.js';
export { openSafetensors } from './files/safetensors/read.js';
export type { TensorData, TensorFile, TensorInfo } from './files/tensorFile.js';
export { gridPicture, type Panel } from './image/drawing/grid.js';
export { type HeatmapOptions, heatmap } from './image/drawing/heatmap.js';
export { type LegendEntry, withLegend } from './image/drawing/legend.js';
export { type CanvasPixels, canvasOfPicture, pictureOfCanvas } from './image/imageData.js';
export { applyOrientation, type Picture, rgbPicture, toRgb } from './image/picture.js';
export {
  clipPreprocess,
  cropForModel,
  type PixelOrder,
  type PreprocessSpec,
  parsePreprocessor,
  preprocess,
} from './image/preprocess.js';
export { type Region, type ResizeFilter, resize } from './image/resize.js';
export type { BlockOptions, BlockWeights } from './model/block.js';
export { type Clip, createClip, type ImageOptions, type TextOptions, type WithSeen } from './model/clip.js';
export {
  type ClipConfig,
  configByName,
  type EvaTraits,
  type ImageConfig,
  namedConfigs,
  type TextConfig,
  type WindowedBlocks,
} from './model/config.js';
export type { BlockRange, ImageOutput, Reads, Variant } from './model/imageTower.js';
export { imagePoints, textPoints } from './model/pointNames.js';
export type { Patch, PointShape, Seen } from './model/points.js';
export { type PositionMode, positionModes } from './model/positions.js';
export {
  type Prefix,
  prefixFrom,
  prefixInputs,
  prefixTensors,
  readsOf,
  type State,
} from './model/prefix.js';
export type { TextOutput } from './model/textTower.js';
export { type Box, enlarged, gridCells, gridChoices, inSquare, normalised } from './regions/boxes.js';
export { cropSquare, padSquare } from './regions/crops.js';
export { denseMap, regionFeatures } from './regions/features.js';
export { maskToGrid } from './regions/masks.js';
export { boxWeights, maskWeights } from './regions/weights.js';
export { classProbabilities, type LabelMap, type LabelOptions, labelMap } from './segment/dense/labels.js';
export { type DenseLogits, denseFromPlanes } from './segment/dense/logits.js';
export { type PamrOptions, pamr } from './segment/dense/pamr.js';
export { labelsOf, legendFor, overlay } from './segment/draw.js';
export {
  clearClip,
  type Method,
  methodByName,
  type ResClipOptions,
  resClip,
  scClip,
  sclip,
} from './segment/methods.js';
export type { PrefixKey, PrefixStore } from './segment/prefixStore.js';
export { templates } from './segment/prompts.js';
export { type Protocol, type PublishedDataset, protocolFor, protocols } from './segment/protocols.js';
export type { ResClipSettings } from './segment/resclip/settings.js';
export type { ScClipSettings } from './segment/scclip/settings.js';
export {
  type ClassShare,
  openSegmenter,
  type PixelInput,
  type Segmentation,
  type Segmenter,
  type SegmenterOptions,
  type SegmentingClip,
  type SegmentOptions,
  segment,
  segmentVariants,
} from './segment/segmenter.js';
export { featureSurgery, redundantSurgery, type SurgeryInput, similarityMaps } from './segment/surgery.js';
export { type TextFeatures, textFeatures } from './segment/textFeatures.js';
export { fromNames, parseClasses, parseClassFile, type Vocabulary } from './segment/vocabulary.js';
export {
  type Compiled,
  type CompileOptions,
  compile,
  type InputSpec,
  type SeeOptions,
  type Values,
} from './tensor/compile.js';
export { type CompiledStep, compileStep, type StepState, stateTensors } from './tensor/compileStep.js';
export { named } from './tensor/composite.js';
export { type EngineReport, startEngine } from './tensor/engine.js';
export { enableGradients } from './tensor/gradients.js';
export { type LossAndGradients, lossAndGradients } from './tensor/lossAndGradients.js';
export { type EngineName, engineNames, type RunnerName, runnerNames } from './tensor/names.js';
export { gelu, quickGelu } from './tensor/ops/gelu.js';
export { layerNorm } from './tensor/ops/layerNorm.js';
export { linear } from './tensor/ops/linear.js';
export { type RoiAlignOptions, roiAlign } from './tensor/ops/roiAlign.js';
export { unitLength } from './tensor/ops/unitLength.js';
export { engineRunner, openRunner, type Runner, type RunnerOptions } from './tensor/runner.js';
export type {
  Heads,
  Linear,
  Norm,
  Pattern,
  Pixels,
  Scalar,
  Tensor,
  Tensor1D,
  Tensor2D,
  Tensor3D,
  Tensor4D,
  Tokens,
} from './tensor/tfjs.js';
export {
  abs,
  add,
  argMax,
  cast,
  clipByValue,
  concat,
  cumsum,
  dispose,
  div,
  einsum,
  equal,
  exp,
  expandDims,
  gather,
  greater,
  greaterEqual,
  keep,
  less,
  lessEqual,
  log,
  logicalAnd,
  matMul,
  max,
  maximum,
  mean,
  memory,
  min,
  minimum,
  mul,
  neg,
  norm,
  oneHot,
  ones,
  pad,
  range,
  relu,
  reshape,
  scalar,
  sigmoid,
  slice,
  split,
  sqrt,
  square,
  squeeze,
  stack,
  sub,
  sum,
  tensor,
  tensor1d,
  tensor2d,
  tensor3d,
  tensor4d,
  tidy,
  tile,
  topk,
  transpose,
  unstack,
  where,
  zeros,
} from './tensor/tfjs.js';
/** All of TensorFlow.js, the one that computes here: `tf.image.resizeBilinear`. */
export { default as tf } from './tensor/tfjsCore.cjs';
export { fetchVocabulary } from './tokenizer/fetchVocabulary.js';
export { createTokenizer, type Tokenizer } from './tokenizer/index.js';
