/**
 * A training step as one graph: weights and whatever else changes from step to step go in and come out, so that nothing
 * is kept on either side.
 */
import { InputError } from '../errors.js';
import { type CompileOptions, compile, type InputSpec, type Mapped, type TensorsOf, type Values } from './compile.js';
import { TensorClass } from './internals.js';
import { dtypeOf } from './run/host.js';
import type { Tensor } from './tfjs.js';
import { checkFunction, type Given, sizesOf } from './trace/signature.js';
import { type Leaf, leavesOf, restructure, type Structure } from './trace/structure.js';
import { described as describedInput, toTensor, toValues } from './values.js';

/** What a step goes on from: tensors at the start, then the values that the step before gave. */
export type StepState<State> = State | Mapped<State, Values>;

/** A step that was compiled. */
export interface CompiledStep<State, R> {
  /**
   * Does one step. What comes back is what the function returns, with values for tensors.
   */
  (state: StepState<State>, ...inputs: readonly (Tensor | Values)[]): Promise<Mapped<R, Values>>;
  /** Frees its sessions. It cannot be called afterwards. */
  dispose(): Promise<void>;
}

/**
 * Compiles a step of training, or of anything that goes on from its own result.
 *
 *     const step = await compileStep(
 *       ({ weights, momentum }, x, y) => {
 *         const { loss, gradients } = lossAndGradients(w => distance(model(w, x), y), weights);
 *         return { state: descend(weights, momentum, gradients), loss };
 *       },
 *       start, // { weights, momentum }
 *       [{ shape: ['batch', 8] }, { shape: ['batch', 1] }],
 *     );
 *     let state: StepState<typeof start> = start;
 *     for (const [x, y] of batches) ({ state } = await step(state, x, y));
 *
 * The same function runs eagerly. Tensors that it uses beside the state are constants of the graph.
 *
 * @param state tensors in lists and records, for their structure, shapes and types; their values are not kept.
 * @throws InputError when the function cannot be recorded, or gives back a state of another form than it takes.
 */
export async function compileStep<
  State extends Structure,
  const S extends readonly InputSpec[],
  R extends { readonly state: State },
>(
  fn: (state: State, ...inputs: TensorsOf<S>) => R,
  state: State,
  signature: S,
  options: Omit<CompileOptions, 'lift'> = {},
): Promise<CompiledStep<State, R>> {
  const { form, specs, whole } = flattened(fn, state);
  const compiled = await compile(whole as never, [...specs, ...signature], options);
  const step = async (given: unknown, ...inputs: readonly (Tensor | Values)[]) => {
    const values = [...(await stateValues(given, form)), ...(await inputValues(inputs, signature))];
    return compiled(...values);
  };
  return Object.assign(step, { dispose: compiled.dispose }) as CompiledStep<State, R>;
}

/** A step as a function of tensors alone: those of the state, then its inputs. */
export function flattened<State extends Structure, R extends { readonly state: State }>(
  fn: (state: State, ...inputs: never) => R,
  state: State,
) {
  checkFunction(fn);
  const form = leavesOf(state).map(({ path, tensor: { shape, dtype } }): Form => ({ path, shape: [...shape], dtype }));
  const specs = form.map(({ path, shape, dtype }): InputSpec => {
    return { shape, dtype: dtype as 'float32', name: ['given', 'state', ...path].join('.') };
  });
  // Structure alone, so that the tensors can be freed.
  const empty = restructure(
    state,
    form.map((_, i) => i),
  );
  const whole = (...tensors: Tensor[]): R => {
    const result = fn(fill(empty, tensors) as State, ...(tensors.slice(form.length) as never));
    checkNext(result, form);
    return result;
  };
  return { form, specs, whole };
}

/** The values of a state, in the order of its form. @throws InputError when it is of another form. */
export async function stateValues(given: unknown, form: readonly Form[]): Promise<Values[]> {
  const values = await Promise.all(form.map(({ path }) => valuesOf(partAt(given, path))));
  form.forEach((expected, i) => {
    checkPart(values[i]!, expected);
  });
  return values;
}

/** The values of a step's inputs beside its state. @throws InputError when they do not fit the signature. */
export async function inputValues(
  inputs: readonly (Tensor | Values)[],
  signature: readonly InputSpec[],
): Promise<Values[]> {
  sizesOf(signature, inputs.map(describedInput));
  return Promise.all(inputs.map(valuesOf));
}

/** A tensor of the state, without its values. */
export interface Form {
  readonly path: readonly string[];
  readonly shape: readonly number[];
  readonly dtype: string;
}

const nameOf = (path: readonly string[]): string => ['state', ...path].join('.');

/** Puts leaves for the numbers in a structure. */
function fill(like: unknown, leaves: readonly unknown[]): unknown {
  if (typeof like === 'number') return leaves[like];
  if (Array.isArray(like)) return like.map(part => fill(part, leaves));
  return Object.fromEntries(Object.entries(like as object).map(([key, part]) => [key, fill(part, leaves)]));
}

function partAt(state: unknown, path: readonly string[]): Tensor | Values {
  const part = path.reduce((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], state);
  if (part instanceof TensorClass || ArrayBuffer.isView((part as Values | undefined)?.data)) {
    return part as Tensor | Values;
  }
  throw new InputError(`compiled step: expected a tensor or values at '${nameOf(path)}'`);
}

const described = ({ data, shape, dtype = dtypeOf(data) }: Values): Given => ({ shape, dtype });

function checkPart(values: Values, { path, shape, dtype }: Form): void {
  const got = described(values);
  if (got.dtype === dtype && String(got.shape) === String(shape)) return;
  const expected = `${dtype} [${shape}]`;
  throw new InputError(`compiled step: expected '${nameOf(path)}' as ${expected}, got ${got.dtype} [${got.shape}]`);
}

async function valuesOf(given: Tensor | Values): Promise<Values> {
  if (!(given instanceof TensorClass)) return given;
  if (given.isDisposed) throw new InputError(`compiled step: a tensor of shape [${given.shape}] has been disposed`);
  return toValues(given);
}

/** @throws InputError when the state that a step gives cannot be the state of the next. */
function checkNext(result: { readonly state?: unknown } | undefined, form: readonly Form[]): void {
  if (typeof result?.state !== 'object' || result.state === null) {
    throw new InputError('compileStep: expected a function that returns { state, … }, with the state it was given');
  }
  const next = new Map(leavesOf(result.state).map((leaf): [string, Leaf] => [nameOf(leaf.path), leaf]));
  for (const { path, shape, dtype } of form) {
    const name = nameOf(path);
    const made = next.get(name)?.tensor;
    if (!made) throw new InputError(`compileStep: the function returns no '${name}', which it was given`);
    if (made.dtype !== dtype || String(made.shape) !== String(shape)) {
      const [expected, got] = [`${dtype} [${shape}]`, `${made.dtype} [${made.shape}]`];
      throw new InputError(`compileStep: expected '${name}' back as ${expected}, got ${got}`);
    }
    next.delete(name);
  }
  const [more] = next.keys();
  if (more) throw new InputError(`compileStep: the function returns '${more}', which it was not given`);
}

/** Tensors for the values of a state, to go on with eagerly. */
export function stateTensors<State extends Structure>(like: State, values: Mapped<State, Values>): State {
  const leaves = leavesOf(like).map(({ path }) => toTensor(partAt(values, path) as Values));
  return restructure(like, leaves) as State;
}
