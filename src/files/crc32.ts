import zlib from 'node:zlib';

/** The CRC-32 of zip and PNG. Node has it from 20.15 on (2 GB/s); before that a table serves. */
export function crc32(bytes: Uint8Array): number {
  return (zlib.crc32 as typeof zlib.crc32 | undefined)?.(bytes) ?? crc32ByTable(bytes);
}

let table: Uint32Array | undefined;

/** The same in plain TypeScript, one byte at a time. */
export function crc32ByTable(bytes: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0);
    return rest >>> 0;
  });
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]!) & 255]!;
  return (crc ^ 0xffffffff) >>> 0;
}
