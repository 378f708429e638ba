import { InputError } from '../errors.js';
import { quoted } from '../files/quote.js';

/** A way in which a model folder may hold its weights. */
export interface WeightChoice {
  readonly file: string;
  /** Whether `file` is an index whose `weight_map` names the files with the tensors. */
  readonly sharded?: true;
  /** For PyTorch files: the safetensors file they are turned into. */
  readonly becomes?: string;
  readonly openClip?: true;
}

/** Files of a model folder besides its weights. */
export const configFiles: readonly string[] = [
  'config.json',
  'open_clip_config.json',
  'preprocessor_config.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'vocab.json',
  'merges.txt',
];

/** The ways to hold weights, best first. */
export const weightChoices: readonly WeightChoice[] = [
  { file: 'model.safetensors' },
  { file: 'model.safetensors.index.json', sharded: true },
  { file: 'open_clip_model.safetensors', openClip: true },
  { file: 'open_clip_pytorch_model.safetensors', openClip: true },
  { file: 'pytorch_model.bin', becomes: 'model.safetensors' },
  { file: 'pytorch_model.bin.index.json', sharded: true, becomes: 'model.safetensors' },
  { file: 'open_clip_pytorch_model.bin', becomes: 'open_clip_model.safetensors', openClip: true },
];

/**
 * The choices in the order for a folder with these configs (their text, where they are there). Repositories that serve
 * timm and OpenCLIP at once keep timm's image tower in `model.safetensors`, under a `config.json` that names no
 * `model_type`: there OpenCLIP's own files come first.
 */
export function orderedChoices(
  config: string | undefined,
  openClipConfig: string | undefined,
): readonly WeightChoice[] {
  if (openClipConfig === undefined || (config !== undefined && hasModelType(config))) return weightChoices;
  const isOpenClip = ({ openClip }: WeightChoice) => openClip === true;
  return [...weightChoices.filter(isOpenClip), ...weightChoices.filter(choice => !isOpenClip(choice))];
}

function hasModelType(config: string): boolean {
  try {
    return typeof JSON.parse(config).model_type === 'string';
  } catch {
    return false;
  }
}

// The largest models are cut into some hundred files.
const maxShards = 1000;

/**
 * The files an index names, each once, in order of their names.
 * @throws InputError when it is no index, or names a file that is none of its kind in its own folder.
 */
export function shardsOf(text: string, where: string, { becomes }: WeightChoice): readonly string[] {
  const shards = new Set(Object.values(weightMap(text, where)));
  if (shards.size === 0 || shards.size > maxShards) {
    throw new InputError(`${where}: expected an index of 1 to ${maxShards} files, got ${shards.size}`);
  }
  const pattern = becomes === undefined ? /^\w[\w.-]*\.safetensors$/ : /^\w[\w.-]*\.bin$/;
  for (const shard of shards) {
    if (typeof shard === 'string' && shard.length < 200 && pattern.test(shard)) continue;
    const kind = becomes === undefined ? 'safetensors' : 'bin';
    throw new InputError(`${where}: expected the names of .${kind} files beside it, got ${quoted(String(shard))}`);
  }
  return ([...shards] as string[]).sort();
}

function weightMap(text: string, where: string): Record<string, unknown> {
  try {
    const map: unknown = JSON.parse(text).weight_map;
    if (typeof map === 'object' && map !== null) return map as Record<string, unknown>;
  } catch {}
  throw new InputError(`${where}: expected an index with a 'weight_map', got something else`);
}
