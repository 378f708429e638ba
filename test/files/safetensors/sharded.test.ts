import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { openBytes } from '../../../src/files/bytes.js';
import { openSafetensors } from '../../../src/files/safetensors/read.js';
import { openShardedSafetensors } from '../../../src/files/safetensors/sharded.js';
import { writeSafetensors } from '../../../src/files/safetensors/write.js';
import { expectClose, goldenPath, readGolden } from '../../goldens.js';
import { craft, f32 } from './craft.js';

describe('files/safetensors/sharded', () => {
  let folder: string;
  let index: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sharded-'));
    index = join(folder, 'model.safetensors.index.json');
    writeSafetensors(
      join(folder, '1.safetensors'),
      [
        ['a', f32(1)],
        ['b', f32(2, 3)],
      ],
      new Map([['format', 'pt']]),
    );
    writeSafetensors(
      join(folder, '2.safetensors'),
      [['c', f32(4)]],
      new Map([
        ['format', 'np'],
        ['by', 'x'],
      ]),
    );
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const whole = { a: '1.safetensors', b: '1.safetensors', c: '2.safetensors' };
  const write = (content: unknown) =>
    writeFileSync(index, typeof content === 'string' ? content : JSON.stringify(content));

  it('reads the golden checkpoint in three shards', function () {
    const path = goldenPath(this, 'clip-tiny/weights/hf-v512-fp16-sharded/model.safetensors.index.json');
    const file = openShardedSafetensors(path);
    const map: Record<string, string> = JSON.parse(readFileSync(path, 'utf8')).weight_map;
    expect(file).to.include({ name: path, format: 'safetensors-index' });
    expect([...file.metadata]).to.deep.equal([['format', 'pt']]);
    expect([...file.tensors.keys()])
      .to.have.members(Object.keys(map))
      .and.to.have.length(110);
    for (const [name, shard] of Object.entries(map)) {
      const alone = openSafetensors(openBytes(join(dirname(path), shard)));
      expect(file.tensors.get(name)).to.deep.equal(alone.tensors.get(name));
      expect(Buffer.compare(file.read(name).bytes, alone.read(name).bytes)).to.equal(0);
      alone.close();
    }
    const positions = readGolden(goldenPath(this, 'clip-tiny/other_sizes.safetensors'))['32x128/pos.sclip']!;
    const read = file.readFloat32('vision_model.embeddings.position_embedding.weight');
    expectClose(read, positions.data as Float32Array, { maxAbs: 0 }, { name: 'positions', shape: positions.shape });
    file.close();
    expect(() => file.read('logit_scale')).to.throw(Error, 'closed');
  });

  it('joins shards, their tensors and their metadata, and shards in folders within', () => {
    mkdirSync(join(folder, 'sub'));
    writeSafetensors(join(folder, 'sub', '3.safetensors'), [
      ['d', f32(5)],
      ['forgotten', f32(6)],
    ]);
    write({
      weight_map: { ...whole, d: 'sub/3.safetensors' },
      other: [1.5e3, null, { x: [true, false, '\u00e9'] }, []],
    });
    const file = openShardedSafetensors(index);
    expect([...file.tensors.keys()]).to.deep.equal(['a', 'b', 'c', 'd', 'forgotten']);
    expect([...file.readFloat32('b', new Float32Array(3))]).to.deep.equal([2, 3]);
    expect([...file.readFloat32('forgotten')]).to.deep.equal([6]);
    expect([...file.metadata]).to.deep.equal([
      ['format', 'pt'],
      ['by', 'x'],
    ]);
    expect(() => file.read('e')).to.throw(InputError, `${index}: no tensor 'e'; did you mean a, b, c?`);
    file.close();
  });

  it('takes a total_size that is stale by a dtype, as 16 bytes in all are here', () => {
    for (const total of ['16', '16.0', '2', '2.5', '128', '1.28e2']) {
      write(`{"metadata":{"total_size":${total},"total_parameters":4},"weight_map":${JSON.stringify(whole)}}`);
      openShardedSafetensors(index).close();
    }
  });

  const escapes = [
    '../1.safetensors',
    'x/../1.safetensors',
    '..',
    '.',
    './1.safetensors',
    '',
    '/1.safetensors',
    'x//1.safetensors',
  ].concat('x/', 'C:1.safetensors', '..\\1.safetensors', '\\\\host\\1.safetensors', '1.safetensors\0');
  const bad: [what: string, content: unknown, ...message: string[]][] = [
    ['an empty file', '', 'expected an object, got the end of the text'],
    ['an array', [], 'expected an object'],
    ['a string', '"weight_map"', 'expected an object'],
    ['null', 'null', 'expected an object'],
    ['a web page', '<!DOCTYPE html>', "expected an object, got '<!DOCTYPE html>'"],
    ['text after the object', `${JSON.stringify({ weight_map: whole })}x`, 'expected the end of the text'],
    ['no weight_map', {}, "expected a 'weight_map' from tensor names to files"],
    ['an empty weight_map', { weight_map: {} }, "expected a 'weight_map' from tensor names to files"],
    ['a weight_map that is an array', { weight_map: ['a'] }, "'weight_map': expected an object"],
    ['a shard that is a number', { weight_map: { a: 1 } }, "'weight_map': 'a': expected a string"],
    ['metadata that is an array', { metadata: [], weight_map: whole }, "'metadata': expected an object"],
    [
      'a total_size in quotes',
      { metadata: { total_size: '16' }, weight_map: whole },
      "'total_size': expected a number",
    ],
    [
      'a total_size nine times too large',
      { metadata: { total_size: 144 }, weight_map: whole },
      'total_size says 144 bytes, the shards hold 16',
    ],
    [
      'a total_size nine times too small',
      { metadata: { total_size: 16 / 9 }, weight_map: whole },
      'the shards hold 16',
    ],
    ['a total_size below zero', { metadata: { total_size: -16 }, weight_map: whole }, 'total_size says -16 bytes'],
    [
      'a total_size beyond all numbers',
      `{"metadata":{"total_size":1e999},"weight_map":${JSON.stringify(whole)}}`,
      'Infinity',
    ],
    [
      'a tensor named twice',
      '{"weight_map":{"a":"1.safetensors","\\u0061":"2.safetensors"}}',
      "'weight_map': 'a': expected each key once",
    ],
    [
      'weight_map twice',
      '{"weight_map":{"a":"1.safetensors"},"weight_map":{}}',
      "'weight_map': expected each key once",
    ],
    ['a depth of 100', `{"x":${'['.repeat(100)}${']'.repeat(100)}}`, "'x': expected at most 64 levels"],
    ['a bad literal', '{"x":nul}', "'x': expected a value"],
    ['a number that JSON does not know', '{"x":01}', "expected ',' or '}', got '1}'"],
    ...escapes.map((shard): [string, unknown, string] => [
      `shard ${JSON.stringify(shard)}`,
      { weight_map: { a: shard } },
      "tensor 'a': expected a file in the index's folder",
    ]),
    [
      'a missing shard',
      { weight_map: { ...whole, d: '9.safetensors' } },
      '9.safetensors: cannot be read: no such file',
    ],
    ['a shard that is a folder', { weight_map: { ...whole, d: 'folder' } }, 'expected a file, got a directory'],
    ['a broken shard', { weight_map: { ...whole, d: 'broken' } }, 'broken: expected a header of 9 bytes'],
    [
      'a tensor that its shard lacks',
      { weight_map: { ...whole, d: '2.safetensors' } },
      "tensor 'd': not in the shard that should hold it, '2.safetensors'",
    ],
    [
      'a tensor in another shard',
      { weight_map: { ...whole, a: '2.safetensors' } },
      "tensor 'a': not in the shard that should hold it",
    ],
    [
      'a tensor in two shards',
      { weight_map: { ...whole, b: '1copy' } },
      "tensor 'a': in two shards, ",
      '1.safetensors and ',
      '1copy',
    ],
  ];
  for (const [what, content, ...message] of bad) {
    it(`refuses ${what}, with no file left open`, () => {
      mkdirSync(join(folder, 'folder'));
      writeFileSync(join(folder, 'broken'), craft('{}', 0, 9n));
      writeFileSync(join(folder, '1copy'), readFileSync(join(folder, '1.safetensors')));
      write(content);
      expect(() => openShardedSafetensors(index))
        .to.throw(InputError)
        .with.property('message')
        .that.satisfies((text: string) => {
          for (const part of [folder, ...message]) expect(text).to.include(part);
          return /^[^\p{Cc}]*$/u.test(text);
        });
      expect(openIn(folder)).to.deep.equal([]);
    });
  }

  it('refuses a missing index and one over 100 MB', () => {
    expect(() => openShardedSafetensors(join(folder, 'none.json'))).to.throw(InputError, 'none.json: cannot be read');
    write('');
    truncateSync(index, 100_000_001);
    expect(() => openShardedSafetensors(index)).to.throw(InputError, 'expected an index of at most 100000000 bytes');
  });

  it('closes every shard', () => {
    write({ weight_map: whole });
    const file = openShardedSafetensors(index);
    if (process.platform === 'linux') expect(openIn(folder)).to.have.length(2);
    file.close();
    expect(openIn(folder)).to.deep.equal([]);
  });
});

/** Which files of a folder this process holds open; where the system does not tell, none. */
function openIn(folder: string): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc/self/fd').flatMap(descriptor => {
    try {
      const path = readlinkSync(`/proc/self/fd/${descriptor}`);
      return path.startsWith(folder) ? [path] : [];
    } catch {
      return []; // the descriptor of the listing itself
    }
  });
}
