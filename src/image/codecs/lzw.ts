import { cutShort, damaged } from '../limits.js';

const maxCodes = 4096;
const maxSize = 12;

/**
 * Decodes GIF's variable-length LZW (GIF89a, appendix F) into `count` palette indices; codes after the last are ignored.
 * @param codeBits bits of a plain code, 1 to 8; codes begin one bit wider
 * @throws InputError when the data ends before the last index or holds a code that was not defined yet
 */
export function inflateLzw(data: Uint8Array, codeBits: number, count: number, name: string): Uint8Array {
  if (codeBits < 1 || codeBits > 8) throw damaged(name, `its codes begin with ${codeBits} bits, not 1 to 8`);
  // No code stands for more than the table's length, so a size that the data cannot fill is refused unallocated.
  if (count > ((8 * data.length) / (codeBits + 1)) * maxCodes) {
    throw cutShort(name, `${data.length} compressed bytes cannot hold ${count} pixels`);
  }
  const out = new Uint8Array(count);
  const clear = 1 << codeBits;
  const end = clear + 1;
  // Code c stands for the string of prefix[c], then suffix[c].
  const prefix = new Uint16Array(maxCodes);
  const suffix = new Uint8Array(maxCodes);
  const lengths = new Uint16Array(maxCodes);
  for (let code = 0; code < clear; code++) {
    suffix[code] = code;
    lengths[code] = 1;
  }
  let size = codeBits + 1;
  let next = end + 1;
  let previous = -1;
  let bits = 0;
  let bitCount = 0;
  let at = 0;
  let done = 0;
  while (done < count) {
    while (bitCount < size) {
      if (at === data.length) throw cutShort(name, `its data holds ${done} of ${count} pixels`);
      bits |= data[at++]! << bitCount;
      bitCount += 8;
    }
    const code = bits & ((1 << size) - 1);
    bits >>>= size;
    bitCount -= size;
    if (code === clear) {
      size = codeBits + 1;
      next = end + 1;
      previous = -1;
      continue;
    }
    if (code === end) throw cutShort(name, `its data ends after ${done} of ${count} pixels`);
    const known = previous < 0 ? code < clear : code < next || (code === next && next < maxCodes);
    if (!known) throw damaged(name, `code ${code} after ${done} pixels is not defined`);

    if (previous >= 0 && next < maxCodes) {
      // The new string is the previous one and the first index of this one, which may be the new string itself.
      let first = code === next ? previous : code;
      while (first >= clear) first = prefix[first]!;
      prefix[next] = previous;
      suffix[next] = first;
      lengths[next] = lengths[previous]! + 1;
      next++;
      if (next === 1 << size && size < maxSize) size++;
    }
    const stop = done + lengths[code]!;
    for (let o = stop - 1, link = code; o >= done; o--) {
      if (o < count) out[o] = suffix[link]!;
      link = prefix[link]!;
    }
    done = stop;
    previous = code;
  }
  return out;
}
