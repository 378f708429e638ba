/**
 * Loaded ahead of a command: it takes its standard error for a terminal, and writes at its end, to the file that
 * CLIPSCOPE_TEST_STARTED names, how many graphs ONNX Runtime has started in the main thread, and how many codecs for
 * pictures, which are of WebAssembly, have.
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
  let codecs = 0;
  const { Instance } = WebAssembly;
  WebAssembly.Instance = new Proxy(Instance, {
    construct(target, given, self) {
      // What has no imports is 64-bit arithmetic in a package of TensorFlow.js.
      if (Object.keys(given[1] ?? {}).length > 0) codecs++;
      return Reflect.construct(target, given, self);
    },
  });
  process.on('exit', () => writeFileSync(process.env.CLIPSCOPE_TEST_STARTED, JSON.stringify({ started, codecs })));
}
