import zlib from 'node:zlib';
import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { bytesFromMemory } from '../../../src/files/byteSource.js';
import { crc32, crc32ByTable } from '../../../src/files/crc32.js';
import { openTorch } from '../../../src/files/torch/open.js';
import { readMember, readZip } from '../../../src/files/torch/zip.js';
import { type Archive, descriptorFlags, floats, type Member, members, plainFlags, zip } from './fileBytes.js';
import { ascii, type Code, dict, little, op, pickle, tensor } from './pickleBytes.js';
import { expectRefused } from './refused.js';

const data = pickle(dict(['w', tensor({ shape: [2] })]));
const good = members(data, { 0: floats(1, 2) });

/** The good members with some fields of one changed. */
function changed(name: string, change: Partial<Member>): Member[] {
  expect(good.some(member => member.name === name)).to.equal(true);
  return good.map(member => (member.name === name ? { ...member, ...change } : member));
}

function open(list: readonly Member[], archive: Archive = {}) {
  return openTorch(bytesFromMemory(zip(list, archive), 'a.pt'));
}

function refused(list: readonly Member[], archive: Archive, ...parts: string[]): void {
  refusedBytes(zip(list, archive), ...parts);
}

function refusedBytes(bytes: Uint8Array, ...parts: string[]): void {
  expectRefused(() => openTorch(bytesFromMemory(bytes, 'a.pt')).read('w'), 'a.pt: ', ...parts);
}

const storage = 'model/data/0';
const pickleName = 'model/data.pkl';
/** An end record that leaves all to the zip64 one. */
const saturated = { count: 0xffff, size: 0xffffffff, start: 0xffffffff };
const text = (value: string) => Uint8Array.from(ascii(value));

