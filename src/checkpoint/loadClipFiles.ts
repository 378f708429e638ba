import { InputError } from '../errors.js';
import { type ByteSource, bytesFromMemory } from '../files/byteSource.js';
import { parseJson } from '../files/json.js';
import { quoted } from '../files/quote.js';
import { openSafetensors } from '../files/safetensors/read.js';
import { ensureEngine } from '../tensor/engine.js';
import { createTokenizer } from '../tokenizer/index.js';
import { assemble, type JsonFile, type LoadedClip, type LoadOptions, loaded } from './assemble.js';
import { orderedChoices, type WeightChoice } from './weightFiles.js';

/** A file that a page has; a `File` is a `Blob`. */
export type PageFile = Blob | ArrayBuffer | Uint8Array;

/** How files become a model. */
export interface LoadFilesOptions extends LoadOptions {
  /** What messages call the model. */
  name?: string;
  /** The bytes that `fetchVocabulary` gives; without them the model has no tokenizer. */
  vocabulary?: Uint8Array;
}

const longestJson = 4 << 20;

/**
 * Loads a CLIP from the files that a page has, such as those of a folder that was picked: the weights as safetensors,
 * and beside them the `config.json`, `preprocessor_config.json` and `clipscope.json` that Hugging Face's layout has, or
 * OpenCLIP's `open_clip_config.json`. Other files are left alone.
 *
 *     const clip = await loadClipFiles(Object.fromEntries([...input.files].map(file => [file.name, file])));
 *
 * The weights stay in memory as they came; compiled graphs refer to them there.
 *
 * @param files by name, without folders
 * @throws InputError as `loadClip` does
 */
export async function loadClipFiles(
  files: Readonly<Record<string, PageFile>>,
  options: LoadFilesOptions = {},
): Promise<LoadedClip> {
  const { name = 'model', vocabulary } = options;
  const [config, openClip, preprocessor, settings] = await Promise.all(
    ['config.json', 'open_clip_config.json', 'preprocessor_config.json', 'clipscope.json'].map(file =>
      jsonOf(files, file),
    ),
  );
  const choices = orderedChoices(textOf(config), textOf(openClip));
  const weights = weightsName(files, choices);
  const configs = choices[0]?.openClip ? [openClip, config] : [config, openClip];
  if (options.weights !== 'file') await ensureEngine();
  const file = openSafetensors(held(await bytesOf(files[weights]!, weights), weights));
  const beside = { config: configs[0] ?? configs[1], preprocessor: preprocessor ?? openClip, settings };
  return loaded(assemble(name, file, beside, options), options, ({ text }) => {
    if (!vocabulary) {
      throw new InputError('loadClipFiles: no vocabulary was given; pass { vocabulary: await fetchVocabulary() }');
    }
    return createTokenizer({ vocabulary, ...(text && { contextLength: text.context }) });
  });
}

const textOf = (json: JsonFile | undefined): string | undefined => json && JSON.stringify(json.value);

/** The file with the weights: the best of the known names, or the only one that could be. */
function weightsName(files: Readonly<Record<string, PageFile>>, choices: readonly WeightChoice[]): string {
  const found = Object.keys(files).filter(file => file.endsWith('.safetensors'));
  const best = choices.find(({ file }) => found.includes(file));
  if (best) return best.file;
  if (found.length === 1) return found[0]!;
  const got =
    Object.keys(files)
      .slice(0, 8)
      .map(file => quoted(file, 40))
      .join(', ') || 'no files';
  throw new InputError(`loadClipFiles: expected the weights as model.safetensors, got ${got}`);
}

async function jsonOf(files: Readonly<Record<string, PageFile>>, name: string): Promise<JsonFile | undefined> {
  const file = Object.hasOwn(files, name) ? files[name] : undefined;
  if (!file) return undefined;
  const size = file instanceof Blob ? file.size : file.byteLength;
  if (size > longestJson) throw new InputError(`${name}: expected at most 4 MiB of JSON, got ${size} bytes`);
  return { name, value: parseJson(await bytesOf(file, name), name) };
}

async function bytesOf(file: PageFile, name: string): Promise<Uint8Array> {
  if (file instanceof Uint8Array) return file;
  if (!(file instanceof Blob)) return new Uint8Array(file);
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch (error) {
    throw new InputError(`${name}: cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

let opened = 0;

/** A file in memory under a path of its own: several models may have weights of one name, and one graph use both. */
function held(bytes: Uint8Array, name: string): ByteSource {
  const path = `${++opened}/${name}`;
  return { ...bytesFromMemory(bytes, name), file: { path, bytes, remember: () => () => {} } };
}
