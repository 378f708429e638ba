/** A model out of its parts, wherever they come from: open weights, and the small files that lie beside them. */
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
import type { Tokenizer } from '../tokenizer/index.js';
import { parseConfigFile } from './configFile.js';
import { type ModelSettings, parseSettings } from './settings.js';

export interface LoadOptions {
  /** Which towers to read; default both, where the checkpoint has them. One alone takes that much less memory. */
  towers?: readonly ('image' | 'text')[];
  /** Overrides the activation, which bare weights do not tell; of EVA02-CLIP only the text tower's. */
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

/** A JSON file that has been read. */
export interface JsonFile {
  /** What error messages call it; its end tells whose it is. */
  readonly name: string;
  readonly value: unknown;
}

/** The small files beside the weights. */
export interface SideFiles {
  readonly config?: JsonFile | undefined;
  readonly preprocessor?: JsonFile | undefined;
  readonly settings?: JsonFile | undefined;
}

/** A model without its weights. */
export interface Described {
  readonly config: ClipConfig;
  readonly preprocessor: PreprocessSpec;
  readonly settings: ModelSettings;
}

/** Open weights that fit their config; values not read yet. */
export interface Assembled extends Described {
  readonly name: string;
  readonly file: TensorFile;
  readonly checkpoint: Checkpoint;
}

/** A model's sizes. @param shapes gives them where there is no config */
export function configOf({ config }: SideFiles, shapes: () => ClipConfig, options: LoadOptions): ClipConfig {
  return overridden(config ? parseConfigFile(config.value, config.name) : shapes(), options);
}

/** What else the small files say of a model of these sizes. @throws InputError when it does not suit them */
export function describe({ preprocessor, settings: file }: SideFiles, config: ClipConfig): Described {
  const size = config.image?.imageSize ?? 224;
  const settings = file ? parseSettings(file.value, file.name) : {};
  return {
    config: file ? inWindows(config, settings, file.name) : config,
    preprocessor: preprocessor ? preprocessorOf(preprocessor, size) : clipPreprocess(size),
    settings,
  };
}

function inWindows(config: ClipConfig, { windows }: ModelSettings, file: string): ClipConfig {
  const { image } = config;
  if (!image || !windows) return config;
  const beyond = windows.global.find(index => index >= image.layers);
  if (beyond === undefined) return { ...config, image: { ...image, windows } };
  throw new InputError(`${file}: windows.global: expected blocks 0 to ${image.layers - 1}, got ${beyond}`);
}

/**
 * Holds open weights against what lies beside them; the file stays the caller's to close.
 * @throws InputError as `loadClip` does
 */
export function assemble(name: string, file: TensorFile, files: SideFiles, options: LoadOptions): Assembled {
  const checkpoint = openCheckpoint(file);
  const whole = present(
    checkpoint,
    configOf(files, () => configFromShapes(checkpoint), options),
  );
  checkWeights(checkpoint, whole);
  const described = describe(files, whole);
  return { ...described, name, file, checkpoint, config: chooseTowers(described.config, options.towers, name) };
}

/**
 * Loads an assembled model, which takes its file over and closes it: at once, or with `weights: 'file'` on dispose.
 * @param tokenizer makes one when it is first asked for
 */
export function loaded(
  { name, file, checkpoint, config, preprocessor, settings }: Assembled,
  { weights: values = 'engine' }: LoadOptions,
  tokenizer: (config: ClipConfig) => Tokenizer,
): LoadedClip {
  let stays = false;
  try {
    const clip = createClip(config, loadWeights(checkpoint, config, { values }));
    stays = values === 'file';
    let made: Tokenizer | undefined;
    return {
      ...clip,
      dispose() {
        clip.dispose();
        if (stays) file.close();
      },
      name,
      preprocessor,
      settings,
      get tokenizer() {
        made ??= tokenizer(config);
        return made;
      },
    };
  } finally {
    if (!stays) file.close();
  }
}

function overridden(config: ClipConfig, { activation, layerNormEpsilon }: LoadOptions): ClipConfig {
  const epsilon = layerNormEpsilon && { layerNormEpsilon };
  const change = { ...(activation && { activation }), ...epsilon };
  const { image, text } = config;
  return {
    ...config,
    // What gates in EVA-02's tower is known.
    ...(image && { image: { ...image, ...(image.eva ? epsilon : change) } }),
    ...(text && { text: { ...text, ...change } }),
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

function preprocessorOf({ name, value }: JsonFile, size: number): PreprocessSpec {
  const parse = name.endsWith('open_clip_config.json') ? parseOpenClipPreprocess : parsePreprocessor;
  return parse(value, name, size);
}
