/** Where a graph runs. What crosses this border is plain data, so that the other side may be another thread. */
import { InputError } from '../../errors.js';

/** A tensor outside any engine: elements in row-major order, and a shape. */
export interface Values {
  readonly data: Float32Array | Int32Array | Uint8Array;
  readonly shape: readonly number[];
  /** Told from the array's type when left out; a `Uint8Array` holds booleans. */
  readonly dtype?: 'float32' | 'int32' | 'bool';
}

/** The element type that an array holds. @throws InputError for an array of any other kind. */
export function dtypeOf(data: Values['data']): NonNullable<Values['dtype']> {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof Uint8Array) return 'bool';
  const given = (data as object | undefined)?.constructor?.name ?? String(data);
  throw new InputError(`compiled function: expected data as Float32Array, Int32Array or Uint8Array, got ${given}`);
}

/** What it takes to start a session. */
export interface Program {
  /** The graph as an ONNX model; the host may give the memory away. */
  readonly model: Uint8Array;
  /** The folder that the model's references to weights start from. */
  readonly folder?: string;
  /** Threads to compute one operation with; default: what the runtime takes. */
  readonly threads?: number;
}

/** A started session. */
export interface Session {
  /** Inputs and outputs by name. */
  run(inputs: Readonly<Record<string, Values>>): Promise<Record<string, Values>>;
  release(): Promise<void>;
}

export type Host = (program: Program) => Promise<Session>;
