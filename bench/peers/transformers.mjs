/** transformers.js on the same export: its image tower with projection, from a folder, nothing downloaded. */
import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { floats, given, serve } from './protocol.mjs';

const manifest = new URL('./node_modules/@huggingface/transformers/package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
const { folder, batch, side, threads, input } = given;

await serve({ '@huggingface/transformers': version }, async () => {
  const { CLIPVisionModelWithProjection, env, Tensor } = await import('@huggingface/transformers');
  env.allowRemoteModels = false;
  env.localModelPath = dirname(folder);
  const options = { dtype: 'fp32', device: 'cpu', session_options: { intraOpNumThreads: threads } };
  const model = await CLIPVisionModelWithProjection.from_pretrained(basename(folder), options);
  const pixels = floats(input, batch * 3 * side * side);
  return async () => {
    const pixel_values = new Tensor('float32', pixels, [batch, 3, side, side]);
    const { image_embeds } = await model({ pixel_values });
    return image_embeds.data;
  };
});
