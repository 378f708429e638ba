import { expect } from 'chai';
import { craft, member, open, refusal } from './craft.js';

const tooLong = 'expected a header of at most 100000000 bytes';
const one = member('a', 'U8', [2], [0, 2]);
const fields = (shape: string, offsets: string) => `{"a":{"dtype":"U8","shape":${shape},"data_offsets":${offsets}}}`;

describe('files/safetensors/header', () => {
  const bad: [what: string, bytes: Uint8Array, ...message: string[]][] = [
    ['an empty file', new Uint8Array(0), 'expected the 8 bytes of a header length first, got a file of 0 bytes'],
    ['7 bytes', new Uint8Array(7), 'got a file of 7 bytes'],
    ['a header of 2^64 - 1 bytes', craft('{}', 0, 2n ** 64n - 1n), tooLong, 'got 18446744073709551615'],
    ['a header of 2^53 + 1 bytes', craft('{}', 0, 2n ** 53n + 1n), tooLong, 'got 9007199254740993'],
    ['a header one byte over the limit', craft('{}', 0, 100_000_001n), tooLong],
    ['a header at the limit, longer than the file', craft('{}', 0, 100_000_000n), 'got only 2; is the file cut short?'],
    ['a header longer than the file by one', craft('{}', 0, 3n), 'expected a header of 3 bytes, got only 2'],
    ['8 bytes only', craft('', 0, 8n), 'got only 0'],
    ['8 bytes of zero', craft('', 0), 'header: expected an object, got the end of the text'],
    ['a Git LFS pointer', Buffer.from('version https://git-lfs.github.com/spec/v1\n'), 'Git LFS pointer'],
    ['a byte that is not UTF-8', craft(Uint8Array.of(0x7b, 0xff, 0x7d)), 'header: expected UTF-8 text'],
    ['an overlong UTF-8 slash', craft(Uint8Array.of(0x7b, 0xc0, 0xaf, 0x7d)), 'header: expected UTF-8 text'],
    ['a surrogate in UTF-8', craft(Buffer.from('7b22eda08022', 'hex')), 'header: expected UTF-8 text'],
    ['a byte order mark', craft('\ufeff{}'), 'header: expected an object'],
    ['an open brace alone', craft('{'), 'header: expected a string, got the end of the text'],
    ['an array', craft('[]'), "header: expected an object, got '[]'"],
    ['a number', craft('1'), 'header: expected an object'],
    ['null', craft('null'), 'header: expected an object'],
    ['text after the header', craft('{}x'), "header: expected the end of the text, got 'x'"],
    ['a second header', craft('{}{}'), 'header: expected the end of the text'],
    ['a zero byte as padding', craft('{}\0'), "got '\\u{0000}'"],
    ['a no-break space as padding', craft('{}\u00a0'), 'header: expected the end of the text'],
    ['a comma too many', craft(`{${one},}`, 2), 'header: expected a string'],
    ['a comma too few', craft(`{${one}${one}}`, 2), "header: expected ',' or '}'"],
    ['a comment', craft(`{/**/${one}}`, 2), 'header: expected a string'],
    ['single quotes', craft(`{'a':1}`), 'header: expected a string'],
    ['a line feed within a name', craft('{"a\n":1}'), 'header: expected the rest of a string'],
    ['an unknown escape', craft('{"\\x41":1}'), 'header: expected a string with valid escapes'],
    ['an escape cut short', craft('{"\\'), 'header: expected the rest of a string'],
    ['a lone surrogate', craft('{"\\ud800":1}'), 'header: expected a string with valid escapes'],
    ['a tensor that is a number', craft('{"a":1}'), "tensor 'a': expected an object"],
    ['a tensor that is an array', craft('{"a":["U8",[2],[0,2]]}', 2), "tensor 'a': expected an object"],
    ['no dtype', craft('{"a":{"shape":[2],"data_offsets":[0,2]}}', 2), "tensor 'a': its 'dtype' is missing"],
    ['no shape', craft('{"a":{"dtype":"U8","data_offsets":[0,2]}}', 2), "tensor 'a': its 'shape' is missing"],
    ['no offsets', craft('{"a":{"dtype":"U8","shape":[2]}}', 2), "tensor 'a': its 'data_offsets' are missing"],
    ['an unknown field', craft('{"a":{"strides":[1]}}'), "tensor 'a': 'strides': expected no field but"],
    ['a field __proto__', craft('{"a":{"__proto__":{}}}'), "tensor 'a': '__proto__': expected no field but"],
    ['a dtype that is no string', craft('{"a":{"dtype":7}}'), "tensor 'a': 'dtype': expected a string"],
    ...['F4', 'F6_E2M3', 'F8_E4M3', 'F8_E5M2', 'C64', 'f32', 'F128', '', 'toString', '__proto__'].map(
      (dtype): [string, Uint8Array, string, string] => [
        `dtype '${dtype}'`,
        craft(`{${member('a', dtype, [3], [0, 2])}}`, 2),
        "tensor 'a': 'dtype': expected one of BOOL, U8,",
        `got '${dtype}'`,
      ],
    ),
    ['a name given twice', craft(`{${one},${one}}`, 2), "tensor 'a': expected each key once"],
    [
      'a name given twice, escaped',
      craft(`{${one},${one.replace('a', '\\u0061')}}`, 2),
      "tensor 'a': expected each key once",
    ],
    ['metadata given twice', craft('{"__metadata__":{},"__metadata__":{}}'), '__metadata__: expected each key once'],
    [
      'metadata and tensor in one',
      craft(`{${one.replace('a', '__metadata__')}}`, 2),
      "__metadata__: 'shape': expected a string",
    ],
    [
      'a metadata key given twice',
      craft('{"__metadata__":{"k":"1","k":"1"}}'),
      "__metadata__: 'k': expected each key once",
    ],
    [
      'a field given twice',
      craft('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2],"dtype":"I8"}}', 2),
      "tensor 'a': 'dtype': expected each key once",
    ],
    [
      'a field given twice, escaped',
      craft('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2],"sh\\u0061pe":[2]}}', 2),
      "tensor 'a': 'shape': expected each key once",
    ],
    ...['1', 'null', '{}', '["a"]', 'true'].map((value): [string, Uint8Array, string] => [
      `metadata value ${value}`,
      craft(`{"__metadata__":{"k":${value}}}`),
      "__metadata__: 'k': expected a string",
    ]),
    ...['null', '"text"', '[]'].map((value): [string, Uint8Array, string] => [
      `metadata ${value}`,
      craft(`{"__metadata__":${value}}`),
      '__metadata__: expected an object',
    ]),
    ...['-1', '-0', '"2"', '1.0', '2e0', '2E0', '02', '+2', '0x2', '2n', 'null', '[2]', 'NaN', '', '2_0', '²'].flatMap(
      (number): [string, Uint8Array, string][] => [
        [`axis ${number}`, craft(fields(`[1,${number}]`, '[0,2]'), 2), "tensor 'a': 'shape': expected"],
        [`begin ${number}`, craft(fields('[2]', `[${number},2]`), 2), "tensor 'a': 'data_offsets': expected"],
        [`end ${number}`, craft(fields('[2]', `[0,${number}]`), 2), "tensor 'a': 'data_offsets': expected"],
      ],
    ),
    ...['1.0', '2e0', '2E0', '02', '-2'].map((number): [string, Uint8Array, string] => [
      `an integer written ${number}`,
      craft(fields(`[1,${number}]`, '[0,2]'), 2),
      `expected a plain non-negative integer, got '${number}],`,
    ]),
    ['a shape that is no array', craft(fields('2', '[0,2]'), 2), "tensor 'a': 'shape': expected an array"],
    ['a shape that is an object', craft(fields('{"0":2}', '[0,2]'), 2), "tensor 'a': 'shape': expected an array"],
    ['a shape without an end', craft('{"a":{"shape":[2'), "tensor 'a': 'shape': expected ',' or ']'"],
    [
      '65 axes',
      craft(fields(`[${'1,'.repeat(64)}1]`, '[0,1]'), 1),
      "tensor 'a': 'shape': expected at most 64 integers",
    ],
    ['no offset', craft(fields('[2]', '[]'), 2), "tensor 'a': expected 'data_offsets' to be two integers, got 0"],
    ['one offset', craft(fields('[2]', '[0]'), 2), "tensor 'a': expected 'data_offsets' to be two integers, got 1"],
    ['three offsets', craft(fields('[2]', '[0,2,2]'), 2), "tensor 'a': 'data_offsets': expected at most 2 integers"],
    [
      'ten tensors on the same 16 bytes',
      craft(`{${Array.from({ length: 10 }, (_, i) => member(`w${i}`, 'F32', [2, 2], [0, 16])).join(',')}}`, 16),
      "tensor 'w1': data_offsets [0, 16] overlap the tensor before, which ends at 16",
    ],
    [
      'two tensors that share a byte',
      craft(`{${one},${member('b', 'U8', [2], [1, 3])}}`, 3),
      "tensor 'b': data_offsets [1, 3] overlap",
    ],
    [
      'a hole at the start',
      craft(`{${member('a', 'U8', [2], [1, 3])}}`, 3),
      "tensor 'a': data_offsets [1, 3] leave a hole",
    ],
    [
      'a hole between two',
      craft(`{${member('b', 'U8', [1], [3, 4])},${one}}`, 4),
      "tensor 'b': data_offsets [3, 4] leave a hole after the tensor before, which ends at 2",
    ],
    [
      'a hole before an empty tensor',
      craft(`{${one},${member('b', 'U8', [0], [3, 3])}}`, 3),
      "tensor 'b': data_offsets [3, 3]",
    ],
    ['an empty tensor inside another', craft(`{${one},${member('b', 'U8', [0], [1, 1])}}`, 2), 'overlap'],
    ['begin > end', craft(`{${member('a', 'U8', [2], [2, 0])}}`, 2), 'data_offsets [2, 0] end before they begin'],
    [
      'bytes after the last tensor',
      craft(`{${one}}`, 3),
      'expected the file to end with the last tensor, got 1 bytes more',
    ],
    ['a file within the file', craft('{}', craft('{}')), 'got 10 bytes more'],
    [
      'the last two bytes missing',
      craft(`{${member('a', 'F32', [2], [0, 8])}}`, 6),
      'expected 8 bytes of tensors, got 6',
    ],
    ['a tensor of 2^50 bytes', craft(`{${member('a', 'U8', [2 ** 50], [0, 2 ** 50])}}`, 8), 'of tensors, got 8'],
    [
      'shape [2, 2] of F32 in 4 bytes',
      craft(`{${member('a', 'F32', [2, 2], [0, 4])}}`, 4),
      "tensor 'a': shape [2,2] of F32 takes 16 bytes, but data_offsets [0, 4] hold 4",
    ],
    ['an empty shape on 4 bytes of U8', craft(`{${member('a', 'U8', [], [0, 4])}}`, 4), 'takes 1 bytes'],
    [
      'shape [2, 2^64 - 2]',
      craft(fields('[2,18446744073709551614]', '[0,16]'), 16),
      "'shape': expected an integer below 2^53",
    ],
    [
      'shape [2, 2^63 - 1]',
      craft(fields('[2,9223372036854775807]', '[0,16]'), 16),
      "'shape': expected an integer below 2^53",
    ],
    ['an axis of 2^53', craft(fields('[9007199254740992]', '[0,16]'), 16), "'shape': expected an integer below 2^53"],
    [
      'a begin of 2^64',
      craft(fields('[2]', '[18446744073709551616,2]'), 2),
      "'data_offsets': expected an integer below",
    ],
    [
      'a product over 2^53',
      craft(fields('[4294967296,4294967296]', '[0,16]'), 16),
      'size of shape [4294967296,4294967296] overflows',
    ],
    ['a product over 2^53 by its width', craft(`{${member('a', 'F64', [2 ** 51], [0, 16])}}`, 16), 'overflows'],
    ['an overflow hidden by a zero', craft(fields('[4294967296,4294967296,0]', '[0,0]')), 'overflows'],
    [
      'a name fit to break a terminal',
      craft(`{${JSON.stringify('\n\u001b[2J\u202e')}:1}`),
      "tensor '\\u{000a}\\u{001b}[2J\\u{202e}': ",
    ],
    ['a name of 1 MB', craft(`{${JSON.stringify('n'.repeat(1e6))}:1}`), `tensor '${'n'.repeat(80)}…': expected`],
  ];

  for (const [what, bytes, ...message] of bad) {
    it(`refuses ${what}`, () => {
      const refused = refusal(bytes);
      for (const part of ['x.safetensors: ', ...message]) expect(refused).to.include(part);
      expect(refused).to.match(/^x\.safetensors: [^\p{Cc}]{1,300}$/u);
    });
  }

  const good: [what: string, bytes: Uint8Array, names: string[]][] = [
    ['no tensor', craft('{}'), []],
    ['trailing blanks', craft('{}      '), []],
    ['leading blanks and line feeds', craft(' \n\r\t{}'), []],
    ['blanks everywhere', craft(` { "a" : { "shape" : [ 2 ] , "dtype":"U8", "data_offsets":[0 ,\n2]\t} } `, 2), ['a']],
    ['metadata alone', craft('{"__metadata__":{"k":"v"}}'), []],
    ['metadata after a tensor', craft(`{${one},"__metadata__":{}}`, 2), ['a']],
    ['a shape without axes', craft(`{${member('a', 'F32', [], [0, 4])}}`, 4), ['a']],
    ['a zero axis', craft(`{${member('a', 'F32', [3, 0, 2], [0, 0])}}`), ['a']],
    ['a zero axis beside huge ones', craft(fields('[0,4294967296,4294967296]', '[0,0]')), ['a']],
    [
      'empty tensors at the start, between and at the end, in any order of keys',
      craft(
        `{${member('d', 'U8', [0], [3, 3])},${member('c', 'U8', [1], [2, 3])},${member('b', 'U8', [0], [2, 2])},${member('x', 'U8', [2], [0, 2])},${member('a', 'U8', [0], [0, 0])}}`,
        3,
      ),
      ['a', 'x', 'b', 'c', 'd'],
    ],
    ['keys against the order of bytes', craft(`{${member('b', 'U8', [1], [2, 3])},${one}}`, 3), ['a', 'b']],
    [
      'unaligned tensors',
      craft(`{${member('a', 'U8', [1], [0, 1])},${member('b', 'F64', [1], [1, 9])}}`, 9),
      ['a', 'b'],
    ],
    ['64 axes', craft(fields(`[${'1,'.repeat(63)}1]`, '[0,1]'), 1), ['a']],
    ['an empty name', craft(`{${member('', 'U8', [2], [0, 2])}}`, 2), ['']],
    [
      'names that JavaScript objects know',
      craft(
        `{${['__proto__', 'constructor', 'toString', 'hasOwnProperty', '0'].map(name => member(name, 'U8', [0], [0, 0])).join(',')}}`,
      ),
      ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '0'],
    ],
    ['a name of 1 MB', craft(`{${member('n'.repeat(1e6), 'U8', [0], [0, 0])}}`), ['n'.repeat(1e6)]],
    [
      'escapes of every kind',
      craft(`{"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00é😀":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`),
      ['"\\/\b\f\n\r\té😀é😀'],
    ],
    ['field names in escapes', craft('{"a":{"\\u0064type":"\\u00558","shape":[0],"data_offsets":[0,0]}}'), ['a']],
  ];

  for (const [what, bytes, names] of good) {
    it(`takes ${what}`, () => {
      const file = open(bytes);
      expect([...file.tensors.keys()]).to.deep.equal(names);
      for (const [name, { shape }] of file.tensors) {
        const elements = shape.reduce((product, axis) => product * axis, 1);
        expect(file.readFloat32(name)).to.have.length(elements);
        expect(file.read(name).shape).to.deep.equal(shape);
      }
    });
  }

  it('keeps metadata whose keys JavaScript objects know', () => {
    const file = open(craft('{"__metadata__":{"__proto__":"a","constructor":"b","":"c","k\\u0000":"\\n"}}'));
    expect([...file.metadata]).to.deep.equal([
      ['__proto__', 'a'],
      ['constructor', 'b'],
      ['', 'c'],
      ['k\0', '\n'],
    ]);
  });

  it('ends soon on long headers: a million keys, many tensors, one endless value of each kind', function () {
    this.timeout(60_000); // it takes two or three seconds; what grows with the square of the length would take hours
    const keys = Array.from({ length: 1_000_001 }, (_, i) => i.toString(36));
    const tensor = '"dtype":"U8","shape":[0],"data_offsets":[0,0]';
    const long: [header: string, message: string | undefined][] = [
      [`{"__metadata__":{${keys.map(key => `"${key}":""`).join(',')}`, '__metadata__: expected at most 1000000 keys'],
      [`{${keys.slice(0, 20_000).map(key => `"${key}":{${tensor}}`)}}`, undefined],
      [`{"a":{"dtype":"U8","shape":[${'1,'.repeat(1e6)}`, 'expected at most 64 integers'],
      [`{"a":{"dtype":"U8","shape":[${'1'.repeat(2e6)}`, 'expected an integer below 2^53'],
      [`{"a":${'['.repeat(2e6)}`, 'expected an object'],
      [`{"${'\\u0061'.repeat(3e5)}`, 'expected the rest of a string'],
      [`${' '.repeat(2e6)}{}`, undefined],
    ];
    for (const [header, message] of long) {
      const refused = refusal(craft(header));
      if (message) expect(refused).to.include(message);
      else expect(refused).to.equal(undefined);
    }
  });
});
