/** Zip archives and legacy files written byte by byte, with a knob for every lie. */
import { crc32ByTable } from '../../../src/files/crc32.js';
import { ascii, type Code, dict, int, list, little, op, pickle, text } from './pickleBytes.js';

export interface Member {
  name: string;
  bytes: Uint8Array;
  flags?: number;
  method?: number;
  crc?: number;
  size?: number;
  /** Bytes after the member's own: the data descriptor torch.save writes unless told otherwise. */
  descriptor?: Code;
  /** Lies of the local header alone. */
  local?: { signature?: number; name?: string; flags?: number; method?: number; crc?: number; size?: number };
  localExtra?: Code;
  /** Lies of the central directory alone. */
  central?: { at?: number; packed?: number; disk?: number; comment?: string };
  centralExtra?: Code;
}

export interface Archive {
  prefix?: Code;
  /** Between the members and the directory. */
  gap?: Code;
  zip64?: boolean;
  comment?: string;
  end?: { disk?: number; countHere?: number; count?: number; size?: number; start?: number; commentLength?: number };
  end64?: { signature?: number; count?: number | bigint; size?: number | bigint; start?: number | bigint; at?: number };
}

export const plainFlags = 0;
export const descriptorFlags = 0x0808;

export function zip(members: readonly Member[], archive: Archive = {}): Uint8Array {
  const out: number[] = [...(archive.prefix ?? [])];
  const directory: number[] = [];
  for (const member of members) {
    const headerAt = out.length;
    out.push(...localPart(member));
    directory.push(...centralPart(member, headerAt));
  }
  out.push(...(archive.gap ?? []));
  const start = out.length;
  out.push(...directory);
  const { zip64 = true, end = {}, end64 = {}, comment = '' } = archive;
  if (zip64) {
    const at = out.length;
    const { signature = 0x06064b50, count = members.length, size = directory.length } = end64;
    out.push(...little(signature, 4), ...little(44, 8), ...little(0x2d, 2), ...little(0x2d, 2), ...little(0, 8));
    out.push(...little(count, 8), ...little(count, 8), ...little(size, 8), ...little(end64.start ?? start, 8));
    out.push(...ascii('PK\x06\x07'), ...little(0, 4), ...little(end64.at ?? at, 8), ...little(1, 4));
  }
  const count = end.count ?? members.length;
  out.push(...ascii('PK\x05\x06'), ...little(end.disk ?? 0, 2), ...little(0, 2));
  out.push(...little(end.countHere ?? count, 2), ...little(count, 2));
  out.push(...little(end.size ?? directory.length, 4), ...little(end.start ?? start, 4));
  out.push(...little(end.commentLength ?? comment.length, 2), ...ascii(comment));
  return Uint8Array.from(out);
}

function fieldsOf(member: Member) {
  const flags = member.flags ?? descriptorFlags;
  return {
    flags,
    method: member.method ?? 0,
    crc: member.crc ?? crc32ByTable(member.bytes),
    size: member.size ?? member.bytes.length,
    streamed: (flags & 8) !== 0,
  };
}

function localPart(member: Member): number[] {
  const { flags, method, crc, size, streamed } = fieldsOf(member);
  const { local = {}, localExtra = [] } = member;
  const name = ascii(local.name ?? member.name);
  const localSize = local.size ?? (streamed ? 0 : size);
  const descriptor = streamed
    ? [...ascii('PK\x07\x08'), ...little(crc, 4), ...little(size, 4), ...little(size, 4)]
    : [];
  return [
    ...little(local.signature ?? 0x04034b50, 4),
    ...little(0, 2),
    ...little(local.flags ?? flags, 2),
    ...little(local.method ?? method, 2),
    ...little(0, 4),
    ...little(local.crc ?? (streamed ? 0 : crc), 4),
    ...little(localSize, 4),
    ...little(localSize, 4),
    ...little(name.length, 2),
    ...little(localExtra.length, 2),
    ...name,
    ...localExtra,
    ...member.bytes,
    ...(member.descriptor ?? descriptor),
  ];
}

function centralPart(member: Member, headerAt: number): number[] {
  const { flags, method, crc, size } = fieldsOf(member);
  const { central = {}, centralExtra = [] } = member;
  const name = ascii(member.name);
  const comment = ascii(central.comment ?? '');
  return [
    ...ascii('PK\x01\x02'),
    ...little(0, 4),
    ...little(flags, 2),
    ...little(method, 2),
    ...little(0, 4),
    ...little(crc, 4),
    ...little(central.packed ?? size, 4),
    ...little(size, 4),
    ...little(name.length, 2),
    ...little(centralExtra.length, 2),
    ...little(comment.length, 2),
    ...little(central.disk ?? 0, 2),
    ...little(0, 6),
    ...little(central.at ?? headerAt, 4),
    ...name,
    ...centralExtra,
    ...comment,
  ];
}

/** The members of a checkpoint as torch.save writes them. */
export function members(data: Uint8Array, storages: Record<string, Uint8Array>): Member[] {
  return [
    { name: 'model/data.pkl', bytes: data },
    { name: 'model/byteorder', bytes: Uint8Array.from(ascii('little')) },
    ...Object.entries(storages).map(([key, bytes]) => ({ name: `model/data/${key}`, bytes })),
    { name: 'model/version', bytes: Uint8Array.from(ascii('3\n')) },
  ];
}

export function torchZip(data: Uint8Array, storages: Record<string, Uint8Array>): Uint8Array {
  return zip(members(data, storages));
}

/** The members that make an archive TorchScript. */
export const scriptMembers: readonly Member[] = [
  { name: 'model/code/__torch__.py', bytes: Uint8Array.from(ascii('class A(Module):\n')) },
  { name: 'model/constants.pkl', bytes: pickle(op.emptyTuple) },
];

export interface LegacyStorage {
  key: string;
  bytes: Uint8Array;
  /** Elements as the file counts them. */
  count: number | bigint;
}

export interface LegacyLies {
  magic?: Uint8Array;
  version?: Uint8Array;
  littleEndian?: Code;
  keys?: Uint8Array;
  tail?: Code;
}

export function torchLegacy(object: Uint8Array, storages: readonly LegacyStorage[], lies: LegacyLies = {}): Uint8Array {
  const machine = dict(
    ['protocol_version', int(1001)],
    ['little_endian', lies.littleEndian ?? op.true],
    ['type_sizes', dict(['short', int(2)], ['int', int(4)], ['long', int(4)])],
  );
  return Uint8Array.from([
    ...(lies.magic ?? pickle([0x8a, 10, ...little(0x1950a86a20f9469cfc6cn, 10)])),
    ...(lies.version ?? pickle(int(1001))),
    ...pickle(machine),
    ...object,
    ...(lies.keys ?? pickle(list(...storages.map(({ key }) => text(key))))),
    ...storages.flatMap(({ count, bytes }) => [...little(count, 8), ...bytes]),
    ...(lies.tail ?? []),
  ]);
}

export function floats(...values: number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}
