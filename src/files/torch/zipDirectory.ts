import { InputError } from '../../errors.js';
import { type ByteSource, unsigned64, viewOf } from '../byteSource.js';
import { quoted } from '../quote.js';

/** What the central directory says of one member, not yet compared with its local header. */
export interface DirectoryEntry {
  readonly name: string;
  readonly nameBytes: Uint8Array;
  readonly flags: number;
  readonly crc: number;
  readonly size: number;
  /** Offset of the local header. */
  readonly headerAt: number;
}

/** A central directory that has passed every check which needs no other part of the file. */
interface Directory {
  readonly entries: readonly DirectoryEntry[];
  /** Where the members end and the central directory begins. */
  readonly start: number;
}

const endSize = 22;
const locatorSize = 20;
const end64Size = 56;
const entrySize = 46;
const maxDirectoryBytes = 64 * 2 ** 20;

/** Flag of a member whose CRC and sizes follow its bytes. */
export const flagDescriptor = 1 << 3;
const flagUtf8 = 1 << 11;

/** Fields at this value stand for larger ones in the zip64 records. */
const saturated32 = 0xffffffff;
const saturated16 = 0xffff;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The error of an archive that is not as PyTorch writes it. */
export function zipError(source: ByteSource, what: string): InputError {
  return new InputError(`${source.name}: zip archive: ${what}`);
}

/**
 * Reads a zip's central directory, strictly: the end record is the last 22 bytes (so there is no comment in which a
 * second one could hide), the zip64 records lie right before it, the directory right before those, and it holds just
 * the members announced. Formats: APPNOTE.TXT 6.3, as far as PyTorch writes it. Members are stored, never deflated.
 */
export function readDirectory(source: ByteSource): Directory {
  const { count, size, start } = findDirectory(source);
  if (size > maxDirectoryBytes) throw zipError(source, `a directory of ${size} bytes; at most ${maxDirectoryBytes}`);
  if (count * entrySize > size) throw zipError(source, `${count} members cannot fit a directory of ${size} bytes`);
  const bytes = source.read(start, size);
  const entries: DirectoryEntry[] = [];
  const names = new Set<string>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    const { entry, next } = readEntry(source, bytes, at);
    if (names.has(entry.name)) throw zipError(source, `the name ${quoted(entry.name)} appears twice`);
    names.add(entry.name);
    entries.push(entry);
    at = next;
  }
  if (at !== size) throw zipError(source, `${size - at} bytes of the directory belong to no member`);
  return { entries, start };
}

function findDirectory(source: ByteSource): { count: number; size: number; start: number } {
  const endAt = source.size - endSize;
  const end = endAt >= 0 ? viewOf(source.read(endAt, endSize)) : undefined;
  if (end?.getUint32(0, true) !== 0x06054b50 || end.getUint16(20, true) !== 0) {
    throw zipError(source, 'expected its end record in the last 22 bytes; is the file cut short, or has it a comment?');
  }
  let record = {
    disks: [end.getUint16(4, true), end.getUint16(6, true)],
    counts: [end.getUint16(8, true), end.getUint16(10, true)],
    size: end.getUint32(12, true),
    start: end.getUint32(16, true),
  };
  let directoryEnd = endAt;
  const end64 = readEnd64(source, endAt);
  if (end64) {
    directoryEnd = endAt - locatorSize - end64Size;
    const agrees =
      agree(record.counts[1]!, end64.counts[1]!, saturated16) &&
      agree(record.size, end64.size, saturated32) &&
      agree(record.start, end64.start, saturated32);
    if (!agrees) throw zipError(source, 'its two end records disagree');
    record = end64;
  }
  const { disks, counts, size, start } = record;
  if (disks.some(disk => disk !== 0) || counts[0] !== counts[1]) throw zipError(source, 'it is one part of several');
  if (start + size !== directoryEnd) {
    throw zipError(
      source,
      `a directory of ${size} bytes at ${start} does not end at ${directoryEnd}; is something before or inside it?`,
    );
  }
  return { count: counts[1]!, size, start };
}

