/** A checkpoint in any dialect, seen by roles: which tensors are there, what sizes they imply, what is missing. */
import { InputError } from '../../errors.js';
import type { FileSlice } from '../../tensor/stored.js';
import { type ClipConfig, evaDefaults, type ImageConfig, type TextConfig } from '../config.js';
import { type Dialect, dialectOf, entryOf, evaClip, type Form, notWeights, plainName } from './dialects.js';
import { rolesOf } from './roles.js';

/** What the model needs of a file: names with shapes, and values on demand. */
export interface WeightSource {
  readonly name: string;
  readonly tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly dtype?: string }>;
  readFloat32(name: string, into?: Float32Array): Float32Array;
  /** Where the values lie in a file as they are, when they do. */
  location?(name: string): FileSlice | undefined;
}

export interface Checkpoint {
  readonly source: WeightSource;
  readonly dialect: Dialect;
  /** Plain name to the name in the file. */
  readonly names: ReadonlyMap<string, string>;
}

/** Recognises a checkpoint's dialect. @throws InputError when it is no CLIP this project knows. */
export function openCheckpoint(source: WeightSource): Checkpoint {
  const names = new Map<string, string>();
  for (const name of source.tensors.keys()) {
    if (notWeights.test(name)) continue;
    const plain = plainName(name);
    const other = names.get(plain);
    if (other) throw new InputError(`${source.name}: tensors '${other}' and '${name}' both stand for '${plain}'`);
    names.set(plain, name);
  }
  return { source, names, dialect: dialectOf(names.keys(), source.name) };
}

/** Where a role lies in the file: the tensor's name there, its shape, and how the role lies in it. */
export interface Located {
  readonly tensor: string;
  readonly shape: readonly number[];
  readonly form: Form;
}

export function locate({ source, names, dialect }: Checkpoint, role: string): Located | undefined {
  const { theirs, form } = entryOf(dialect, role);
  const tensor = names.get(theirs);
  return tensor === undefined ? undefined : { tensor, form, shape: source.tensors.get(tensor)!.shape };
}

/** The shape a role's tensor must have in the file, given the role's own shape. */
export function storedShape(shape: readonly number[], form: Form): readonly number[] {
  if (form === 'same') return shape;
  if (form === 'three axes') return [...new Array(3 - shape.length).fill(1), ...shape];
  return form === 'transposed' ? [...shape].reverse() : [3 * shape[0]!, ...shape.slice(1)];
}

/**
 * Sizes from the shapes of the tensors. Heads are 64 channels wide in every published CLIP but ViT-H and ViT-g, whose
 * checkpoints come with a config; the activation cannot be seen in shapes and is OpenAI's, or for EVA-CLIP the exact GELU
 * that its published text towers have.
 */
export function configFromShapes(checkpoint: Checkpoint): ClipConfig {
  const isEva = checkpoint.dialect === evaClip;
  const shapeOf = (role: string) => locate(checkpoint, role)?.shape;
  const layersOf = (tower: string) => {
    let layers = 0;
    while (shapeOf(`${tower}.blocks.${layers}.ln1.weight`)) layers++;
    return layers;
  };
  const common = (tower: string, width: number) => ({
    width,
    layers: layersOf(tower),
    heads: headsOf(width, tower, checkpoint.source.name),
    mlpWidth: shapeOf(`${tower}.blocks.0.mlp.fc1.weight`)?.[0] ?? 4 * width,
    activation: isEva ? ('gelu' as const) : ('quick_gelu' as const),
    layerNormEpsilon: 1e-5,
  });
  const conv = shapeOf('image.patch.weight');
  const positions = shapeOf('image.positions');
  const table = shapeOf('text.table');
  const imageEmbedding = embeddingOf(locate(checkpoint, 'image.projection'));
  const textEmbedding = embeddingOf(locate(checkpoint, 'text.projection'));
  const embedding = imageEmbedding ?? textEmbedding;
  if (embedding === undefined) {
    const { theirs } = entryOf(checkpoint.dialect, conv ? 'image.projection' : 'text.projection');
    throw new InputError(
      `${checkpoint.source.name}: tensor '${theirs}' is missing; without it there is no joint embedding`,
    );
  }
  const image: ImageConfig | undefined =
    conv?.length === 4 && positions && positions.length >= 2
      ? {
          ...common('image', conv[0]!),
          ...(isEva && evaDefaults),
          patch: conv[3]!,
          imageSize: conv[3]! * Math.round(Math.sqrt(Math.max(positions.at(-2)! - 1, 0))),
        }
      : undefined;
  const text: TextConfig | undefined =
    table?.length === 2
      ? {
          ...common('text', table[1]!),
          context: shapeOf('text.positions')?.[0] ?? 77,
          vocabulary: table[0]!,
          pooling: 'largest-id',
        }
      : undefined;
  return { embedding, ...(image && { image }), ...(text && { text }) };
}

function embeddingOf(projection: Located | undefined): number | undefined {
  return projection && (projection.form === 'transposed' ? projection.shape[1] : projection.shape[0]);
}

function headsOf(width: number, tower: string, file: string): number {
  if (width > 0 && width % 64 === 0) return width / 64;
  throw new InputError(
    `${file}: the ${tower} tower is ${width} wide, no multiple of 64, so its heads need a config.json`,
  );
}

/**
 * Holds a checkpoint against a config: every role there with its shape, and nothing left over.
 * @throws InputError naming the first missing and the first unused tensor, or the first whose shape is another; or when
 * one is EVA-CLIP's and the other is not.
 */
export function checkWeights(checkpoint: Checkpoint, config: ClipConfig): void {
  const { source, names, dialect } = checkpoint;
  checkArchitecture(checkpoint, config);
  const used = new Set<string>();
  let missing: string | undefined;
  const roles = rolesOf(config);
  // One tower alone needs no factor of cosines, but may bring it.
  if (locate(checkpoint, 'logitScale')) roles.set('logitScale', []);
  for (const [role, shape] of roles) {
    const found = locate(checkpoint, role);
    if (!found) {
      missing ??= entryOf(dialect, role).theirs;
      continue;
    }
    used.add(found.tensor);
    const expected = storedShape(shape, found.form);
    // A scalar is stored as [] or as [1].
    const scalar = shape.length === 0 && String(found.shape) === '1';
    if (String(found.shape) !== String(expected) && !scalar) {
      throw new InputError(
        `${source.name}: tensor '${found.tensor}' is [${found.shape}], but the config asks for [${expected}]`,
      );
    }
  }
  const unused = [...names.values()].find(name => !used.has(name));
  if (missing === undefined && unused === undefined) return;
  const parts = [
    missing !== undefined ? `first missing tensor '${missing}'` : '',
    unused !== undefined ? `first unused tensor '${unused}'` : '',
  ].filter(Boolean);
  throw new InputError(`${source.name}: the weights do not fit the config: ${parts.join(', ')}`);
}

function checkArchitecture({ source, dialect }: Checkpoint, { image }: ClipConfig): void {
  const [weights, sizes] = [dialect === evaClip, image?.eva !== undefined];
  if (!image || weights === sizes) return;
  const kind = (eva: boolean) => (eva ? 'EVA02-CLIP' : "OpenAI's kind");
  throw new InputError(`${source.name}: the weights are of ${kind(weights)}, but the config describes ${kind(sizes)}`);
}
