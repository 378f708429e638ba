/** Takes from a worker's scope everything that leads out of it. */

/**
 * The language itself, what recording and running a graph use of the platform, and where TensorFlow.js keeps its state:
 * none of it reaches anything.
 */
const kept = new Set(
  `Object Function Array Number parseFloat parseInt Infinity NaN undefined Boolean String Symbol Date Promise RegExp
  Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError globalThis JSON Math Intl
  ArrayBuffer SharedArrayBuffer Atomics Uint8Array Int8Array Uint16Array Int16Array Uint32Array Int32Array Float32Array
  Float64Array Float16Array Uint8ClampedArray BigUint64Array BigInt64Array DataView Map BigInt Set WeakMap WeakSet
  WeakRef FinalizationRegistry Proxy Reflect Iterator decodeURI decodeURIComponent encodeURI encodeURIComponent escape
  unescape eval isFinite isNaN structuredClone WebAssembly TextDecoder TextEncoder performance console MessageChannel
  MessagePort _tfengine _tfGlobals`.split(/\s+/),
);

/**
 * Deletes every other name of the scope and of what it inherits from. The policy that the worker is served with forbids
 * the network already; this takes storage, channels to other pages and the worker's own messages.
 *
 * @throws Error naming what could not be taken
 */
export function lockDown(scope: object): void {
  for (let owner = scope; owner !== Object.prototype; owner = Object.getPrototypeOf(owner)) {
    for (const name of Reflect.ownKeys(owner)) {
      if (typeof name === 'symbol' || kept.has(name)) continue;
      if (Reflect.deleteProperty(owner, name)) continue;
      // Some browsers hold on to a few numbers.
      const { value = {} } = Reflect.getOwnPropertyDescriptor(owner, name)!;
      if (Object(value) === value) throw new Error(`sandbox: '${name}' cannot be taken away`);
    }
  }
}
