import { viewOf } from '../files/byteSource.js';

/** Where the orientation is kept among the tags of the first directory (EXIF 2.32, 4.6.4, tag 0x0112). */
const orientationTag = 0x0112;
const shortType = 3;
const entryBytes = 12;

/**
 * The orientation in a block of EXIF data: 1 to 8 as EXIF numbers them (1 upright, 6 turned a quarter clockwise to view).
 * The block is a small TIFF file, with or without the `Exif\0\0` that JPEG and some WebP files put before it. Cameras
 * and editors write broken blocks beside sound pictures, so one that cannot be read counts as upright (1).
 */
export function exifOrientation(block: Uint8Array): number {
  const prefixed = block[0] === 0x45 && block[1] === 0x78 && block[2] === 0x69 && block[3] === 0x66;
  const tiff = prefixed ? block.subarray(6) : block;
  const view = viewOf(tiff);
  if (view.byteLength < 8) return 1;
  const byteOrder = view.getUint16(0);
  if (byteOrder !== 0x4949 && byteOrder !== 0x4d4d) return 1;
  const little = byteOrder === 0x4949;
  if (view.getUint16(2, little) !== 42) return 1;
  const directory = view.getUint32(4, little);
  if (directory + 2 > view.byteLength) return 1;
  const count = view.getUint16(directory, little);
  for (let i = 0; i < count; i++) {
    const entry = directory + 2 + i * entryBytes;
    if (entry + entryBytes > view.byteLength) return 1;
    if (view.getUint16(entry, little) !== orientationTag) continue;
    if (view.getUint16(entry + 2, little) !== shortType) return 1;
    const value = view.getUint16(entry + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}
