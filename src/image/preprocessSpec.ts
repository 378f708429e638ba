import { InputError, suggestion } from '../errors.js';
import { quoted } from '../files/quote.js';
import { type ResizeFilter, resizeFilters } from './resizing/filters.js';
import type { Triple } from './resizing/planes.js';

/**
 * How the picture meets the model's size: its short side, its long side, or both (ignoring the aspect ratio) become that
 * of the target.
 */
const fitModes = ['shortest', 'longest', 'squash'] as const;

type FitMode = (typeof fitModes)[number];

/** A width and a height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** What happens to a picture before a model sees it: resize, crop about the centre, scale, normalise. */
export interface PreprocessSpec {
  /** Target of the resize and how it is met; null leaves the size alone. */
  readonly resize: (Size & { readonly fit: FitMode }) | null;
  readonly filter: ResizeFilter;
  /** Size cut about the centre, padded with `fill` where the picture is smaller; null cuts nothing. */
  readonly crop: Size | null;
  /** Sample value of the padding. */
  readonly fill: number;
  /** Factor that brings 0..255 to the units of `mean` and `std`; 1/255 in every published CLIP. */
  readonly rescale: number;
  readonly mean: Triple;
  readonly std: Triple;
}

/** Mean of red, green and blue over CLIP's training pictures, in units of 0..1. */
export const clipMean: Triple = [0.48145466, 0.4578275, 0.40821073];
/** Standard deviation of red, green and blue over CLIP's training pictures. */
export const clipStd: Triple = [0.26862954, 0.26130258, 0.27577711];

/** No model takes larger pictures; a larger size in a config is a mistake, refused before memory is taken for it. */
const maxSide = 16384;

/** OpenAI's preprocessing: short side to `size` (bicubic), the central square, CLIP's mean and deviation. */
export function clipPreprocess(size = 224): PreprocessSpec {
  const square = sizeOf(size, 'clipPreprocess: size');
  return {
    resize: { ...square, fit: 'shortest' },
    filter: 'bicubic',
    crop: square,
    fill: 0,
    rescale: 1 / 255,
    mean: clipMean,
    std: clipStd,
  };
}

/** The same preprocessing for another model size: the resize and the crop, where there are any, become `size`. */
export function withSize(spec: PreprocessSpec, size: number): PreprocessSpec {
  const square = sizeOf(size, 'withSize: size');
  return {
    ...spec,
    resize: spec.resize && { ...spec.resize, ...square },
    crop: spec.crop && square,
  };
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown, where: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new InputError(`${where}: expected a JSON object, got ${shown(value)}`);
}

/** A JSON value for a message; what is nested (perhaps without end) is only named. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return quoted(value, 60);
  if (typeof value !== 'object' || value === null) return String(value);
  if (!Array.isArray(value)) return 'an object';
  if (value.length > 8 || value.some(item => typeof item === 'object')) return 'an array';
  return `[${value.map(shown)}]`;
}

/** The value under `key`; null counts as absent, as it does in both libraries. */
function field(fields: Fields, key: string): unknown {
  return Object.hasOwn(fields, key) ? (fields[key] ?? undefined) : undefined;
}

function sideOf(value: unknown, where: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= maxSide) return value;
  throw new InputError(`${where}: expected a whole number of pixels from 1 to ${maxSide}, got ${shown(value)}`);
}

/** A size written as one number, `[height, width]` or `{height, width}`. */
function sizeOf(value: unknown, where: string): Size {
  if (typeof value === 'number') return { width: sideOf(value, where), height: sideOf(value, where) };
  if (Array.isArray(value) && value.length === 2) {
    return { width: sideOf(value[1], where), height: sideOf(value[0], where) };
  }
  const fields = fieldsOf(value, where);
  return { width: sideOf(fields.width, `${where}.width`), height: sideOf(fields.height, `${where}.height`) };
}

function flagOf(fields: Fields, key: string, name: string): boolean {
  const value = field(fields, key) ?? true;
  if (typeof value === 'boolean') return value;
  throw new InputError(`${name}: ${key}: expected true or false, got ${shown(value)}`);
}

function numberOf(value: unknown, accept: (value: number) => boolean, what: string, where: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && accept(value)) return value;
  throw new InputError(`${where}: expected ${what}, got ${shown(value)}`);
}

/** Three numbers, or one for all three. */
function tripleOf(value: unknown, fallback: Triple, accept: (value: number) => boolean, where: string): Triple {
  if (value === undefined) return fallback;
  const values: unknown[] = Array.isArray(value) ? value : [value, value, value];
  const [red, green, blue] = values;
  const good = (v: unknown): v is number => typeof v === 'number' && Number.isFinite(Math.fround(v)) && accept(v);
  if (values.length === 3 && good(red) && good(green) && good(blue)) return [red, green, blue];
  throw new InputError(`${where}: expected three numbers for red, green and blue, got ${shown(value)}`);
}

/** A divisor that is still over 0 as a float32. */
const isDeviation = (value: number) => Math.fround(value) > 0;

/** Pillow's filters by the numbers that Hugging Face's files give them. */
export const pillowFilters: readonly ResizeFilter[] = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming'];

