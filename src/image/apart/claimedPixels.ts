import { viewOf } from '../../files/byteSource.js';
import type { PictureFormat } from '../picture.js';

/** The side lengths that a file's first bytes claim. Nothing is checked: a decoder does that. */
const sides: Readonly<Record<PictureFormat, (view: DataView) => readonly [number, number] | undefined>> = {
  png: view => [view.getUint32(16), view.getUint32(20)],
  gif: view => [view.getUint16(6, true), view.getUint16(8, true)],
  bmp: view =>
    view.getUint32(14, true) === 12
      ? [view.getUint16(18, true), view.getUint16(20, true)]
      : [view.getInt32(18, true), view.getInt32(22, true)],
  webp(view) {
    switch (view.getUint8(15)) {
      case 0x58: // VP8X
        return [1 + (view.getUint32(24, true) & 0xffffff), 1 + (view.getUint32(26, true) >>> 8)];
      case 0x4c: // VP8L
        return [1 + (view.getUint32(21, true) & 0x3fff), 1 + ((view.getUint32(21, true) >>> 14) & 0x3fff)];
      default:
        return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
    }
  },
  jpeg(view) {
    for (let at = 2; ; at += 2 + view.getUint16(at + 2)) {
      const marker = view.getUint16(at);
      if (marker >= 0xffc0 && marker <= 0xffc2) return [view.getUint16(at + 5), view.getUint16(at + 7)];
      if (marker < 0xffc0) return undefined;
    }
  },
};

/** How many pixels a picture file speaks of in its first bytes; infinitely many where they do not tell. */
export function claimedPixels(head: Uint8Array, format: PictureFormat): number {
  try {
    const [width, height] = sides[format](viewOf(head)) ?? [];
    return Math.abs(width! * height!) || Number.POSITIVE_INFINITY;
  } catch {
    // The bytes end before.
    return Number.POSITIVE_INFINITY;
  }
}
