/** From a checkpoint to the records of tensors the towers compute with. */

import { type Place, rememberPlace, storedTensor } from '../../tensor/stored.js';
import { type Linear, type Norm, type Tensor, type Tensor1D, type Tensor2D, tidy } from '../../tensor/tfjs.js';
import { writtenTensor } from '../../tensor/upload.js';
import type { BlockWeights } from '../block.js';
import type { ClipConfig } from '../config.js';
import type { ImageWeights } from '../imageTower.js';
import type { TextWeights } from '../textTower.js';
import { type Checkpoint, type Located, locate, type WeightSource } from './checkpoint.js';
import { thirdOf } from './dialects.js';
import { rolesOf } from './roles.js';

export interface ClipWeights {
  readonly image?: ImageWeights;
  readonly text?: TextWeights;
  /** The factor of cosines, `exp` of what is stored; OpenAI's 100 where a checkpoint has none. */
  readonly logitScale: number;
}

export interface LoadWeightsOptions {
  /**
   * `engine` (default): values go to the active engine now. `file`: they stay where they are until an engine first needs
   * them, so the source has to stay open; a model that is only compiled never reads them.
   */
  values?: 'engine' | 'file';
}

/**
 * The weights of a checkpoint that `checkWeights` has passed, one tensor of the file at a time. Linear weights are
 * turned to `[in, out]` on the way, once, because engines are slow with the other order (see `linear`). A file that
 * breaks off half way leaves no tensor behind.
 */
export function loadWeights(checkpoint: Checkpoint, config: ClipConfig, options: LoadWeightsOptions = {}): ClipWeights {
  return tidy(() => readWeights(checkpoint, config, options));
}

function readWeights(
  checkpoint: Checkpoint,
  config: ClipConfig,
  { values = 'engine' }: LoadWeightsOptions,
): ClipWeights {
  const { source } = checkpoint;
  const tensors = new Map<string, Tensor>();
  const read = reader(source);
  for (const [role, shape] of rolesOf(config)) {
    if (role === 'logitScale') continue;
    const part = partOf(role, shape, locate(checkpoint, role)!);
    const made =
      values === 'file'
        ? storedTensor(part.shape, () => read(part, new Float32Array(part.size)))
        : writtenTensor([...part.shape], out => read(part, out));
    const place = placeIn(source, part);
    if (place) rememberPlace(made, place);
    tensors.set(role, made);
  }
  const scale = locate(checkpoint, 'logitScale');
  const logitScale = scale ? Math.exp(source.readFloat32(scale.tensor)[0]!) : 100;
  return { ...assemble(tensors, config), logitScale };
}

/** Tables whose rows are looked up, not multiplied with. */
const lookedUp: ReadonlySet<string> = new Set(['text.table', 'text.positions', 'image.positions']);

/** What a weight is made of: a tensor of the file, or a third of its rows, as it is or turned. */
interface Part {
  readonly name: string;
  /** Which third of the file's tensor. */
  readonly third?: number;
  /** Of the weight: `[in, out]` for one that is multiplied with. */
  readonly shape: readonly number[];
  readonly size: number;
  /** The file holds the weight's transpose. */
  readonly turned: boolean;
}

function partOf(role: string, shape: readonly number[], { tensor: name, form }: Located): Part {
  const size = shape.reduce((a, b) => a * b, 1);
  const asStored = shape.length === 1 || lookedUp.has(role);
  const third = thirdOf(form);
  return {
    name,
    size,
    shape: asStored ? shape : [size / shape[0]!, shape[0]!],
    turned: !asStored && form !== 'transposed',
    ...(third !== undefined && { third }),
  };
}

/** Reads parts into arrays, keeping the last tensor read, since three parts in a row may share one. */
function reader(source: WeightSource): (part: Part, out: Float32Array) => Float32Array {
  let scratch = new Float32Array(0);
  let kept = '';
  const stored = ({ name, third, size }: Part) => {
    const whole = third === undefined ? size : 3 * size;
    if (kept !== name) {
      if (scratch.length < whole) scratch = new Float32Array(whole);
      kept = '';
      source.readFloat32(name, scratch);
      kept = name;
    }
    return scratch.subarray((third ?? 0) * size, ((third ?? 0) + 1) * size);
  };
  return (part, out) => {
    const [inputs, outputs] = part.shape;
    if (part.turned) transposeInto(out, stored(part), outputs!, inputs!);
    else if (part.third !== undefined) out.set(stored(part));
    else source.readFloat32(part.name, out);
    return out;
  };
}

