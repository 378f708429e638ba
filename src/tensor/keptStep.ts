/**
 * A training step whose state stays where the graph runs. What `compileStep` sends back and forth each time, weights and
 * what an optimiser knows of them, is copied only when it is asked for.
 */
import { InputError } from '../errors.js';
import type { CompileOptions, InputSpec, Mapped, Structure, TensorsOf, Values } from './compile.js';
import { flattened, inputValues, type StepState, stateValues } from './compileStep.js';
import type { Session } from './run/host.js';
import { workerHost } from './run/worker.js';
import type { Tensor } from './tfjs.js';
import { checkThreads } from './threads.js';
import { makeModel } from './trace/model.js';
import { checkSignature, namedSizes } from './trace/signature.js';
import { restructure } from './trace/structure.js';
import { checkFiles } from './trace/weightFiles.js';

/** A step that goes on from its own result. */
export interface KeptStep<State, R> {
  /** Does one step, after those asked for before, and gives what the function returns beside the state. */
  (...inputs: readonly (Tensor | Values)[]): Promise<Mapped<Omit<R, 'state'>, Values>>;
  /** A copy of the state after the last step, or as it was given. */
  state(): Promise<Mapped<State, Values>>;
  /** Frees its session. Nothing can be asked afterwards. */
  dispose(): Promise<void>;
}

/**
 * Compiles a step as `compileStep` does, to be run in a thread of its own that holds the state between steps.
 *
 * @param form a state of tensors, for its structure, shapes and types
 * @param start where to begin, of that structure
 * @throws InputError as `compileStep` does, and for sizes by name other than the batch
 */
export async function compileKeptStep<
  State extends Structure,
  const S extends readonly InputSpec[],
  R extends { readonly state: State },
>(
  fn: (state: State, ...inputs: TensorsOf<S>) => R,
  form: State,
  start: StepState<State>,
  signature: S,
  { threads }: Pick<CompileOptions, 'threads'> = {},
): Promise<KeptStep<State, R>> {
  checkSignature(signature);
  const [named] = namedSizes(signature);
  if (named) throw new InputError(`compileKeptStep: expected sizes as numbers, or 'batch', got '${named}'`);
  const flat = flattened(fn as never, form);
  let first: Values[] | undefined = await stateValues(start, flat.form);
  if (threads !== undefined) checkThreads('compileKeptStep: threads', threads);
  const { bytes, access, inputs, outputs, skeleton, weights } = await makeModel(
    flat.whole as never,
    [...flat.specs, ...signature],
    {},
    [],
  );
  const stateNames = inputs.slice(0, flat.form.length);
  const namesOut = restructure(skeleton, outputs) as { state: unknown };
  const kept = Object.fromEntries(flat.form.map(({ path }, i) => [stateNames[i]!, at<string>(namesOut.state, path)]));
  const session: Session = await workerHost({
    model: bytes,
    ...access,
    kept,
    ...(threads !== undefined && { threads }),
  });

  let released: Promise<void> | undefined;
  const checkAlive = () => {
    if (released) throw new InputError('compiled step: called after dispose');
  };
  const go = async (reading: Promise<Values[]>) => {
    const values = await reading;
    checkFiles(weights);
    const feeds = [...(first ?? []), ...values];
    const fed = first ? inputs : inputs.slice(stateNames.length);
    const results = await session.run(Object.fromEntries(fed.map((name, i) => [name, feeds[i]!])));
    first = undefined;
    const { state: _, ...rest } = restructure(
      skeleton,
      outputs.map(name => results[name]),
    ) as { state: unknown };
    return rest;
  };
  let before: Promise<unknown> = Promise.resolve();
  const step = async (...given: readonly (Tensor | Values)[]) => {
    checkAlive();
    const reading = inputValues(given, signature);
    const done = Promise.allSettled([before, reading]).then(() => go(reading));
    before = done;
    return done;
  };
  const dispose = async () => {
    released ??= Promise.allSettled([before]).then(() => session.release());
    return released;
  };
  const state = async () => {
    checkAlive();
    await Promise.allSettled([before]);
    if (first) return restructure(form, first) as Mapped<State, Values>;
    const held = await session.kept();
    return restructure(
      form,
      stateNames.map(name => held[name]!),
    ) as Mapped<State, Values>;
  };
  return Object.assign(step, { state, dispose }) as unknown as KeptStep<State, R>;
}

const at = <T>(structure: unknown, path: readonly string[]): T =>
  path.reduce((inner, key) => (inner as Record<string, unknown>)[key], structure) as T;
