/** Any known checkpoint to a Hugging Face style folder: names, orientation, config and preprocessing. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../errors.js';
import { checkWritable, writeAtomic } from '../files/atomic.js';
import { type Dtype, dtypeWidths, fromFloat32, toFloat32 } from '../files/dtype.js';
import { makeFolder } from '../files/folder.js';
import { type TensorToWrite, writeSafetensors } from '../files/safetensors/write.js';
import type { TensorFile } from '../files/tensorFile.js';
import { type PreprocessSpec, pillowFilters } from '../image/preprocess.js';
import type { ClipConfig, ImageConfig, TextConfig } from '../model/config.js';
import { type Located, locate } from '../model/weights/checkpoint.js';
import { entryOf, huggingFace, thirdOf } from '../model/weights/dialects.js';
import { rolesOf } from '../model/weights/roles.js';
import { type LoadOptions, openModel } from './loadClip.js';

/** Dtypes a checkpoint can be converted to. */
export const convertDtypes = { f32: 'F32', f16: 'F16', bf16: 'BF16' } as const;

export interface Converted {
  /** Number of tensors written. */
  readonly tensors: number;
  /** Size of `model.safetensors`. */
  readonly bytes: number;
  readonly config: ClipConfig;
}

/**
 * Writes `model.safetensors`, `config.json` and `preprocessor_config.json` to a folder (made if need be), with the
 * values of the checkpoint as they are stored, or rounded to `dtype`.
 *
 * @throws InputError when the checkpoint cannot be loaded, its preprocessing is none that Hugging Face's file can name,
 * or the folder cannot be written.
 */
export function convertCheckpoint(
  name: string,
  folder: string,
  options: LoadOptions & { dtype?: keyof typeof convertDtypes } = {},
): Converted {
  const { file, checkpoint, config, preprocessor } = openModel(name, options);
  try {
    const dtype = options.dtype && convertDtypes[options.dtype];
    const tensors = new Map<string, TensorToWrite>();
    for (const [role, shape] of rolesOf(config)) {
      tensors.set(entryOf(huggingFace, role).theirs, converted(file, locate(checkpoint, role)!, shape, dtype));
    }
    return writeModelFolder(folder, { name, config, preprocessor, tensors, ...(dtype && { dtype }) });
  } finally {
    file.close();
  }
}

/** What a model folder is written from. */
export interface ModelToWrite {
  /** What error messages call it. */
  readonly name: string;
  readonly config: ClipConfig;
  readonly preprocessor: PreprocessSpec;
  /** By Hugging Face's names and in its orientation. */
  readonly tensors: ReadonlyMap<string, TensorToWrite>;
  /** Of the tensors, where it is one for all. */
  readonly dtype?: Dtype;
}

/**
 * Writes `model.safetensors`, `config.json` and `preprocessor_config.json` to a folder, made if need be.
 * @throws InputError when the preprocessing is none that Hugging Face's file can name, or the folder cannot be written
 */
export function writeModelFolder(
  folder: string,
  { name, config, preprocessor, tensors, dtype }: ModelToWrite,
): Converted {
  const preprocessing = config.image && preprocessorJson(preprocessor, name);
  makeFolder(folder);
  const target = join(folder, 'model.safetensors');
  for (const path of [target, join(folder, 'config.json'), join(folder, 'preprocessor_config.json')])
    checkWritable(path);
  writeSafetensors(target, tensors, new Map([['format', 'pt']]));
  writeJson(join(folder, 'config.json'), configJson(config, dtype));
  if (preprocessing) writeJson(join(folder, 'preprocessor_config.json'), preprocessing);
  return { tensors: tensors.size, bytes: statSync(target).size, config };
}

function converted(
  file: TensorFile,
  located: Located,
  shape: readonly number[],
  dtype: Dtype | undefined,
): TensorToWrite {
  const stored = file.tensors.get(located.tensor)!.dtype;
  const target = dtype ?? stored;
  return {
    dtype: target,
    shape,
    bytes() {
      const { bytes } = file.read(located.tensor);
      const third = thirdOf(located.form);
      const size = bytes.length / 3;
      const part = third === undefined ? bytes : bytes.subarray(third * size, (third + 1) * size);
      const turned =
        located.form === 'transposed' ? transposedBytes(part, shape[0]!, shape[1]!, dtypeWidths[stored]) : part;
      if (target === stored) return turned;
      return fromFloat32(target as 'F32' | 'F16' | 'BF16', toFloat32(stored, turned));
    },
  };
}

/** Stored `[columns, rows]` as `[rows, columns]`, element by element. */
function transposedBytes(bytes: Uint8Array, rows: number, columns: number, width: number): Uint8Array {
  const out = new Uint8Array(bytes.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const from = (c * rows + r) * width;
      const to = (r * columns + c) * width;
      for (let i = 0; i < width; i++) out[to + i] = bytes[from + i]!;
    }
  }
  return out;
}

const writeJson = (path: string, value: object) =>
  writeAtomic(path, Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`));

function towerJson(tower: ImageConfig | TextConfig, embedding: number) {
  return {
    hidden_size: tower.width,
    intermediate_size: tower.mlpWidth,
    num_hidden_layers: tower.layers,
    num_attention_heads: tower.heads,
    hidden_act: tower.activation,
    layer_norm_eps: tower.layerNormEpsilon,
    attention_dropout: 0,
    projection_dim: embedding,
  };
}

function configJson({ image, text, embedding }: ClipConfig, dtype: Dtype | undefined): object {
  const vision = image && {
    ...towerJson(image, embedding),
    model_type: 'clip_vision_model',
    image_size: image.imageSize,
    patch_size: image.patch,
    num_channels: 3,
  };
  const words = text && {
    ...towerJson(text, embedding),
    model_type: 'clip_text_model',
    max_position_embeddings: text.context,
    vocab_size: text.vocabulary,
    // In every CLIP vocabulary the end token has the largest id and the start token the one before it; 2 is how
    // configs of OpenAI's own models call it, and what makes transformers take the largest id.
    bos_token_id: text.vocabulary - 2,
    eos_token_id: text.pooling === 'largest-id' ? 2 : text.pooling.firstOf,
    pad_token_id: text.vocabulary - 1,
  };
  const names = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as Partial<Record<Dtype, string>>;
  const shared = { projection_dim: embedding, ...(dtype && { torch_dtype: names[dtype] }) };
  if (!words) return { architectures: ['CLIPVisionModelWithProjection'], ...vision, ...shared };
  if (!vision) return { architectures: ['CLIPTextModelWithProjection'], ...words, ...shared };
  return { architectures: ['CLIPModel'], model_type: 'clip', ...shared, text_config: words, vision_config: vision };
}

function preprocessorJson({ resize, filter, crop, rescale, mean, std }: PreprocessSpec, name: string): object {
  if (resize?.fit === 'longest') {
    throw new InputError(
      `${name}: expected a resize of the short side or of both; Hugging Face's file has none of the longest side`,
    );
  }
  const shortest = resize?.fit === 'shortest' ? { shortest_edge: Math.min(resize.width, resize.height) } : undefined;
  return {
    image_processor_type: 'CLIPImageProcessor',
    do_resize: resize !== null,
    ...(resize && { size: shortest ?? { height: resize.height, width: resize.width } }),
    resample: pillowFilters.indexOf(filter),
    do_center_crop: crop !== null,
    ...(crop && { crop_size: { height: crop.height, width: crop.width } }),
    do_rescale: true,
    rescale_factor: rescale,
    do_normalize: true,
    image_mean: mean,
    image_std: std,
    do_convert_rgb: true,
  };
}
