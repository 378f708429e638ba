/** Answers the page's requests, one after the other. */
import { InputError } from '../../../errors.js';
import {
  CodeError,
  type Failure,
  type Progress,
  type Reply,
  type Request,
  type TaskName,
  type Tasks,
} from './protocol.js';

/** Who does each task. */
export type Doers = {
  [Name in TaskName]: (
    given: Tasks[Name]['given'],
    onProgress: (progress: Progress) => void,
  ) => Promise<Tasks[Name]['result']>;
};

/** Gives what answers requests through `post`. A request waits for those before it. */
export function serve(
  doers: Doers,
  post: (reply: Reply, transfer: readonly ArrayBuffer[]) => void,
): (request: Request) => Promise<void> {
  let last = Promise.resolve();
  return ({ id, task, given }) => {
    last = last.then(async () => {
      try {
        const doer = doers[task] as (given: unknown, on: (progress: Progress) => void) => Promise<object>;
        const value = await doer(given, progress => post({ id, progress }, []));
        post({ id, value: value as never }, buffersOf(value));
      } catch (error) {
        post({ id, failure: failureOf(error) }, []);
      }
    });
    return last;
  };
}

/** The memory of a result's own arrays, which can be given away. */
const buffersOf = (value: object): ArrayBuffer[] =>
  Object.values(value).flatMap(part => (ArrayBuffer.isView(part) ? [part.buffer as ArrayBuffer] : []));

function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof CodeError) return { message, isInput: true, code: error.failure };
  return { message, isInput: error instanceof InputError };
}
