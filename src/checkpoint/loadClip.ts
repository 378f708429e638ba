import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { InputError } from '../errors.js';
import type { TensorFile } from '../files/tensorFile.js';
import {
  clipPreprocess,
  type PreprocessSpec,
  parseOpenClipPreprocess,
  parsePreprocessor,
} from '../image/preprocessSpec.js';
import { type Clip, createClip } from '../model/clip.js';
import type { ActivationName, ClipConfig } from '../model/config.js';
import { type Checkpoint, checkWeights, configFromShapes, openCheckpoint } from '../model/weights/checkpoint.js';
import { loadWeights } from '../model/weights/load.js';
import { ensureEngine } from '../tensor/engine.js';
import { createTokenizer, type Tokenizer } from '../tokenizer/index.js';
import { parseConfigFile } from './configFile.js';
import { findModel, type ModelFiles, openWeights, readJson } from './modelFiles.js';
import { type ModelSettings, parseSettings } from './settings.js';

export interface LoadOptions {
  /** Which towers to read; default both, where the checkpoint has them. One alone takes that much less memory. */
  towers?: readonly ('image' | 'text')[];
  /** Overrides the activation, which bare weights do not tell. */
  activation?: ActivationName;
  /** Overrides the epsilon of every layer normalisation. */
  layerNormEpsilon?: number;
  /**
   * `engine` (default): the weights go to an engine, the default one when none has been started. `file`: they stay in
   * their file, which is open until `dispose`, and an engine that needs one reads it then; a model that is only compiled
   * loads without reading any.
   */
  weights?: 'engine' | 'file';
}

/** A model with what it takes to feed it. */
export interface LoadedClip extends Clip {
  /** What the user called it. */
  readonly name: string;
  readonly tokenizer: Tokenizer;
  readonly preprocessor: PreprocessSpec;
  readonly settings: ModelSettings;
}

/** A model's sizes and settings, without its weights. */
export interface ModelDescription {
  readonly name: string;
  readonly config: ClipConfig;
  readonly preprocessor: PreprocessSpec;
  readonly settings: ModelSettings;
  readonly files: ModelFiles;
}

/**
 * Loads a CLIP from a folder (Hugging Face or OpenCLIP layout), a weights file (safetensors, shard index, or any of
 * PyTorch's forms) or the id of a pulled model; starts the default engine when none has been started.
 *
 * @throws InputError when files are missing or broken, the checkpoint is no CLIP that is known, or its weights do not
 * fit its config (naming the first missing and the first unused tensor).
 */
export async function loadClip(name: string, options: LoadOptions = {}): Promise<LoadedClip> {
  const { weights: values = 'engine' } = options;
  if (values === 'engine') await ensureEngine();
  const { file, checkpoint, config, preprocessor, settings } = openModel(name, options);
  let stays = false;
  try {
    const clip = createClip(config, loadWeights(checkpoint, config, { values }));
    stays = values === 'file';
    const dispose = () => {
      clip.dispose();
      if (stays) file.close();
    };
    let tokenizer: Tokenizer | undefined;
    return {
      ...clip,
      dispose,
      name,
      preprocessor,
      settings,
      get tokenizer() {
        tokenizer ??= createTokenizer(config.text ? { contextLength: config.text.context } : {});
        return tokenizer;
      },
    };
  } finally {
    if (!stays) file.close();
  }
}

/** A model whose weights are open and fit its config; values not read yet. Close `file` when done. */
export interface OpenModel extends ModelDescription {
  readonly file: TensorFile;
  readonly checkpoint: Checkpoint;
}