const placedTypes: Record<string, Place['dtype']> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };

/** Where a part lies in the file, when the file holds its very bytes. */
function placeIn(source: WeightSource, { name, third, turned }: Part): Place | undefined {
  const dtype = placedTypes[source.tensors.get(name)?.dtype ?? ''];
  const whole = source.location?.(name);
  if (!dtype || !whole) return undefined;
  if (third === undefined) return { slice: whole, dtype, transposed: turned };
  const length = whole.length / 3;
  return { slice: { ...whole, offset: whole.offset + third * length, length }, dtype, transposed: turned };
}

/** `[rows, columns] -> [columns, rows]` in blocks that stay in the cache. */
function transposeInto(out: Float32Array, values: Float32Array, rows: number, columns: number): void {
  const side = 32;
  for (let r0 = 0; r0 < rows; r0 += side) {
    const r1 = Math.min(r0 + side, rows);
    for (let c0 = 0; c0 < columns; c0 += side) {
      const c1 = Math.min(c0 + side, columns);
      for (let c = c0; c < c1; c++) for (let r = r0; r < r1; r++) out[c * rows + r] = values[r * columns + c]!;
    }
  }
}

function assemble(tensors: ReadonlyMap<string, Tensor>, config: ClipConfig): Omit<ClipWeights, 'logitScale'> {
  const take = <T extends Tensor>(role: string) => tensors.get(role) as T;
  const has = (role: string) => tensors.has(role);
  const norm = (role: string): Norm => ({ weight: take(`${role}.weight`), bias: take(`${role}.bias`) });
  const linear = (role: string): Linear => ({
    weight: take(`${role}.weight`),
    ...(has(`${role}.bias`) && { bias: take<Tensor1D>(`${role}.bias`) }),
  });
  const blocks = (tower: string, layers: number): BlockWeights[] =>
    Array.from({ length: layers }, (_, i) => {
      const b = `${tower}.blocks.${i}`;
      return {
        ln1: norm(`${b}.ln1`),
        q: linear(`${b}.attn.q`),
        k: linear(`${b}.attn.k`),
        v: linear(`${b}.attn.v`),
        ...(has(`${b}.attnLn.weight`) && { attnLn: norm(`${b}.attnLn`) }),
        out: linear(`${b}.attn.out`),
        ln2: norm(`${b}.ln2`),
        fc1: linear(`${b}.mlp.fc1`),
        ...(has(`${b}.mlp.up.weight`) && { up: linear(`${b}.mlp.up`) }),
        ...(has(`${b}.mlpLn.weight`) && { mlpLn: norm(`${b}.mlpLn`) }),
        fc2: linear(`${b}.mlp.fc2`),
      };
    });
  const image: ImageWeights | undefined = config.image && {
    patch: take<Tensor2D>('image.patch.weight'),
    ...(has('image.patchBias') && { patchBias: take<Tensor1D>('image.patchBias') }),
    classToken: take<Tensor1D>('image.classToken'),
    positions: take<Tensor2D>('image.positions'),
    ...(has('image.lnPre.weight') && { lnPre: norm('image.lnPre') }),
    blocks: blocks('image', config.image.layers),
    lnPost: norm('image.lnPost'),
    projection: take<Tensor2D>('image.projection'),
    ...(has('image.projectionBias') && { projectionBias: take<Tensor1D>('image.projectionBias') }),
  };
  const text: TextWeights | undefined = config.text && {
    table: take<Tensor2D>('text.table'),
    positions: take<Tensor2D>('text.positions'),
    blocks: blocks('text', config.text.layers),
    lnFinal: norm('text.lnFinal'),
    projection: take<Tensor2D>('text.projection'),
  };
  return { ...(image && { image }), ...(text && { text }) };
}