/** The zip64 end record, where a locator stands before the end record. */
function readEnd64(source: ByteSource, endAt: number) {
  const at = endAt - locatorSize - end64Size;
  if (at < 0) return undefined;
  const view = viewOf(source.read(at, end64Size + locatorSize));
  if (view.getUint32(end64Size, true) !== 0x07064b50) return undefined;
  const located = view.getUint32(end64Size + 4, true) === 0 && unsigned64(view, end64Size + 8) === at;
  const whole = view.getUint32(0, true) === 0x06064b50 && unsigned64(view, 4) === end64Size - 12;
  if (!located || !whole || view.getUint32(end64Size + 16, true) > 1) {
    throw zipError(source, 'its zip64 end record is not right before the end record');
  }
  return {
    disks: [view.getUint32(16, true), view.getUint32(20, true)],
    counts: [unsigned64(view, 24), unsigned64(view, 32)],
    size: unsigned64(view, 40),
    start: unsigned64(view, 48),
  };
}

function agree(field: number, wide: number, saturated: number): boolean {
  return field === wide || field === saturated;
}

function readEntry(source: ByteSource, bytes: Uint8Array, at: number): { entry: DirectoryEntry; next: number } {
  const view = viewOf(bytes);
  if (at + entrySize > bytes.length || view.getUint32(at, true) !== 0x02014b50) {
    throw zipError(source, `expected a directory entry at byte ${at} of the directory`);
  }
  const nameLength = view.getUint16(at + 28, true);
  const extraLength = view.getUint16(at + 30, true);
  const extraAt = at + entrySize + nameLength;
  const next = extraAt + extraLength + view.getUint16(at + 32, true);
  if (next > bytes.length) throw zipError(source, 'a directory entry goes on beyond the directory');
  const nameBytes = bytes.slice(at + entrySize, extraAt);
  const name = memberName(source, nameBytes);
  const shown = quoted(name);
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  if (flags & 1) throw zipError(source, `${shown} is encrypted`);
  if (flags & ~(flagDescriptor | flagUtf8)) throw zipError(source, `${shown} has flags 0x${flags.toString(16)}`);
  if (method !== 0) throw zipError(source, `${shown} is compressed (method ${method}); PyTorch stores members as is`);
  if (next !== extraAt + extraLength) throw zipError(source, `${shown} has a comment`);
  if (view.getUint16(at + 34, true) !== 0) throw zipError(source, `${shown} lies on another disk`);
  const fields = [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
  const broken = () => zipError(source, `${shown} has a broken extra field`);
  const [size, packed, headerAt] = widen(bytes.subarray(extraAt, next), fields, broken) as [number, number, number];
  if (size !== packed) throw zipError(source, `${shown} is stored, but its two sizes are ${packed} and ${size}`);
  return { entry: { name, nameBytes, flags, crc: view.getUint32(at + 16, true), size, headerAt }, next };
}

/** 32-bit fields, each saturated one replaced by the next 64-bit value of the zip64 extra field. */
export function widen(extra: Uint8Array, fields: readonly number[], broken: () => InputError): number[] {
  const view = viewOf(extra);
  let zip64: DataView | undefined;
  let next = 0;
  for (let at = 0; at < extra.length; at = next) {
    if (at + 4 > extra.length) throw broken();
    next = at + 4 + view.getUint16(at + 2, true);
    if (next > extra.length) throw broken();
    if (view.getUint16(at, true) !== 1) continue;
    if (zip64) throw broken();
    zip64 = viewOf(extra.subarray(at + 4, next));
  }
  let used = 0;
  return fields.map(field => {
    if (field !== saturated32) return field;
    if (!zip64 || used + 8 > zip64.byteLength) throw broken();
    used += 8;
    return unsigned64(zip64, used - 8);
  });
}

function memberName(source: ByteSource, bytes: Uint8Array): string {
  let name: string;
  try {
    name = utf8.decode(bytes);
  } catch {
    throw zipError(source, 'a name is not valid UTF-8');
  }
  const odd = [...name].some(character => character < ' ' || character === '\\' || character === '\u007f');
  const parts = name.split('/');
  if (odd || /^[a-z]:/i.test(name) || parts.some(part => part === '' || part === '.' || part === '..')) {
    throw zipError(source, `${quoted(name)} is not a plain relative name`);
  }
  return name;
}
