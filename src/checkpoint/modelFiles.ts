/** What a user means by a model: a folder, a weights file, or a hub id that has been pulled. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../errors.js';
import { openBytes } from '../files/bytes.js';
import { readJson } from '../files/jsonFile.js';
import { openSafetensors } from '../files/safetensors/read.js';
import { openShardedSafetensors } from '../files/safetensors/sharded.js';
import type { TensorFile } from '../files/tensorFile.js';
import { openTorch } from '../files/torch/open.js';
import { resolvePulled } from './pulled.js';
import { orderedChoices, type WeightChoice } from './weightFiles.js';

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

/**
 * Finds the files behind a folder, a weights file or the id of a pulled model.
 * @throws InputError when there is nothing of that name, or nothing in it that could be weights.
 */
export function findModel(name: string, options: { weights?: 'required' | 'optional' } = {}): ModelFiles {
  if (name === '') throw new InputError('model: expected a folder, a file or a hub id, got nothing');
  if (existsSync(name)) return at(name, name, options);
  const pulled = isHubId(name) ? resolvePulled(name) : undefined;
  if (pulled) return at(pulled, name, options);
  const hint = isHubId(name) ? `; 'clipscope pull ${name}' downloads it if it is a hub id` : '';
  throw new InputError(`model '${name}': no such file or folder${hint}`);
}

function at(path: string, name: string, options: { weights?: 'required' | 'optional' }): ModelFiles {
  if (statSync(path).isDirectory()) return { ...inFolder(path, options), name };
  const folder = dirname(path);
  return { ...besides(folder, choicesIn(folder)), name, folder, weights: path };
}

/** `org/name`, `name`, or one of OpenAI's own as `openai:ViT-B/16`. */
const isHubId = (name: string) =>
  name.startsWith('openai:') ||
  (/^[\w.-]+(\/[\w.-]+)?$/.test(name) && !/^\.+(\/|$)|\.(safetensors|pt|bin|json)$/.test(name));

function inFolder(folder: string, { weights: need = 'required' }: { weights?: 'required' | 'optional' }): ModelFiles {
  const choices = choicesIn(folder);
  const named = choices.map(({ file }) => join(folder, file)).find(path => existsSync(path));
  const weights = named ?? onlyWeights(folder);
  const files = { ...besides(folder, choices), name: folder, folder };
  if (weights) return { ...files, weights };
  if (need === 'optional' && files.config) return files;
  throw new InputError(`${folder}: expected a model's weights there, such as ${choices[0]!.file}; found none`);
}

/** The names weights go by in a folder, best first; PyTorch's shards are read by `pull` alone. */
function choicesIn(folder: string): readonly WeightChoice[] {
  const [config, openClipConfig] = ['config.json', 'open_clip_config.json'].map(name => {
    const path = join(folder, name);
    return existsSync(path) ? JSON.stringify(readJson(path)) : undefined;
  });
  return orderedChoices(config, openClipConfig).filter(({ sharded, becomes }) => !(sharded && becomes));
}

/** The single file of a folder that could be weights, when there is just one. */
function onlyWeights(folder: string): string | undefined {
  const found = readdirSync(folder).filter(name => /\.(safetensors|pt|bin)$/.test(name));
  return found.length === 1 ? join(folder, found[0]!) : undefined;
}

function besides(
  folder: string,
  [best]: readonly WeightChoice[],
): Pick<ModelFiles, 'config' | 'preprocessor' | 'settings'> {
  const path = (...names: string[]) => names.map(name => join(folder, name)).find(file => existsSync(file));
  const configs = ['config.json', 'open_clip_config.json'];
  const config = path(...(best?.openClip ? configs.reverse() : configs));
  const preprocessor = path('preprocessor_config.json', 'open_clip_config.json');
  const settings = path('clipscope.json');
  return { ...(config && { config }), ...(preprocessor && { preprocessor }), ...(settings && { settings }) };
}

/** Opens weights in whatever form they are, told by their first bytes, not their name. */
export function openWeights(path: string): TensorFile {
  if (path.endsWith('.json')) return openShardedSafetensors(path);
  const source = openBytes(path);
  try {
    return isTorch(source.read(0, Math.min(4, source.size))) ? openTorch(source) : openSafetensors(source);
  } catch (error) {
    source.close();
    throw error;
  }
}

/**
 * Whether a file begins as a member of a zip archive, or as a pickle with the magic number of PyTorch's old format. A
 * safetensors file begins with its header's length: the first would be one of 67 MB, the second is out of bounds.
 */
function isTorch([a, b, c, d]: Uint8Array): boolean {
  const zip = a === 0x50 && b === 0x4b && c === 3 && d === 4;
  return zip || (a === 0x80 && c === 0x8a && d === 0x0a);
}