/**
 * Reads a Hugging Face `preprocessor_config.json` (already parsed) of a CLIP. Sizes may be in the old style (`224`) or
 * the new (`{"shortest_edge": 224}`, `{"height": 224, "width": 224}`); what is absent has CLIP's value.
 *
 * @param name what error messages call it, such as the file's path
 * @param size the model's size in pixels, for a file that gives none
 * @throws InputError that names the first field which is not understood
 */
export function parsePreprocessor(json: unknown, name: string, size = 224): PreprocessSpec {
  const fields = fieldsOf(json, name);
  const code = field(fields, 'resample') ?? 3;
  const filter = typeof code === 'number' ? pillowFilters[code] : undefined;
  if (!filter) {
    const codes = pillowFilters.map((known, i) => `${i} ${known}`).join(', ');
    throw new InputError(`${name}: resample: expected one of Pillow's filter numbers (${codes}), got ${shown(code)}`);
  }
  const rescale = numberOf(
    field(fields, 'rescale_factor') ?? 1 / 255,
    value => value > 0 && Number.isFinite(Math.fround(255 * value)),
    'a number over 0',
    `${name}: rescale_factor`,
  );
  const normalises = flagOf(fields, 'do_normalize', name);
  const mean = tripleOf(field(fields, 'image_mean'), clipMean, () => true, `${name}: image_mean`);
  const std = tripleOf(field(fields, 'image_std'), clipStd, isDeviation, `${name}: image_std`);
  const resize = resizeOf(field(fields, 'size') ?? size, `${name}: size`);
  const crop = sizeOf(field(fields, 'crop_size') ?? size, `${name}: crop_size`);
  return {
    resize: flagOf(fields, 'do_resize', name) ? resize : null,
    filter,
    crop: flagOf(fields, 'do_center_crop', name) ? crop : null,
    fill: 0,
    rescale: flagOf(fields, 'do_rescale', name) ? rescale : 1,
    mean: normalises ? mean : [0, 0, 0],
    std: normalises ? std : [1, 1, 1],
  };
}

function resizeOf(value: unknown, where: string): Size & { fit: FitMode } {
  if (typeof value === 'number') return { ...sizeOf(value, where), fit: 'shortest' };
  const fields = fieldsOf(value, where);
  const shortest = field(fields, 'shortest_edge');
  if (shortest === undefined) return { ...sizeOf(value, where), fit: 'squash' };
  if (field(fields, 'longest_edge') !== undefined) {
    throw new InputError(
      `${where}: shortest_edge together with longest_edge is not supported; keep shortest_edge alone`,
    );
  }
  return { ...sizeOf(sideOf(shortest, `${where}.shortest_edge`), where), fit: 'shortest' };
}

/**
 * Reads the preprocessing of an `open_clip_config.json` (already parsed): `preprocess_cfg`, with the size from there or
 * from `model_cfg.vision_cfg.image_size`. What is absent has OpenCLIP's default, which is CLIP's value.
 *
 * @param name what error messages call it, such as the file's path
 * @param size the model's size in pixels, for a file that gives none
 * @throws InputError that names the first field which is not understood
 */
export function parseOpenClipPreprocess(json: unknown, name: string, size = 224): PreprocessSpec {
  const config = fieldsOf(json, name);
  const inside = (fields: Fields, key: string, where: string) => fieldsOf(field(fields, key) ?? {}, `${where}${key}`);
  const fields = inside(config, 'preprocess_cfg', `${name}: `);
  const vision = inside(inside(config, 'model_cfg', `${name}: `), 'vision_cfg', `${name}: model_cfg.`);
  const path = `${name}: preprocess_cfg`;

  const own = field(fields, 'size');
  const target =
    own === undefined
      ? sizeOf(field(vision, 'image_size') ?? size, `${name}: model_cfg.vision_cfg.image_size`)
      : sizeOf(own, `${path}.size`);
  const fit = oneOf(field(fields, 'resize_mode') ?? 'shortest', fitModes, `${path}.resize_mode`);
  const filter = oneOf(
    field(fields, 'interpolation') ?? 'bicubic',
    ['random', ...resizeFilters],
    `${path}.interpolation`,
  );
  return {
    resize: { ...target, fit },
    // 'random' is a training setting; outside training OpenCLIP takes bicubic for it.
    filter: filter === 'random' ? 'bicubic' : filter,
    crop: fit === 'squash' ? null : target,
    fill: numberOf(
      field(fields, 'fill_color') ?? 0,
      value => Number.isInteger(value) && value >= 0 && value <= 255,
      'a whole number from 0 to 255',
      `${path}.fill_color`,
    ),
    rescale: 1 / 255,
    mean: tripleOf(field(fields, 'mean'), clipMean, () => true, `${path}.mean`),
    std: tripleOf(field(fields, 'std'), clipStd, isDeviation, `${path}.std`),
  };
}

function oneOf<T extends string>(value: unknown, known: readonly T[], where: string): T {
  const found = known.find(candidate => candidate === value);
  if (found) return found;
  const word = typeof value === 'string' ? value : '';
  throw new InputError(`${where}: ${shown(value)} is not known${suggestion(word, known)}`);
}
