/** One transformer block in jax-js, jitted, on its WebAssembly device. */
import { readFileSync } from 'node:fs';
import { floats, given, serve } from './protocol.mjs';

const manifest = new URL('./node_modules/@jax-js/jax/package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, 'utf8'));

await serve({ '@jax-js/jax': version }, async () => {
  const { defaultDevice, init, jit, nn, numpy: np } = await import('@jax-js/jax');
  await init('wasm');
  defaultDevice('wasm');
  const { parts, tokens, config, file } = given;
  const { width, heads, layerNormEpsilon } = config;
  const sizes = parts.map(({ shape }) => shape.reduce((product, axis) => product * axis, 1));
  const count = sizes.reduce((total, size) => total + size, 0);
  const values = floats(file, count + tokens * width);
  let at = 0;
  const weights = parts.map(({ shape }, i) => {
    at += sizes[i];
    return np.array(values.slice(at - sizes[i], at)).reshape(shape);
  });
  const input = np.array(values.slice(count)).reshape([tokens, width]);

  const names = parts.map(({ name }) => name);
  // Every use of an array but the last one is of a reference: jax-js frees what it is given.
  const block = jit((x, ...given) => {
    const w = Object.fromEntries(names.map((name, i) => [name, given[i]]));
    const norm = (y, layer) => {
      const centred = y.ref.sub(np.mean(y, -1, { keepdims: true }));
      const variance = np.mean(np.square(centred.ref), -1, { keepdims: true });
      const scaled = centred.div(np.sqrt(variance.add(layerNormEpsilon)));
      return scaled.mul(w[`${layer}.weight`]).add(w[`${layer}.bias`]);
    };
    const linear = (y, layer) => np.matmul(y, w[`${layer}.weight`]).add(w[`${layer}.bias`]);
    const apart = y => np.transpose(y.reshape([tokens, heads, width / heads]), [1, 0, 2]);
    const normed = norm(x.ref, 'ln1');
    const q = apart(linear(normed.ref, 'q')).mul(1 / Math.sqrt(width / heads));
    const k = np.transpose(apart(linear(normed.ref, 'k')), [0, 2, 1]);
    const v = apart(linear(normed, 'v'));
    const pattern = nn.softmax(np.matmul(q, k), -1);
    const mixed = np.transpose(np.matmul(pattern, v), [1, 0, 2]).reshape([tokens, width]);
    const mid = x.add(linear(mixed, 'out'));
    const pre = linear(norm(mid.ref, 'ln2'), 'fc1');
    const post = pre.ref.mul(nn.sigmoid(pre.mul(1.702)));
    return mid.add(linear(post, 'fc2'));
  });
  return async () => block(input.ref, ...weights.map(weight => weight.ref)).data();
});
