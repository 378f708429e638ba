/** An exported image tower, run by the very ONNX Runtime that the product runs on. */
import { createRequire } from 'node:module';
import { floats, given, serve } from './protocol.mjs';

const require = createRequire(new URL('../../package.json', import.meta.url));
const { version } = require('onnxruntime-node/package.json');
const { file, batch, side, threads, input } = given;

await serve({ 'onnxruntime-node': version }, async () => {
  const { InferenceSession, Tensor } = require('onnxruntime-node');
  const session = await InferenceSession.create(file, { intraOpNumThreads: threads, logSeverityLevel: 4 });
  const pixels = floats(input, batch * 3 * side * side);
  return async () => {
    const pixel_values = new Tensor('float32', pixels, [batch, 3, side, side]);
    const { image_embeds } = await session.run({ pixel_values });
    return image_embeds.data;
  };
});
