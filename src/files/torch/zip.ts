import { type ByteSource, unsigned64, viewOf } from '../byteSource.js';
import { crc32 } from '../crc32.js';
import { quoted } from '../quote.js';
import { type DirectoryEntry, flagDescriptor, readDirectory, widen, zipError } from './zipDirectory.js';

/** A stored member: its bytes lie in the file as they are. */
export interface ZipMember {
  readonly name: string;
  /** Where its bytes begin. */
  readonly offset: number;
  readonly size: number;
  /** CRC-32 of its bytes; 0 when the writer computed none, as torch.save can be told. */
  readonly crc: number;
}

const headerSize = 30;

/**
 * The members of a zip archive by name, in file order, every one checked to be stored plainly and to agree with
 * its local header. Members lie one after another from byte 0 to the directory, with nothing between, under or before
 * them. Member bytes are not read.
 * @throws InputError for whatever PyTorch would not write.
 */
export function readZip(source: ByteSource): Map<string, ZipMember> {
  const { entries, start } = readDirectory(source);
  const byPlace = [...entries].sort((a, b) => a.headerAt - b.headerAt);
  const members = new Map<string, ZipMember>();
  let expected = 0;
  for (const [i, entry] of byPlace.entries()) {
    const { name, size, crc } = entry;
    if (entry.headerAt !== expected) {
      const what = entry.headerAt < expected ? 'overlaps the member before it' : 'has unlisted bytes before it';
      throw zipError(source, `${quoted(name)} ${what}`);
    }
    const end = byPlace[i + 1]?.headerAt ?? start;
    members.set(name, { name, offset: checkLocal(source, entry, end), size, crc });
    expected = end;
  }
  if (expected !== start) throw zipError(source, 'it has no members');
  return members;
}

/** Compares a local header (and the descriptor after the bytes) with the directory; where the member's bytes begin. */
function checkLocal(source: ByteSource, entry: DirectoryEntry, end: number): number {
  const shown = quoted(entry.name);
  const beyond = () => zipError(source, `${shown} does not fit between byte ${entry.headerAt} and byte ${end}`);
  const nameAt = entry.headerAt + headerSize;
  if (nameAt + entry.nameBytes.length > end) throw beyond();
  const bytes = source.read(entry.headerAt, headerSize + entry.nameBytes.length);
  const header = viewOf(bytes);
  const same =
    header.getUint32(0, true) === 0x04034b50 &&
    header.getUint16(6, true) === entry.flags &&
    header.getUint16(8, true) === 0 &&
    header.getUint16(26, true) === entry.nameBytes.length &&
    entry.nameBytes.every((byte, i) => byte === bytes[headerSize + i]);
  if (!same) throw zipError(source, `the local header of ${shown} disagrees with the directory`);

  const extraAt = nameAt + entry.nameBytes.length;
  const extraLength = header.getUint16(28, true);
  const offset = extraAt + extraLength;
  const rest = end - offset - entry.size;
  if (rest < 0) throw beyond();
  const local = { crc: header.getUint32(14, true), sizes: [header.getUint32(22, true), header.getUint32(18, true)] };
  if (entry.flags & flagDescriptor) {
    const blank = local.crc === 0 && local.sizes.every(size => size === 0);
    if (!blank || !hasDescriptor(source, entry, offset + entry.size, rest)) {
      throw zipError(source, `the data descriptor of ${shown} disagrees with the directory`);
    }
    return offset;
  }
  const broken = () => zipError(source, `${shown} has a broken extra field`);
  const sizes = widen(source.read(extraAt, extraLength), local.sizes, broken);
  if (local.crc !== entry.crc || sizes.some(size => size !== entry.size)) {
    throw zipError(source, `the local header of ${shown} disagrees with the directory`);
  }
  if (rest !== 0) throw zipError(source, `there are ${rest} unlisted bytes after ${shown}`);
  return offset;
}

/** After the bytes of a member that was written without looking ahead: signature, CRC and the two sizes. */
function hasDescriptor(source: ByteSource, { crc, size }: DirectoryEntry, at: number, length: number): boolean {
  if (length !== 16 && length !== 24) return false;
  const view = viewOf(source.read(at, length));
  const sizes =
    length === 16 ? [view.getUint32(8, true), view.getUint32(12, true)] : [unsigned64(view, 8), unsigned64(view, 16)];
  return (
    view.getUint32(0, true) === 0x08074b50 && view.getUint32(4, true) === crc && sizes.every(value => value === size)
  );
}

/** A range of a member's bytes; a whole member is checked against its CRC. */
export function readMember(
  source: ByteSource,
  member: ZipMember,
  offset = 0,
  length = member.size,
  into?: Uint8Array,
): Uint8Array {
  if (offset + length > member.size) throw zipError(source, `${quoted(member.name)} has only ${member.size} bytes`);
  const bytes = source.read(member.offset + offset, length, into);
  if (length === member.size && member.crc !== 0 && crc32(bytes) !== member.crc) {
    throw zipError(source, `the bytes of ${quoted(member.name)} do not have their CRC-32; the file is damaged`);
  }
  return bytes;
}
