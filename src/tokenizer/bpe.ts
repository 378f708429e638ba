/**
 * Byte-pair encoding of one word: of all neighbours that merge, the pair that stands first in the vocabulary merges,
 * wherever it occurs, from left to right, until no pair does. A heap of the possible merges keeps that at n log n.
 */
import { mergeOf, type Vocabulary } from './vocabulary.js';

/** Buffers for one word at a time, as long as the longest word they take. */
interface Workspace {
  /** The symbol at each place; the places before and after those that are left. */
  symbols: Int32Array;
  previous: Int32Array;
  next: Int32Array;
  /** A binary heap of possible merges: `symbol * 2^32 + place`, the least first. */
  heap: Float64Array;
}

/** Buffers for words of up to `capacity` bytes. */
export function createWorkspace(capacity: number): Workspace {
  return {
    symbols: new Int32Array(capacity),
    previous: new Int32Array(capacity),
    next: new Int32Array(capacity),
    // A word of n bytes begins with at most n - 1 possible merges; each of at most n - 1 merges takes one and adds two.
    heap: new Float64Array(2 * capacity),
  };
}

const PLACES = 2 ** 32;
/** The symbol at a place that has merged into the one before it. */
const GONE = -1;

function push(heap: Float64Array, size: number, item: number): void {
  let at = size;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap[parent]! <= item) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = item;
}

/** Removes the least item; `size` is the size after that. */
function popLeast(heap: Float64Array, size: number): number {
  const least = heap[0]!;
  const item = heap[size]!;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= size) break;
    if (child + 1 < size && heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= item) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = item;
  return least;
}

/** The tokens of a word given as UTF-8 bytes (at least one, at most the capacity of the workspace). */
export function encodeWord(vocabulary: Vocabulary, bytes: Uint8Array, workspace: Workspace): number[] {
  const { symbols, previous, next, heap } = workspace;
  const length = bytes.length;
  for (let i = 0; i < length; i++) {
    symbols[i] = vocabulary.symbolOfByte[bytes[i]!]!;
    previous[i] = i - 1;
    next[i] = i + 1;
  }
  symbols[length - 1]! += 256;

  let size = 0;
  const offer = (place: number) => {
    const merged = mergeOf(vocabulary, symbols[place]!, symbols[next[place]!]!);
    if (merged !== 0) push(heap, size++, merged * PLACES + place);
  };
  for (let i = 0; i + 1 < length; i++) offer(i);

  while (size > 0) {
    const item = popLeast(heap, --size);
    const merged = Math.floor(item / PLACES);
    const left = item % PLACES;
    const right = next[left]!;
    // A neighbour may have merged since this was put on the heap.
    if (symbols[left] === GONE || right >= length || mergeOf(vocabulary, symbols[left]!, symbols[right]!) !== merged) {
      continue;
    }
    symbols[left] = merged;
    symbols[right] = GONE;
    next[left] = next[right]!;
    if (next[left]! < length) {
      previous[next[left]!] = left;
      offer(left);
    }
    if (previous[left]! >= 0) offer(previous[left]!);
  }

  const tokens: number[] = [];
  for (let place = 0; place < length; place = next[place]!) tokens.push(symbols[place]!);
  return tokens;
}
