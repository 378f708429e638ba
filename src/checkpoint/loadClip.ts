import { readJson } from '../files/jsonFile.js';
import { configFromShapes, openCheckpoint } from '../model/weights/checkpoint.js';
import { ensureEngine } from '../tensor/engine.js';
import { createTokenizer } from '../tokenizer/index.js';
import {
  type Assembled,
  assemble,
  configOf,
  type Described,
  describe,
  type JsonFile,
  type LoadedClip,
  type LoadOptions,
  loaded,
  type SideFiles,
} from './assemble.js';
import { findModel, type ModelFiles, openWeights } from './modelFiles.js';

export type { LoadedClip, LoadOptions } from './assemble.js';

/** A model's sizes and settings, without its weights. */
export interface ModelDescription extends Described {
  readonly name: string;
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
  if (options.weights !== 'file') await ensureEngine();
  return loaded(openModel(name, options), options, ({ text }) =>
    createTokenizer(text ? { contextLength: text.context } : {}),
  );
}

/** A model whose weights are open and fit its config; values not read yet. Close `file` when done. */
export interface OpenModel extends Assembled {
  readonly files: ModelFiles;
}

/** Opens a model's weights and holds them against its config. @throws InputError as `loadClip` does. */
export function openModel(name: string, options: LoadOptions = {}): OpenModel {
  const files = findModel(name);
  const file = openWeights(files.weights!);
  try {
    return { ...assemble(name, file, sideFiles(files), options), files };
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
  const beside = sideFiles(files);
  const config = configOf(beside, () => shapesConfig(files), options);
  return { name, files, ...describe(beside, config) };
}

function sideFiles({ config, preprocessor, settings }: ModelFiles): SideFiles {
  const read = (path: string | undefined): JsonFile | undefined =>
    path === undefined ? undefined : { name: path, value: readJson(path) };
  return { config: read(config), preprocessor: read(preprocessor), settings: read(settings) };
}

function shapesConfig(files: ModelFiles) {
  const weights = openWeights(files.weights!);
  try {
    return configFromShapes(openCheckpoint(weights));
  } finally {
    weights.close();
  }
}
