/**
 * From a function of tensors to a graph that ONNX Runtime runs. Recording, lowering and writing are in `trace/`, running
 * in `run/`; which graph serves a call depends on its sizes alone, so a compiled function is a small table of sessions.
 */
import { InputError, suggestion } from '../errors.js';
import { TensorClass } from './internals.js';
import { dtypeOf, type Host, type Session, type Values } from './run/host.js';
import { inlineHost } from './run/inline.js';
import { sessionCache } from './run/sessions.js';
import { workerHost } from './run/worker.js';
import { type Tensor, type Tensor1D, type Tensor2D, type Tensor3D, type Tensor4D, tensor } from './tfjs.js';
import { type Model, makeModel } from './trace/model.js';
import { checkSignature, freeSize, type Given, type InputSpec, namedSizes, sizesOf } from './trace/signature.js';
import { type Mapped, restructure, type Structure } from './trace/structure.js';

export type { InputSpec } from './trace/signature.js';
export type { Mapped, Structure } from './trace/structure.js';
export type { Values };

export interface CompileOptions {
  /**
   * Tensors that the function uses and that shall be inputs instead of constants, such as weights in training. They
   * follow the inputs of the signature, in this order.
   */
  lift?: readonly Tensor[];
  /** Threads to compute one operation with; default: one for each core. */
  threads?: number;
  /**
   * Where graphs run: `inline`, the default, is this thread, whose event loop a run holds up; `worker` is a thread of
   * their own, for what serves requests or shows progress.
   */
  host?: keyof typeof hosts;
  /**
   * `s8`: linear maps with known weights in eight-bit whole numbers, but for the first and the last ones, which makes
   * a tower one and a half to four times as fast, by the processor, and its result less exact. All that a call gives a
   * map shares one scale, so what comes out for an image depends a little on the others of its batch.
   */
  quantize?: (typeof quantizations)[number];
  /** How many graphs are kept when sizes are named; default 4. Each holds its own copy of the weights. */
  keep?: number;
}

/** The ways to quantise. */
export const quantizations = ['s8'] as const;
const hosts = { inline: inlineHost, worker: workerHost } satisfies Record<string, Host>;

/** The tensors that a function of this signature is called with. */
export type TensorsOf<S extends readonly InputSpec[]> = { -readonly [K in keyof S]: TensorOf<S[K]['shape']> };

type TensorOf<Shape extends readonly unknown[]> = Shape['length'] extends 1
  ? Tensor1D
  : Shape['length'] extends 2
    ? Tensor2D
    : Shape['length'] extends 3
      ? Tensor3D
      : Shape['length'] extends 4
        ? Tensor4D
        : Tensor;

/** A function that was compiled. It returns what the original returns, with tensors for tensors and values for values. */
export interface Compiled<R> {
  (...inputs: readonly Tensor[]): Promise<R>;
  (...inputs: readonly Values[]): Promise<Mapped<R, Values>>;
  /** Frees its sessions. It cannot be called afterwards. */
  dispose(): Promise<void>;
}

/**
 * Compiles a function of tensors. It is called a few times on tensors without values, and what it does becomes a graph:
 * it must do the same each time, at once, and read no value. Tensors that it meets on the way become constants of the
 * graph; those that lie in a safetensors file stay there and are not read (see `stored.ts`).
 *
 *     const dense = await compile(x => clip.image(x, { last: { attention: mine } }).tokens, [
 *       { shape: ['batch', 3, 224, 224] },
 *     ]);
 *     const tokens = await dense(pixels);
 *
 * @returns once the graph runs; with named sizes other than the batch, at once, for each size needs a graph of its own.
 * @throws InputError when the function cannot be recorded, naming the operation; here or, with named sizes, at a call.
 */
export async function compile<const S extends readonly InputSpec[], R extends Structure>(
  fn: (...inputs: TensorsOf<S>) => R,
  signature: S,
  options: CompileOptions = {},
): Promise<Compiled<R>> {
  const { lift = [], host = 'inline', threads, keep = 4, quantize } = options;
  checkSignature(signature);
  checkOptions(options);
  const whole: InputSpec[] = [...signature, ...lift.map(({ shape, dtype }) => ({ shape, dtype: dtype as 'float32' }))];
  const named = namedSizes(signature).length > 0;
  const lowering = { quantize, ...(named && { quantized: new Map() }) };
  const cache = sessionCache(keep, async sizes => {
    const model = await makeModel(fn as never, signature, sizes, lift, lowering);
    const { inputs, outputs, skeleton } = model;
    return { inputs, outputs, skeleton, session: await startSession(hosts[host], model, threads) };
  });
  if (!named) await cache.warm({});

  const call = async (...given: (Tensor | Values)[]): Promise<unknown> => {
    const asTensors = given.some(value => value instanceof TensorClass);
    const { [freeSize]: _, ...sizes } = sizesOf(whole, given.map(described));
    // Read before anything is waited for: what is given may be freed as soon as the call has returned its promise.
    const reading = Promise.all(given.map(valuesOf));
    return cache.use(sizes, async ({ session, ...model }) => {
      const values = await reading;
      const outputs = await session.run(Object.fromEntries(model.inputs.map((name, i) => [name, values[i]!])));
      const leaves = model.outputs.map(name => outputs[name]!);
      return restructure<Tensor | Values>(model.skeleton, asTensors ? leaves.map(toTensor) : leaves);
    });
  };
  return Object.assign(call, { dispose: cache.dispose }) as Compiled<R>;
}

function checkOptions({ host = 'inline', quantize = 's8', threads = 1, keep = 1 }: CompileOptions): void {
  checkName('compile', 'host', host, Object.keys(hosts));
  checkName('compile', 'quantize', quantize, quantizations);
  for (const [name, count] of Object.entries({ threads, keep })) {
    if (Number.isInteger(count) && count > 0) continue;
    throw new InputError(`compile: ${name}: expected a positive whole number, got ${count}`);
  }
}

/** @throws InputError when an option's name is none of those that are known. */
export function checkName(where: string, option: string, name: string, known: readonly string[]): void {
  if (!known.includes(name)) throw new InputError(`${where}: unknown ${option} '${name}'${suggestion(name, known)}`);
}

function startSession(host: Host, { bytes, folder }: Model, threads: number | undefined): Promise<Session> {
  return host({ model: bytes, ...(folder !== undefined && { folder }), ...(threads !== undefined && { threads }) });
}

/** What a call's value is, as far as it must fit the signature. */
function described(given: Tensor | Values, i: number): Given {
  if (given instanceof TensorClass) {
    if (given.isDisposed) throw new InputError(`compiled function: input ${i} is a tensor that has been disposed`);
    return given;
  }
  if (!Array.isArray(given?.shape)) {
    throw new InputError(`compiled function: input ${i}: expected a tensor, or its values as { data, shape }`);
  }
  const { data, shape } = given;
  const held = dtypeOf(data);
  const { dtype = held } = given;
  if (dtype !== held) throw new InputError(`compiled function: input ${i}: expected ${dtype} as data, got ${held}`);
  const size = shape.reduce((product, axis) => product * axis, 1);
  if (size === data.length) return { shape, dtype };
  throw new InputError(`compiled function: input ${i}: shape [${shape}] holds ${size} values, got ${data.length}`);
}

async function valuesOf(given: Tensor | Values): Promise<Values> {
  if (!(given instanceof TensorClass)) return given;
  return { data: await given.data(), shape: given.shape, dtype: given.dtype as 'float32' };
}

const toTensor = ({ data, shape, dtype = dtypeOf(data) }: Values): Tensor => tensor(data, [...shape], dtype);
