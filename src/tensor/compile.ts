/**
 * From a function of tensors to a graph that ONNX Runtime runs. Recording, lowering and writing are in `trace/`, running
 * in `run/`; which graph serves a call depends on its sizes alone, so a compiled function is a small table of sessions.
 */
import { InputError, suggestion } from '../errors.js';
import { isRecording } from './composite.js';
import { TensorClass } from './internals.js';
import { type Quantization, quantizations } from './names.js';
import { devices, type Host, type RuntimeOptions, type Session, type Values } from './run/host.js';
import { inlineHost } from './run/inline.js';
import { sessionCache } from './run/sessions.js';
import { workerHost } from './run/worker.js';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from './tfjs.js';
import { checkThreads } from './threads.js';
import { elementsOf } from './trace/graph.js';
import { type Model, makeModel } from './trace/model.js';
import { type Seeing, seeing } from './trace/see.js';
import {
  checkFunction,
  checkSignature,
  freeSize,
  type InputSpec,
  liftedSpecs,
  namedSizes,
  sizesOf,
} from './trace/signature.js';
import { type Mapped, restructure, type Structure } from './trace/structure.js';
import { checkFiles } from './trace/weightFiles.js';
import { described, toTensor, toValues } from './values.js';

export type { InputSpec } from './trace/signature.js';
export type { Mapped, Structure } from './trace/structure.js';
export type { Values };

export interface CompileOptions extends RuntimeOptions {
  /**
   * Tensors that the function uses and that shall be inputs instead of constants, such as weights in training. They
   * follow the inputs of the signature, in this order.
   */
  lift?: readonly Tensor[];
  /**
   * Where graphs run: `inline`, the default, is this thread, whose event loop a run holds up; `worker` is a thread of
   * their own, for what serves requests or shows progress. In a page, each worker has its own copy of the weights.
   */
  host?: keyof typeof hosts;
  /**
   * `s8`: linear maps with known weights in eight-bit whole numbers, but for the first and the last ones, which makes
   * a tower one and a half to four times as fast, by the processor, and its result less exact. All that a call gives a
   * map shares one scale, so what comes out for an image depends a little on the others of its batch.
   */
  quantize?: Quantization;
  /** How many graphs are kept when sizes are named; default 4. Each holds its own copy of the weights. */
  keep?: number;
}

/** Options of a function that shall return intermediates too. */
export interface SeeOptions extends CompileOptions {
  /**
   * Names or globs of intermediates to return too: the points of the towers, with or without `image.` or `text.` in
   * front, and what the function itself calls `named`. The compiled function then returns `{ result, seen }`.
   */
  see: readonly string[];
}

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
export function compile<const S extends readonly InputSpec[], R extends Structure>(
  fn: (...inputs: TensorsOf<S>) => R,
  signature: S,
  options: SeeOptions,
): Promise<Compiled<Seeing<R>>>;
export function compile<const S extends readonly InputSpec[], R extends Structure>(
  fn: (...inputs: TensorsOf<S>) => R,
  signature: S,
  options?: CompileOptions,
): Promise<Compiled<R>>;
export async function compile(
  fn: (...inputs: Tensor[]) => Structure,
  signature: readonly InputSpec[],
  options: Partial<SeeOptions> = {},
): Promise<Compiled<Structure>> {
  const { lift = [], see, host = 'inline', keep = 4, quantize, device = 'cpu' } = options;
  checkFunction(fn);
  checkOptions(options);
  checkSignature(signature);
  const specs: InputSpec[] = [...signature, ...liftedSpecs(lift)];
  checkSignature(specs);
  const named = namedSizes(signature).length > 0;
  const lowering = { quantize, target: device, ...(named && { quantized: new Map() }) };
  const whole = see ? seeing(fn, see) : fn;
  const cache = sessionCache(keep, async sizes => {
    const model = await makeModel(whole, signature, sizes, lift, lowering);
    const { inputs, outputs, results, skeleton, weights } = model;
    return { inputs, outputs, results, skeleton, weights, session: await startSession(hosts[host], model, options) };
  });
  if (!named) await cache.warm({});

  const answer = async (given: (Tensor | Values)[]): Promise<unknown> => {
    const asTensors = given.some(value => value instanceof TensorClass);
    const { [freeSize]: batch, ...sizes } = sizesOf(specs, given.map(described));
    // Read before anything is waited for: what is given may be freed as soon as the call has returned its promise.
    const reading = Promise.all(given.map(toValues));
    return cache.use(sizes, async ({ session, ...model }) => {
      const values = await reading;
      // The runtime reads on from files that it has mapped, whatever has become of them.
      checkFiles(model.weights);
      const run = async (): Promise<Values[]> => {
        const made = await session.run(Object.fromEntries(model.inputs.map((name, i) => [name, values[i]!])));
        return model.outputs.map(name => made[name]!);
      };
      const leaves = (batch === 0 ? emptyResults(model) : undefined) ?? (await run());
      return restructure<Tensor | Values>(model.skeleton, asTensors ? leaves.map(toTensor) : leaves);
    });
  };
  const call = (...given: (Tensor | Values)[]): Promise<unknown> => {
    // At once, because what is recorded could not wait for it.
    if (isRecording()) throw new InputError(`compile: the function calls a compiled one; call its original there`);
    return answer(given);
  };
  return Object.assign(call, { dispose: cache.dispose }) as Compiled<Structure>;
}

const optionNames = Object.keys({
  lift: 0,
  see: 0,
  host: 0,
  quantize: 0,
  keep: 0,
  threads: 0,
  pack: 0,
  device: 0,
  wasmPaths: 0,
} satisfies Record<keyof SeeOptions, 0>);

function checkOptions(options: Partial<SeeOptions>): void {
  for (const option of Object.keys(options)) checkName('compile', 'option', option, optionNames);
  const { see = [], host = 'inline', device = 'cpu', quantize = 's8', threads = 1, keep = 1 } = options;
  if (!Array.isArray(see) || !see.every(name => typeof name === 'string')) {
    throw new InputError('compile: see: expected a list of names of intermediates');
  }
  checkName('compile', 'host', host, Object.keys(hosts));
  checkName('compile', 'device', device, devices);
  checkName('compile', 'quantize', quantize, quantizations);
  checkThreads('compile: threads', threads);
  if (Number.isInteger(keep) && keep > 0) return;
  throw new InputError(`compile: keep: expected a positive whole number, got ${keep}`);
}

/** What comes out for a batch of none, where nothing does; on that some operators of the runtime break down. */
function emptyResults({ results }: Pick<Model, 'results'>): Values[] | undefined {
  const empty = results.map(({ dtype, shape }) => ({
    data: elementsOf(dtype, []) as Values['data'],
    shape: shape.map(size => (typeof size === 'number' ? size : size.offset)),
    dtype: dtype as 'float32',
  }));
  return empty.every(({ shape }) => shape.includes(0)) ? empty : undefined;
}

/** @throws InputError when an option's name is none of those that are known. */
export function checkName(where: string, option: string, name: string, known: readonly string[]): void {
  if (!known.includes(name)) throw new InputError(`${where}: unknown ${option} '${name}'${suggestion(name, known)}`);
}

function startSession(host: Host, { bytes, access }: Model, options: RuntimeOptions): Promise<Session> {
  const { threads, pack = true, device, wasmPaths } = options;
  const asked = { ...(threads && { threads }), ...(device && { device }), ...(wasmPaths && { wasmPaths }), pack };
  return host({ model: bytes, ...access, ...asked });
}
