/** From a checkpoint to the records of tensors the towers compute with. */

import { type Linear, type Norm, type Tensor, type Tensor1D, type Tensor2D, tidy } from '../../tensor/tfjs.js';
import { writtenTensor } from '../../tensor/upload.js';
import type { BlockWeights } from '../block.js';
import type { ClipConfig } from '../config.js';
import type { ImageWeights } from '../imageTower.js';
import type { TextWeights } from '../textTower.js';
import { type Checkpoint, locate, type WeightSource } from './checkpoint.js';
import type { Form } from './dialects.js';
import { rolesOf } from './roles.js';

export interface ClipWeights {
  readonly image?: ImageWeights;
  readonly text?: TextWeights;
  /** The factor of cosines, `exp` of what is stored; OpenAI's 100 where a checkpoint has none. */
  readonly logitScale: number;
}

/**
 * Reads the weights of a checkpoint that `checkWeights` has passed, one tensor of the file at a time. Linear weights
 * are turned to `[in, out]` on the way, once, because engines are slow with the other order (see `linear`). A file that
 * breaks off half way leaves no tensor behind.
 */
export function loadWeights(checkpoint: Checkpoint, config: ClipConfig): ClipWeights {
  return tidy(() => readWeights(checkpoint, config));
}

function readWeights(checkpoint: Checkpoint, config: ClipConfig): ClipWeights {
  const { source } = checkpoint;
  const tensors = new Map<string, Tensor>();
  const read = packedReader(source);
  for (const [role, shape] of rolesOf(config)) {
    if (role === 'logitScale') continue;
    const { tensor: name, form } = locate(checkpoint, role)!;
    const size = shape.reduce((a, b) => a * b, 1);
    const rows = shape[0]!;
    const asRows = shape.length === 1 || lookedUp.has(role);
    const write = (out: Float32Array) => {
      if (!asRows && form !== 'transposed') transposeInto(out, read(name, form, size), rows, size / rows);
      else if (thirds[form] === undefined) source.readFloat32(name, out);
      else out.set(read(name, form, size));
    };
    tensors.set(role, writtenTensor(asRows ? [...shape] : [size / rows, rows], write));
  }
  const scale = locate(checkpoint, 'logitScale');
  const logitScale = scale ? Math.exp(source.readFloat32(scale.tensor)[0]!) : 100;
  return { ...assemble(tensors, config), logitScale };
}

/** Tables whose rows are looked up, not multiplied with. */
const lookedUp: ReadonlySet<string> = new Set(['text.table', 'text.positions', 'image.positions']);

const thirds: Partial<Record<Form, number>> = { 'first third': 0, 'second third': 1, 'last third': 2 };

/** Reads a role's values, keeping the last tensor read, since three roles in a row may share one. */
function packedReader(source: WeightSource): (name: string, form: Form, size: number) => Float32Array {
  let scratch = new Float32Array(0);
  let kept = '';
  return (name, form, size) => {
    const third = thirds[form];
    const whole = third === undefined ? size : 3 * size;
    if (kept !== name) {
      if (scratch.length < whole) scratch = new Float32Array(whole);
      source.readFloat32(name, scratch);
      kept = name;
    }
    return scratch.subarray((third ?? 0) * size, ((third ?? 0) + 1) * size);
  };
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
  const pair = (role: string) => ({ weight: take(`${role}.weight`), bias: take<Tensor1D>(`${role}.bias`) });
  const norm = (role: string) => pair(role) as Norm;
  const linear = (role: string) => pair(role) as Linear;
  const blocks = (tower: string, layers: number): BlockWeights[] =>
    Array.from({ length: layers }, (_, i) => {
      const b = `${tower}.blocks.${i}`;
      return {
        ln1: norm(`${b}.ln1`),
        q: linear(`${b}.attn.q`),
        k: linear(`${b}.attn.k`),
        v: linear(`${b}.attn.v`),
        out: linear(`${b}.attn.out`),
        ln2: norm(`${b}.ln2`),
        fc1: linear(`${b}.mlp.fc1`),
        fc2: linear(`${b}.mlp.fc2`),
      };
    });
  const image: ImageWeights | undefined = config.image && {
    patch: take<Tensor2D>('image.patch.weight'),
    classToken: take<Tensor1D>('image.classToken'),
    positions: take<Tensor2D>('image.positions'),
    lnPre: norm('image.lnPre'),
    blocks: blocks('image', config.image.layers),
    lnPost: norm('image.lnPost'),
    projection: take<Tensor2D>('image.projection'),
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
