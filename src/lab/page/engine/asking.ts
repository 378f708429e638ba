/**
 * An attention that somebody else computes, in the middle of a function that is otherwise prepared as always: the
 * function runs as far as its attention, what that is given goes out as values, and with what comes back it runs on.
 */
import type { Attention, AttentionInput, Grid } from '../../../attention/attention.js';
import { InputError } from '../../../errors.js';
import type { Compiled, InputSpec, Values } from '../../../tensor/compile.js';
import type { Runner } from '../../../tensor/runner.js';
import { dispose, type Heads, keep, type Tensor } from '../../../tensor/tfjs.js';
import type { AttentionValues } from '../sandbox/sandbox.js';

/** Mixes values: from queries, keys and values `[b, h, n, d]` to `[b, h, n, d]`. */
export type Ask = (values: AttentionValues) => Promise<Values>;

/** A runner for methods whose last block has `attention`, and who is asked for it. */
export interface Asking {
  readonly attention: Attention;
  readonly runner: Runner;
  /** Says who is asked from now on. */
  ask(whom: Ask): void;
}

type Parts = Pick<AttentionInput, 'q' | 'k' | 'v' | 'input'>;

/** Only what takes a prefix has a last block in it that may differ. */
const isTail = (signature: readonly InputSpec[]): boolean => signature.some(({ shape }) => shape.includes('rows'));

/**
 * @param inner what computes the parts before and after the attention
 * @param sizes of the tower's heads
 */
export function askingRunner(inner: Runner, { width, heads }: { width: number; heads: number }): Asking {
  const apart = width / heads;
  const given = { scale: 1 / Math.sqrt(apart), shape: ['batch', heads, 'tokens', apart] } as const;
  let mixed: Attention = refused;
  let asked: Ask | undefined;

  async function prepareTail(
    fn: (...inputs: Tensor[]) => object,
    signature: readonly InputSpec[],
  ): Promise<Compiled<object>> {
    // What an attention is given is gone once its block is done, unless it is kept.
    const held: Tensor[] = [];
    const before = await inner.prepare((...inputs: Tensor[]): Parts => {
      let parts: Parts | undefined;
      mixed = ({ q, k, v, input }) => {
        parts = { q, k, v, input };
        for (const part of Object.values(parts)) held.push(keep(part));
        return v;
      };
      fn(...inputs);
      mixed = refused;
      return parts!;
    }, signature as InputSpec[]);
    const after = await inner.prepare(
      (...inputs: Tensor[]) => {
        mixed = () => inputs.at(-1) as Heads;
        const result = fn(...inputs.slice(0, -1));
        mixed = refused;
        return result as never;
      },
      [...signature, { shape: given.shape }],
    );
    const call = async (...inputs: readonly Values[]) => {
      if (!asked) throw new InputError('attention of your own: run the one in the editor first');
      const parts = await before(...inputs);
      dispose(held.splice(0));
      const z = await asked({ ...parts, scale: given.scale, grid: gridOf(signature, inputs) });
      return after(...inputs, z);
    };
    return Object.assign(call, {
      dispose: async () => {
        await Promise.all([before.dispose(), after.dispose()]);
      },
    }) as unknown as Compiled<object>;
  }

  return {
    attention: input => mixed(input),
    runner: {
      ...inner,
      prepare: (fn, signature) =>
        isTail(signature)
          ? (prepareTail(fn as never, signature) as ReturnType<typeof inner.prepare<typeof signature, never>>)
          : inner.prepare(fn, signature),
    },
    ask(whom) {
      asked = whom;
    },
  };
}

const refused: Attention = () => {
  throw new Error('attention: asked for outside its function');
};

/** The grid of a prefix's patches. */
function gridOf(signature: readonly InputSpec[], inputs: readonly Values[]): Grid {
  const at = signature.findIndex(({ shape }) => shape.includes('rows'));
  const [, rows = 0, columns = 0] = inputs[at]!.shape;
  return { rows, columns };
}
