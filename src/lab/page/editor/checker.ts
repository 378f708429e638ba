/** TypeScript in a worker, so that typing never waits for it. */
import { limitedWorker, ofWorker } from '../sandbox/limitedWorker.js';
import type { Checked, Completions, Hint } from './language.js';

export type Question =
  | { readonly task: 'check'; readonly code: string }
  | { readonly task: 'complete' | 'describe'; readonly code: string; readonly position: number };

/** To the question of each kind. */
export interface Answer {
  readonly checked?: Checked;
  readonly completions?: Completions | undefined;
  readonly hint?: Hint | undefined;
}

export interface Checker {
  /** What is wrong with code, and what it runs as if nothing is. */
  check(code: string): Promise<Checked>;
  complete(code: string, position: number): Promise<Completions | undefined>;
  describe(code: string, position: number): Promise<Hint | undefined>;
  dispose(): void;
}

/** Types can be made that take for ever; the first check reads the language's own as well. */
const seconds = 20;

/** Starts the checker; answers come in the order of the questions. */
export function openChecker(): Checker {
  const start = () =>
    limitedWorker<Question, Answer>(
      ofWorker(new Worker(new URL('./checkerWorker.js', import.meta.url), { type: 'module', name: 'checker' })),
    );
  let worker: ReturnType<typeof start> | undefined = start();
  let last: Promise<unknown> = Promise.resolve();

  async function answer(question: Question): Promise<Answer> {
    if (!worker) return {};
    try {
      return await worker.ask(question, seconds);
    } catch (error) {
      worker?.end('it is started anew');
      worker = worker && start();
      const { message } = error as Error;
      return {
        checked: { problems: [{ from: 0, to: question.code.length, message: `checking the types: ${message}` }] },
      };
    }
  }
  const ask = (question: Question): Promise<Answer> => {
    const asked = last.then(() => answer(question));
    last = asked;
    return asked;
  };

  return {
    check: async code => (await ask({ task: 'check', code })).checked ?? { problems: [] },
    complete: async (code, position) => (await ask({ task: 'complete', code, position })).completions,
    describe: async (code, position) => (await ask({ task: 'describe', code, position })).hint,
    dispose() {
      worker?.end('the editor has been closed');
      worker = undefined;
    },
  };
}