describe('zip archives of checkpoints', () => {
  it('are read as torch.save writes them, and as others do', () => {
    const padded: Code = [...ascii('FB'), ...little(5, 2), ...ascii('ZZZZZ')];
    const variants: [readonly Member[], Archive][] = [
      [good, {}],
      [good, { zip64: false }],
      [good.map(member => ({ ...member, flags: plainFlags })), { zip64: false }],
      [good.map(member => ({ ...member, localExtra: padded, centralExtra: padded })), {}],
      [good.map(member => ({ ...member, crc: 0 })), {}],
      [[...good].reverse(), {}],
      [good, { end: saturated }],
      [[...good, { name: 'model/data/empty', bytes: new Uint8Array(0), flags: plainFlags }], {}],
      [good.filter(({ name }) => !name.endsWith('byteorder')), {}],
    ];
    for (const [list, archive] of variants) {
      expect([...open(list, archive).readFloat32('w')]).to.deep.equal([1, 2]);
    }
  });

  it('are read with 64-bit sizes and descriptors', () => {
    const size = 8;
    const crc = crc32(floats(1, 2));
    const wide = [...ascii('PK\x07\x08'), ...little(crc, 4), ...little(size, 8), ...little(size, 8)];
    expect([...open(changed(storage, { descriptor: wide })).readFloat32('w')]).to.deep.equal([1, 2]);
    const extra: Code = [...little(1, 2), ...little(16, 2), ...little(size, 8), ...little(size, 8)];
    const large = { flags: plainFlags, size: 0xffffffff, localExtra: extra, centralExtra: extra };
    expect([...open(changed(storage, large)).readFloat32('w')]).to.deep.equal([1, 2]);
    refused(changed(storage, { ...large, centralExtra: [] }), {}, 'broken extra field');
    refused(changed(storage, { ...large, localExtra: [] }), {}, 'broken extra field');
    refused(changed(storage, { ...large, centralExtra: extra.slice(0, 12) }), {}, 'broken extra field');
    const lie: Code = [...little(1, 2), ...little(16, 2), ...little(2n ** 63n, 8), ...little(2n ** 63n, 8)];
    refused(changed(storage, { ...large, centralExtra: lie }), {}, 'does not fit');
    refused(changed(storage, { ...large, centralExtra: [...extra, ...extra] }), {}, 'broken extra field');
  });

  it('refuses members that are not stored plainly', () => {
    const deflated = new Uint8Array(zlib.deflateRawSync(new Uint8Array(1000)));
    refused(changed(storage, { method: 8, bytes: deflated }), {}, `'${storage}' is compressed (method 8)`);
    refused(changed(pickleName, { method: 8 }), {}, `'${pickleName}' is compressed`);
    refused(changed(storage, { flags: descriptorFlags | 1 }), {}, `'${storage}' is encrypted`);
    refused(changed(storage, { flags: descriptorFlags | 0x40 }), {}, 'has flags 0x848');
    refused(changed(storage, { flags: 0x2000 }), {}, 'has flags 0x2000');
  });

  it('refuses names that are double or lead elsewhere', () => {
    refused([...good, good[2]!], {}, `'${storage}' appears twice`);
    const names = [
      '../x',
      'model/../x',
      'model/./x',
      '/etc/x',
      'model//x',
      'model/',
      '',
      'C:/x',
      'model\\x',
      'model/\u0000x',
      'model/\u007f',
    ];
    for (const name of names) refused([...good, { name, bytes: text('x') }], {}, 'is not a plain relative name');
    refused([...good, { name: 'model/\u001b[2J\n', bytes: text('x') }], {}, '\\u{001b}');
    refused([...good, { name: 'other/x', bytes: text('x') }], {}, 'in one folder', "'other/x'");
    refused([{ name: 'x', bytes: text('x') }], {}, 'in one folder', "'x'");
    refused(good.slice(1), {}, "no 'model/data.pkl'");
    const latin = zip([...good, { name: 'model/é', bytes: text('x') }]);
    for (let at = 0; at < latin.length; at++) if (latin[at] === 0xc3 && latin[at + 1] === 0xa9) latin[at] = 0x41;
    refusedBytes(latin, 'UTF-8');
  });

  it('refuses local headers that disagree with the directory', () => {
    const plain = { flags: plainFlags };
    for (const local of [
      { name: 'model/data/1' },
      { name: 'model/data/00' },
      { signature: 0x04034b51 },
      { flags: 0 },
      { method: 8 },
    ]) {
      refused(changed(storage, { local }), {}, `local header of '${storage}' disagrees`);
    }
    refused(changed(storage, { ...plain, local: { size: 4 } }), {}, 'disagrees with the directory');
    refused(changed(storage, { ...plain, local: { crc: 1 } }), {}, 'disagrees with the directory');
    refused(changed(storage, { local: { size: 8 } }), {}, 'data descriptor');
    refused(changed(storage, { local: { crc: 1 } }), {}, 'data descriptor');
  });

  it('refuses data descriptors that disagree with the directory', () => {
    const crc = little(crc32(floats(1, 2)), 4);
    const id = ascii('PK\x07\x08');
    for (const descriptor of [
      [...id, ...crc, ...little(8, 4), ...little(9, 4)],
      [...id, ...crc, ...little(9, 4), ...little(8, 4)],
      [...id, ...little(1, 4), ...little(8, 4), ...little(8, 4)],
      [...ascii('PK\x07\x09'), ...crc, ...little(8, 4), ...little(8, 4)],
      [...crc, ...little(8, 4), ...little(8, 4)],
      [...id, ...crc, ...little(8, 4), ...little(8, 4), 0],
      [...id, ...crc, ...little(8, 8), ...little(9, 8)],
      [],
    ]) {
      refused(changed(storage, { descriptor }), {}, `data descriptor of '${storage}'`);
    }
  });

  it('refuses sizes and places that are not in the file', () => {
    refused(changed(storage, { flags: plainFlags, size: 9 }), {}, `'${storage}' does not fit`);
    refused(changed(storage, { flags: plainFlags, size: 7 }), {}, '1 unlisted bytes after');
    refused(changed(storage, { flags: plainFlags, size: 0xfffffffe }), {}, 'does not fit');
    refused(changed(storage, { central: { packed: 9 } }), {}, 'its two sizes are 9 and 8');
    refused(changed(storage, { central: { disk: 1 } }), {}, 'lies on another disk');
    refused(changed(storage, { central: { comment: 'x' } }), {}, 'has a comment');
    refused(changed(storage, { central: { at: 0 } }), {}, 'does not fit');
    refused(changed(storage, { central: { at: 5 } }), {}, 'does not fit');
    refused(changed(storage, { central: { at: 0xfffffff0 } }), {}, "data descriptor of 'model/byteorder'");
    refused(changed(pickleName, { central: { at: 1 } }), {}, 'unlisted bytes before it');
    const hidden = zip(good.slice(0, 1));
    const gap = [...hidden.subarray(0, 100)];
    refused(good, { gap }, "data descriptor of 'model/version'");
    refused(
      good.map(member => ({ ...member, flags: plainFlags })),
      { gap },
      "100 unlisted bytes after 'model/version'",
    );
  });

  it('refuses anything before, behind or beside the archive', () => {
    refused(good, { prefix: ascii('MZ') }, 'begins with the bytes 4d 5a');
    refused(good, { prefix: ascii('PK\x03\x04') }, 'unlisted bytes before it');
    refused(good, { comment: 'x' }, 'last 22 bytes');
    const inner = String.fromCharCode(...zip([], { zip64: false }));
    refused(good, { comment: inner }, 'does not end at');
    refusedBytes(Uint8Array.from([...zip(good), 0]), 'last 22 bytes');
    refusedBytes(Uint8Array.from([...zip(good), ...zip(good)]), 'not right before');
    const short = zip(good, { zip64: false });
    refusedBytes(Uint8Array.from([...short, ...short]), 'does not end at');
    refusedBytes(Uint8Array.from(ascii('PK\x03\x04')), 'last 22 bytes');
    refused([], { prefix: ascii('PK\x03\x04') }, 'has no members');
  });

  it('refuses end records that lie', () => {
    const plain: Archive = { zip64: false };
    refused(good, { ...plain, end: { disk: 1 } }, 'one part of several');
    refused(good, { ...plain, end: { commentLength: 1 } }, 'last 22 bytes');
    refused(good, { ...plain, end: { countHere: 3 } }, 'one part of several');
    refused(good, { ...plain, end: { count: 3 } }, 'belong to no member');
    refused(good, { ...plain, end: { count: 5 } }, 'expected a directory entry');
    refused(good, { ...plain, end: { count: 0xffff } }, '65535 members cannot fit');
    refused(good, { ...plain, end: { size: 1 } }, 'does not end at');
    refused(good, { ...plain, end: { size: 0xffffffff } }, 'does not end at');
    refused(good, { ...plain, end: { start: 0 } }, 'does not end at');
    refused(good, { end: { count: 3 } }, 'two end records disagree');
    refused(good, { end: { start: 0 } }, 'two end records disagree');
    refused(good, { end64: { count: 2n ** 62n } }, 'two end records disagree');
    refused(
      good,
      { end: saturated, end64: { count: 2n ** 62n, size: 2n ** 62n, start: 2n ** 62n } },
      'does not end at',
    );
    refused(good, { end64: { at: 0 } }, 'not right before');
    refused(good, { end64: { signature: 0 } }, 'not right before');
  });

  it('checks the bytes against their CRC-32, unless none was computed', () => {
    const damaged = zip(good);
    const at = Buffer.from(damaged).indexOf(Buffer.from(floats(1, 2)));
    damaged[at] = 1;
    const file = openTorch(bytesFromMemory(damaged, 'a.pt'));
    expect(() => file.read('w')).to.throw(InputError, `'${storage}' do not have their CRC-32`);
    expect(() => file.readFloat32('w')).to.throw(InputError, 'CRC-32');
    refused(changed(pickleName, { crc: 1 }), {}, `'${pickleName}' do not have their CRC-32`);
    expect([...open(changed(storage, { crc: 0 })).readFloat32('w')]).to.deep.equal([1, 2]);
  });

  it('refuses other byte orders, and storages of another size', () => {
    const order = 'model/byteorder';
    refused(changed(order, { bytes: text('big') }), {}, "byte order is 'big'");
    refused(changed(order, { bytes: text('little\n') }), {}, "byte order is 'little\\u{000a}'");
    refused(changed(order, { bytes: new Uint8Array(17) }), {}, "byte order is ''");
    refused(changed(storage, { bytes: floats(1) }), {}, 'model/data/0 has 4 bytes, but 2 elements of F32 take 8');
    refused(changed(storage, { bytes: floats(1, 2, 3) }), {}, 'has 12 bytes');
    refused(
      good.filter(({ name }) => name !== storage),
      {},
      "storage '0' has no member",
    );
    const huge = pickle(dict(['w', tensor({ shape: [2], claims: 2 ** 40 })]));
    refused(members(huge, { 0: floats(1, 2) }), {}, `take ${2 ** 42}`);
    const escaping = pickle(dict(['w', tensor({ shape: [2], key: '../version' })]));
    refused(members(escaping, { 0: floats(1, 2) }), {}, "storage '../version' has no member");
  });

  it('refuses a second pickle behind the first', () => {
    const two = Uint8Array.from([...data, ...pickle(op.none)]);
    refused(members(two, { 0: floats(1, 2) }), {}, 'data.pkl: 4 bytes follow the end of the pickle');
  });

  it('gives members and ranges of them', () => {
    const source = bytesFromMemory(zip(good), 'a.pt');
    const list = readZip(source);
    expect([...list.keys()]).to.deep.equal(good.map(({ name }) => name));
    const version = list.get('model/version')!;
    expect(Buffer.from(readMember(source, version)).toString()).to.equal('3\n');
    expect(Buffer.from(readMember(source, version, 1, 1)).toString()).to.equal('\n');
    expect(() => readMember(source, version, 1, 2)).to.throw(InputError, 'has only 2 bytes');
  });
});

describe('crc32', () => {
  it('is the one of zip, by Node and by table', () => {
    for (const [input, expected] of [
      ['', 0],
      ['123456789', 0xcbf43926],
      ['The quick brown fox jumps over the lazy dog', 0x414fa339],
    ] as const) {
      expect(crc32(text(input))).to.equal(expected);
      expect(crc32ByTable(text(input))).to.equal(expected);
    }
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 77) & 255);
    expect(crc32ByTable(bytes)).to.equal(crc32(bytes));
  });
});
