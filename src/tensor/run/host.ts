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

/** Where the references of a model lead. */
export interface WeightAccess {
  /** The folder that they start from, on a disk. */
  readonly folder?: string;
  /** Or the files themselves, by the paths that the model uses. */
  readonly files?: readonly { readonly path: string; readonly data: Uint8Array }[];
}

/** What a graph is run with. */
export interface RuntimeOptions {
  /**
   * Threads to compute one operation with; default: one for each core. In a page, at most four, and one where it is
   * not cross-origin isolated; there `inline` graphs share the threads that the first of them asks for.
   */
  readonly threads?: number;
  /**
   * Whether weights are rearranged for the processor when a graph starts; default true. Without, on a disk, a graph
   * starts in a fraction of the time and its weights are the file's own pages, which processes share; each run takes
   * some 5 to 10 % longer. For a run or two.
   */
  readonly pack?: boolean;
  /** In a page only: `webgpu` computes on the graphics processor; `cpu` is the default. */
  readonly device?: Device;
  /**
   * In a page only: the folder of the site that has onnxruntime-web's `.wasm` and `.mjs` files, such as `/ort/`;
   * default: where the bundler put them. The first graph decides.
   */
  readonly wasmPaths?: string;
}

/** What can compute a graph. */
export const devices = ['cpu', 'webgpu'] as const;
export type Device = (typeof devices)[number];

/** What it takes to start a session. */
export interface Program extends WeightAccess, RuntimeOptions {
  /** The graph as an ONNX model; the host may give the memory away. */
  readonly model: Uint8Array;
  /** Inputs that a run leaves for the next one, and the outputs that they are: these stay with the session. */
  readonly kept?: Readonly<Record<string, string>>;
}

/** A started session. */
export interface Session {
  /** Inputs and outputs by name. What is kept need be given to the first run alone. */
  run(inputs: Readonly<Record<string, Values>>): Promise<Record<string, Values>>;
  /** What is kept, by the names of the inputs: copies. */
  kept(): Promise<Record<string, Values>>;
  release(): Promise<void>;
}

export type Host = (program: Program) => Promise<Session>;
