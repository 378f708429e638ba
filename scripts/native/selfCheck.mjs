/**
 * Run as a process of its own: `node selfCheck.mjs ROOT PACKAGE`. Loads the engine as clipscope does, multiplies two
 * matrices of known product and prints what it found as one line of JSON; a failure ends it with status 1.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import util from 'node:util';

const [root, name] = process.argv.slice(2);
process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
// tfjs-node 4.22 calls helpers that Node 23 took out of `util`.
util.isNullOrUndefined ??= value => value === null || value === undefined;
util.isArray ??= Array.isArray;

const require = createRequire(join(root, 'package.json'));

function check(right, complaint) {
  if (!right) throw new Error(complaint);
}

function findings() {
  const start = performance.now();
  const tf = require(name);
  const seconds = (performance.now() - start) / 1000;
  check(tf.getBackend() === 'tensorflow', `started backend '${tf.getBackend()}', not 'tensorflow'`);
  const shared = tf.matMul === require('@tensorflow/tfjs-core').matMul;
  check(shared, 'brings a second tfjs-core beside the one clipscope uses');

  // Whole numbers, and sums of products well below 2²⁴: float32 must have them exactly.
  const n = 32;
  const entry = (row, column) => ((row * n + column) % 61) - 30;
  const a = tf.buffer([n, n]);
  for (let row = 0; row < n; row++) for (let column = 0; column < n; column++) a.set(entry(row, column), row, column);
  const product = tf.matMul(a.toTensor(), a.toTensor(), false, true).arraySync();
  for (let row = 0; row < n; row++) {
    for (let column = 0; column < n; column++) {
      let expected = 0;
      for (let k = 0; k < n; k++) expected += entry(row, k) * entry(column, k);
      const got = product[row][column];
      check(got === expected, `matmul is wrong: expected ${expected} at [${row}, ${column}], got ${got}`);
    }
  }
  const tensorflow = tf.backend().binding.TF_Version;
  return { tensorflow, tfjs: tf.version_core, node: process.version, seconds };
}

try {
  console.log(JSON.stringify(findings()));
} catch (error) {
  console.error(error.message.split('\n', 1)[0]);
  process.exitCode = 1;
}
