/** What a user means by a model: a folder, a weights file, or a hub id that has been pulled. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../errors.js';
import { openBytes, reasonOf } from '../files/bytes.js';
import { openSafetensors } from '../files/safetensors/read.js';
import { openShardedSafetensors } from '../files/safetensors/sharded.js';
import type { TensorFile } from '../files/tensorFile.js';
import { openTorch } from '../files/torch/open.js';
import { resolvePulled } from './pulled.js';

/** The files of a model, none read yet. */
export interface ModelFiles {
  /** What error messages and reports call it. */
  readonly name: string;
  readonly folder: string;
  /** The weights, or the index of their shards; absent when only a config was found. */
  readonly weights?: string;
  readonly config?: string;
  readonly preprocessor?: string;
  /** This project's own settings beside the weights: prompts and protocol that suit the model. */
  readonly settings?: string;
}

/** In the order they are looked for. */
const weightNames = [
  'model.safetensors',
  'model.safetensors.index.json',
  'open_clip_model.safetensors',
  'open_clip_pytorch_model.safetensors',
  'pytorch_model.bin',
  'open_clip_pytorch_model.bin',
];

/**
 * Finds the files behind a folder, a weights file or the id of a pulled model.
 * @throws InputError when there is nothing of that name, or nothing in it that could be weights.
 */
export function findModel(name: string, options: { weights?: 'required' | 'optional' } = {}): ModelFiles {
  if (name === '') throw new InputError('model: expected a folder, a file or a hub id, got nothing');
  if (!existsSync(name)) {
    const pulled = isHubId(name) ? resolvePulled(name) : undefined;
    if (pulled) return { ...inFolder(pulled, options), name };
    const hint = isHubId(name) ? `; 'clipscope pull ${name}' downloads it if it is a hub id` : '';
    throw new InputError(`model '${name}': no such file or folder${hint}`);
  }
  if (statSync(name).isDirectory()) return inFolder(name, options);
  return { ...besides(dirname(name)), name, folder: dirname(name), weights: name };
}

const isHubId = (name: string) =>
  /^[\w.-]+(\/[\w.-]+)?$/.test(name) && !/^\.+(\/|$)|\.(safetensors|pt|bin|json)$/.test(name);

function inFolder(folder: string, { weights: need = 'required' }: { weights?: 'required' | 'optional' }): ModelFiles {
  const named = weightNames.map(name => join(folder, name)).find(path => existsSync(path));
  const weights = named ?? onlyWeights(folder);
  const files = { ...besides(folder), name: folder, folder };
  if (weights) return { ...files, weights };
  if (need === 'optional' && files.config) return files;
  throw new InputError(`${folder}: expected a model's weights there, such as ${weightNames[0]}; found none`);
}

/** The single file of a folder that could be weights, when there is just one. */
function onlyWeights(folder: string): string | undefined {
  const found = readdirSync(folder).filter(name => /\.(safetensors|pt|bin)$/.test(name));
  return found.length === 1 ? join(folder, found[0]!) : undefined;
}

function besides(folder: string): Pick<ModelFiles, 'config' | 'preprocessor' | 'settings'> {
  const path = (...names: string[]) => names.map(name => join(folder, name)).find(file => existsSync(file));
  const config = path('config.json', 'open_clip_config.json');
  const preprocessor = path('preprocessor_config.json', 'open_clip_config.json');
  const settings = path('clipscope.json');
  return { ...(config && { config }), ...(preprocessor && { preprocessor }), ...(settings && { settings }) };
}

/** Opens weights in whatever form they are, told by their first bytes, not their name. */
export function openWeights(path: string): TensorFile {
  if (path.endsWith('.json')) return openShardedSafetensors(path);
  const source = openBytes(path);
  const [a, b, c, d] = source.read(0, Math.min(4, source.size));
  const zip = a === 0x50 && b === 0x4b;
  // A pickle's first four bytes are the legacy format's magic number; as a safetensors length they are out of bounds.
  const pickle = a === 0x80 && c === 0x8a && d === 0x0a;
  if (!zip && !pickle) return openSafetensors(source);
  try {
    return openTorch(source);
  } catch (error) {
    source.close();
    throw error;
  }
}

/** A small JSON file. @throws InputError when it is missing, larger than 4 MiB, or not JSON. */
export function readJson(path: string): unknown {
  const source = openBytes(path);
  try {
    if (source.size > 4 << 20)
      throw new InputError(`${path}: expected at most 4 MiB of JSON, got ${source.size} bytes`);
  } finally {
    source.close();
  }
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new InputError(`${path}: not valid JSON: ${reasonOf(error).replace(/\s+/g, ' ')}`);
  }
}
