/** The page's side of the worker that computes. */
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

/** What is used of a worker. */
export interface Port {
  postMessage(request: Request): void;
  onmessage: ((event: { data: Reply }) => void) | null;
  onerror: ((event: { message?: string; preventDefault(): void }) => void) | null;
}

/** Asks the worker for a task. Fails as the task does, with the same kind of error. */
export type AskEngine = <Name extends TaskName>(
  task: Name,
  given: Tasks[Name]['given'],
  onProgress?: (progress: Progress) => void,
) => Promise<Tasks[Name]['result']>;

interface Waiting {
  resolve(value: never): void;
  reject(error: Error): void;
  onProgress?: ((progress: Progress) => void) | undefined;
}

export function connect(port: Port): AskEngine {
  const waiting = new Map<number, Waiting>();
  let asked = 0;
  let broken: Error | undefined;

  port.onmessage = ({ data }) => {
    const one = waiting.get(data.id);
    if (!one) return;
    if ('progress' in data) {
      one.onProgress?.(data.progress);
      return;
    }
    waiting.delete(data.id);
    if ('failure' in data) one.reject(errorOf(data.failure));
    else one.resolve(data.value as never);
  };
  port.onerror = event => {
    event.preventDefault();
    broken = new Error(`the engine broke down: ${event.message ?? 'no reason given'}; load the page again`);
    for (const { reject } of waiting.values()) reject(broken);
    waiting.clear();
  };

  return (task, given, onProgress) =>
    new Promise((resolve, reject) => {
      if (broken) {
        reject(broken);
        return;
      }
      const id = asked++;
      waiting.set(id, { resolve, reject, onProgress });
      port.postMessage({ id, task, given } as Request);
    });
}

function errorOf({ message, isInput, code }: Failure): Error {
  if (code) return new CodeError(code);
  return isInput ? new InputError(message) : new Error(message);
}
