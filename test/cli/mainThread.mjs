/**
 * Loaded ahead of a command: it takes its standard error for a terminal, and writes at its end, to the file that
 * CLIPSCOPE_TEST_STARTED names, how many graphs ONNX Runtime has started in the main thread.
 */
import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { InferenceSession } from 'onnxruntime-node';

if (isMainThread) {
  process.stderr.isTTY = true;
  let started = 0;
  const { create } = InferenceSession;
  InferenceSession.create = (...given) => {
    started++;
    return create.apply(InferenceSession, given);
  };
  process.on('exit', () => writeFileSync(process.env.CLIPSCOPE_TEST_STARTED, String(started)));
}
