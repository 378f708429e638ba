/** Any known checkpoint to a model folder: names, orientation, config and preprocessing. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../errors.js';
import { checkWritable, writeAtomic } from '../files/atomic.js';
import { type Dtype, dtypeWidths, fromFloat32, toFloat32 } from '../files/dtype.js';
import { makeFolder } from '../files/folder.js';
import { type TensorToWrite, writeSafetensors } from '../files/safetensors/write.js';
import type { TensorFile } from '../files/tensorFile.js';
import { type PreprocessSpec, pillowFilters } from '../image/preprocess.js';
import type { ClipConfig } from '../model/config.js';
import { type Located, locate, storedShape } from '../model/weights/checkpoint.js';
import { entryOf, thirdOf, writtenDialect } from '../model/weights/dialects.js';
import { rolesOf } from '../model/weights/roles.js';
import { configJson } from './config/write.js';
import { type LoadOptions, type OpenModel, openModel } from './loadClip.js';
import type { ModelSettings } from './settings.js';

/** Dtypes a checkpoint can be converted to. */
export const convertDtypes = { f32: 'F32', f16: 'F16', bf16: 'BF16' } as const;
type WrittenDtype = (typeof convertDtypes)[keyof typeof convertDtypes];

export interface Converted {
  /** Number of tensors written. */
  readonly tensors: number;
  /** Size of `model.safetensors`. */
  readonly bytes: number;
  readonly config: ClipConfig;
}

/**
 * Writes a model to a folder as `writeModelFolder` does, with the values of the checkpoint as they are stored, or rounded
 * to `dtype`: in Hugging Face's form, and of EVA02-CLIP with the names and the configuration of EVA-CLIP.
 *
 * @throws InputError when the checkpoint cannot be loaded, its preprocessing is none that Hugging Face's file can name,
 * or the folder cannot be written.
 */
export function convertCheckpoint(
  name: string,
  folder: string,
  options: LoadOptions & { dtype?: keyof typeof convertDtypes } = {},
): Converted {
  const open = openModel(name, options);
  const { file, config, preprocessor, settings } = open;
  try {
    const dtype = options.dtype && convertDtypes[options.dtype];
    const tensors = tensorsToWrite(open, dtype);
    return writeModelFolder(folder, { name, config, preprocessor, settings, tensors, ...(dtype && { dtype }) });
  } finally {
    file.close();
  }
}

/**
 * The tensors of an open model by the names and in the orientation of its `writtenDialect`, read when they are written.
 * @param dtype to round them to; default: as they are stored
 */
export function tensorsToWrite(
  { file, checkpoint, config }: Pick<OpenModel, 'file' | 'checkpoint' | 'config'>,
  dtype?: WrittenDtype,
): Map<string, TensorToWrite> {
  const dialect = writtenDialect(config);
  const tensors = new Map<string, TensorToWrite>();
  for (const [role, shape] of rolesOf(config)) {
    const { theirs, form } = entryOf(dialect, role);
    const located = locate(checkpoint, role)!;
    // What lies alike in both is written whole, a tensor that three roles share too.
    const as = form === located.form ? 'same' : located.form;
    tensors.set(theirs, converted(file, { ...located, form: as }, storedShape(shape, form), dtype));
  }
  return tensors;
}

/** What a model folder is written from. */
export interface ModelToWrite {
  /** What error messages call it. */
  readonly name: string;
  readonly config: ClipConfig;
  readonly preprocessor: PreprocessSpec;
  readonly settings?: ModelSettings;
  /** By the names and in the orientation of the config's `writtenDialect`. */
  readonly tensors: ReadonlyMap<string, TensorToWrite>;
  /** Of the tensors, where it is one for all. */
  readonly dtype?: Dtype;
}

/**
 * Writes `model.safetensors`, `config.json` and `preprocessor_config.json` to a folder, made if need be, and
 * `clipscope.json` where the model has settings.
 * @throws InputError when the preprocessing is none that Hugging Face's file can name, or the folder cannot be written
 */
export function writeModelFolder(
  folder: string,
  { name, config, preprocessor, settings = {}, tensors, dtype }: ModelToWrite,
): Converted {
  const preprocessing = config.image && preprocessorJson(preprocessor, name);
  makeFolder(folder);
  const beside: [file: string, value: object][] = [['config.json', configJson(config, dtype)]];
  if (preprocessing) beside.push(['preprocessor_config.json', preprocessing]);
  if (Object.keys(settings).length > 0) beside.push(['clipscope.json', settings]);
  const target = join(folder, 'model.safetensors');
  for (const path of [target, ...beside.map(([file]) => join(folder, file))]) checkWritable(path);
  writeSafetensors(target, tensors, new Map([['format', 'pt']]));
  for (const [file, value] of beside) writeJson(join(folder, file), value);
  return { tensors: tensors.size, bytes: statSync(target).size, config };
}

function converted(
  file: TensorFile,
  located: Located,
  shape: readonly number[],
  dtype: WrittenDtype | undefined,
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
      return fromFloat32(target as WrittenDtype, toFloat32(stored, turned));
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
