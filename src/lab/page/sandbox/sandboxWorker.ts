/**
 * The worker that user code runs in. The frame that it is in has a policy under which it can load nothing at all; so it
 * is one file, and is handed the program of ONNX Runtime by message.
 */
import { env } from 'onnxruntime-web/wasm';
import { compile } from '../../../tensor/compile.js';
import { turn } from '../../../turns.js';
import { lockDown } from './lockDown.js';
import type { Job, Question, Reply, WorkerFailure, WorkerStart } from './messages.js';
import { attentionOf, type CompiledAttention, compileAttention, sourceName } from './userAttention.js';
import type { AttentionResult } from './userCode.js';

// What is used of a worker's scope, before it is gone.
declare const self: {
  addEventListener(type: 'message', listener: (event: { data: WorkerStart }) => void, options: { once: true }): void;
};

/** The last code that ran, as the graph it became for certain sizes. */
let last: { readonly key: string; readonly compiled: CompiledAttention } | undefined;

async function start(runtime: ArrayBuffer): Promise<void> {
  env.wasm.wasmBinary = runtime;
  // The user's lines are below many of the library's.
  Error.stackTraceLimit = 100;
  // The first graph loads the runtime, which needs more of the scope than later ones.
  const trial = await compile(x => x, [{ shape: [1] }], { threads: 1 });
  await trial.dispose();
  lockDown(globalThis);
}

async function perform({ js, values }: Job): Promise<Reply> {
  const reply = await attend(js, values).then(
    result => ({ result }),
    error => ({ failure: failureOf(error) }),
  );
  // What the code has left to be done at once is part of it: if that has no end, the limit is for it.
  await turn();
  return reply;
}

async function attend(js: string, { q, k, v, input, scale, grid }: Job['values']): Promise<AttentionResult> {
  const begin = performance.now();
  const key = JSON.stringify([js, q.shape, scale, grid]);
  if (last?.key !== key) {
    await last?.compiled.dispose();
    last = undefined;
    last = { key, compiled: await compileAttention(attentionOf(js), q.shape, { scale, grid }) };
  }
  const compiled = performance.now();
  const { z, pattern } = await last.compiled(q, k, v, input);
  const run = performance.now() - compiled;
  const seconds = { compile: (compiled - begin) / 1000, run: run / 1000 };
  return { z, ...(pattern && { pattern }), seconds };
}

function failureOf(error: unknown): WorkerFailure {
  const { name, message, stack } = (error ?? {}) as Partial<Error>;
  const said = typeof message === 'string' ? message : String(error);
  const text = name === 'InputError' || typeof name !== 'string' ? said : `${name}: ${said}`;
  const place = new RegExp(`${sourceName}:(\\d+):(\\d+)`).exec(String(stack));
  const position = place && { line: Number(place[1]), column: Number(place[2]) };
  return { message: text.split('\n', 1)[0]!.slice(0, 500), ...position };
}

self.addEventListener(
  'message',
  ({ data: { runtime, port } }) => {
    const starting = start(runtime).then(
      (): Reply => ({ ready: true }),
      (error): Reply => ({ broken: failureOf(error).message }),
    );
    port.onmessage = async ({ data }: { data: Question }) => {
      const started = await starting;
      port.postMessage(data === 'ready' || 'broken' in started ? started : await perform(data));
    };
  },
  { once: true },
);
