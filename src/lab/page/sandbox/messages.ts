/** What passes between the parts of the sandbox: who wants code run, the page that has the frame, and the worker in it. */
import type { AttentionResult, AttentionValues } from './userCode.js';

/** To the page: start a frame, or end the one there is. */
export type Wish = 'start' | 'stop';

/** From the page: there is a frame, and the port that comes along leads to its worker; or why there is none. */
export type Granted = { readonly started: true } | { readonly broken: string };

/** From the page to the frame, with the port: the worker's script, and ONNX Runtime's program, which it cannot fetch. */
export interface FrameStart {
  readonly script: string;
  readonly runtime: ArrayBuffer;
}

/** From the frame to its worker, with the port. */
export interface WorkerStart {
  readonly runtime: ArrayBuffer;
  readonly port: MessagePort;
}

/** What the worker is asked: whether it has started, then one job after the other. */
export type Question = 'ready' | Job;

export interface Job {
  readonly js: string;
  readonly values: AttentionValues;
}

/** A failure, with where in the JavaScript it came about: both from 1. */
export interface WorkerFailure {
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}

/** `ready`, or `broken` when the worker could not start, answers 'ready'. */
export type Reply =
  | { readonly ready: true }
  | { readonly broken: string }
  | { readonly result: AttentionResult }
  | { readonly failure: WorkerFailure };
