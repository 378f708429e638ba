import { InputError } from '../errors.js';

/** Pixels of one picture, unless told otherwise: where Pillow refuses a decompression bomb (twice its warning threshold). */
export const defaultMaxPixels = 2 * 89_478_485;

/** Files beyond this are not pictures: more than the largest allowed picture would take uncompressed in 32 bits. */
export const maxFileBytes = 2 ** 30;

/**
 * Refuses the size a header claims, before anything of that size is allocated.
 * @throws InputError when a side is zero or the pixels exceed the limit.
 */
export function checkSize(name: string, width: number, height: number, limit: number): void {
  if (!(width > 0 && height > 0)) {
    throw new InputError(`${name}: expected a picture of at least one pixel, got ${width} x ${height}`);
  }
  if (!(width * height <= limit)) {
    throw new InputError(
      `${name}: expected at most ${limit} pixels, its header says ${width} x ${height}; scale it down or raise maxPixels`,
    );
  }
}

/** The error of a file whose picture is not complete. */
export function cutShort(name: string, what: string): InputError {
  return new InputError(`${name}: the picture is cut short: ${what}; get the file again`);
}

/** The error of a file that breaks its format's rules. */
export function damaged(name: string, what: string): InputError {
  return new InputError(`${name}: the picture is damaged: ${what}; get or make the file again`);
}

/** The error of a file that keeps its format's rules and uses a part of it that is not read. */
export function unsupported(name: string, what: string): InputError {
  return new InputError(`${name}: ${what} is not read; convert it to PNG first`);
}

/** @throws InputError when a palette index points behind the palette's last entry. */
export function checkIndices(indices: Uint8Array | Uint16Array, entries: number, name: string): void {
  if (entries >= 256) return;
  for (let i = 0; i < indices.length; i++) {
    if (indices[i]! >= entries) {
      throw damaged(name, `pixel ${i} has palette index ${indices[i]}, and the palette has ${entries} colours`);
    }
  }
}