/** Opens a model's weights and holds them against its config. @throws InputError as `loadClip` does. */
export function openModel(name: string, options: LoadOptions = {}): OpenModel {
  const files = findModel(name);
  const file = openWeights(files.weights!);
  try {
    const checkpoint = openCheckpoint(file);
    const whole = present(checkpoint, overridden(fileConfig(files) ?? configFromShapes(checkpoint), options));
    checkWeights(checkpoint, whole);
    const config = chooseTowers(whole, options.towers, name);
    return {
      name,
      files,
      file,
      checkpoint,
      config,
      preprocessor: preprocessorOf(files, whole),
      settings: settingsOf(files),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

/**
 * A model's sizes and settings from its config, or from the shapes of its weights where there is no config; no values
 * are read.
 */
export function describeModel(name: string, options: LoadOptions = {}): ModelDescription {
  const files = findModel(name, { weights: 'optional' });
  const config = overridden(fileConfig(files) ?? shapesConfig(files), options);
  return { name, config, files, preprocessor: preprocessorOf(files, config), settings: settingsOf(files) };
}

function fileConfig({ config }: ModelFiles): ClipConfig | undefined {
  return config ? parseConfigFile(readJson(config), config) : undefined;
}

function shapesConfig(files: ModelFiles): ClipConfig {
  const weights = openWeights(files.weights!);
  try {
    return configFromShapes(openCheckpoint(weights));
  } finally {
    weights.close();
  }
}

function overridden(config: ClipConfig, { activation, layerNormEpsilon }: LoadOptions): ClipConfig {
  const change = { ...(activation && { activation }), ...(layerNormEpsilon && { layerNormEpsilon }) };
  return {
    ...config,
    ...(config.image && { image: { ...config.image, ...change } }),
    ...(config.text && { text: { ...config.text, ...change } }),
  };
}

/** A config may describe both towers where the file holds one, as Hugging Face's vision-only exports do. */
function present(checkpoint: Checkpoint, config: ClipConfig): ClipConfig {
  const prefixes = {
    image: /^(visual|vision_model|visual_projection)\b/,
    text: /^(text|text_model|transformer|token_embedding)\b/,
  };
  const names = [...checkpoint.names.keys()];
  const has = (tower: 'image' | 'text') => names.some(name => prefixes[tower].test(name));
  const { embedding, image, text } = config;
  if (!has('image') && !has('text')) return config;
  return { embedding, ...(image && has('image') && { image }), ...(text && has('text') && { text }) };
}

function chooseTowers(config: ClipConfig, towers: LoadOptions['towers'], name: string): ClipConfig {
  if (!towers) return config;
  if (towers.length === 0) throw new InputError(`model '${name}': expected 'image' or 'text' among towers, got none`);
  for (const tower of towers) {
    if (!config[tower])
      throw new InputError(`model '${name}': expected a checkpoint with the ${tower} tower; it has none`);
  }
  const { embedding, image, text } = config;
  return {
    embedding,
    ...(image && towers.includes('image') && { image }),
    ...(text && towers.includes('text') && { text }),
  };
}

function preprocessorOf({ preprocessor }: ModelFiles, { image }: ClipConfig): PreprocessSpec {
  const size = image?.imageSize ?? 224;
  if (!preprocessor) return clipPreprocess(size);
  const parse = basename(preprocessor) === 'open_clip_config.json' ? parseOpenClipPreprocess : parsePreprocessor;
  return parse(readJson(preprocessor), preprocessor, size);
}

function settingsOf({ settings }: ModelFiles): ModelSettings {
  return settings ? parseSettings(readJson(settings), settings) : {};
}

/**
 * SHA-256 of what text features depend on: sizes, and the text tower's tensors, hashed straight from the file, so that a
 * cached text needs no weights in an engine.
 */
export function fingerprintText(files: ModelFiles, config: ClipConfig): string {
  const weights: TensorFile = openWeights(files.weights!);
  try {
    const hash = createHash('sha256').update(JSON.stringify([config.text, config.embedding]));
    for (const [name, { dtype, shape }] of weights.tensors) {
      if (/visual|vision_model/.test(name)) continue;
      hash.update(JSON.stringify([name, dtype, shape])).update(weights.read(name).bytes);
    }
    return hash.digest('hex');
  } finally {
    weights.close();
  }
}
