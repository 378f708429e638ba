import { expect } from 'chai';
import {
  ascii,
  type Code,
  call,
  dict,
  fill,
  float,
  get,
  global,
  int,
  list,
  little,
  op,
  orderedDict,
  pickle,
  put,
  tensor,
  text,
  tuple,
} from './pickleBytes.js';
import { read, refusedPickle as refused } from './reading.js';

describe('unpickle', () => {
  it('reads numbers, texts and containers of protocols 2 to 5', () => {
    const code = list(
      op.none,
      op.true,
      op.false,
      int(-5),
      [0x4b, 200],
      [0x4d, 1, 2],
      float(-0.25),
      [0x8a, 0],
      [0x8a, 1, 255],
      [0x8a, 8, ...little(-(2n ** 62n), 8)],
      [0x8b, ...little(2, 4), 0, 128],
      text('é'),
      [0x8c, 1, 0x61],
      [0x8d, ...little(2, 8), 0x62, 0x63],
      op.emptyTuple,
      [...int(1), 0x85],
      [...int(1), ...int(2), 0x86],
      [...int(1), ...int(2), ...int(3), 0x87],
    );
    for (const version of [2, 3, 4, 5]) {
      const { value, end } = read(Uint8Array.from([0x80, version, ...code, 0x2e]));
      const tupleOf = (...items: number[]) => ({ kind: 'tuple', items });
      expect(value).to.deep.equal({
        kind: 'list',
        items: [
          ...[null, true, false, -5, 200, 513, -0.25, 0, -1, -(2n ** 62n), -32768, 'é', 'a', 'bc'],
          ...[tupleOf(), tupleOf(1), tupleOf(1, 2), tupleOf(1, 2, 3)],
        ],
      });
      expect(end).to.equal(code.length + 3);
    }
  });

  it('reads items one by one, memo numbers, frames and names from the stack', () => {
    const items: Code = [...op.emptyDict, ...text('k'), ...op.memoize, ...int(1), ...op.setItem];
    const names: Code = [
      ...text('collections'),
      ...text('OrderedDict'),
      ...op.stackGlobal,
      ...op.emptyTuple,
      ...op.reduce,
    ];
    const body: Code = [...op.emptyList, ...items, ...op.append, ...get(0), ...op.append, ...names, ...op.append];
    const { value } = read(pickle([0x95, ...little(body.length + 1, 8)], body));
    expect(value).to.deep.equal({
      kind: 'list',
      items: [
        { kind: 'dict', ordered: false, entries: new Map([['k', 1]]) },
        'k',
        { kind: 'dict', ordered: true, entries: new Map() },
      ],
    });
  });

  it('refuses every name outside the allow-list where it is mentioned', () => {
    const names: [string, string][] = [
      ['os', 'system'],
      ['posix', 'system'],
      ['nt', 'system'],
      ['subprocess', 'Popen'],
      ['builtins', 'eval'],
      ['builtins', 'getattr'],
      ['__builtin__', 'exec'],
      ['runpy', 'run_path'],
      ['pty', 'spawn'],
      ['operator', 'attrgetter'],
      ['functools', 'partial'],
      ['distutils.file_util', 'write_file'],
      ['torch.hub', 'load'],
      ['torch.storage', '_load_from_bytes'],
      ['torch.jit', 'load'],
      ['torch', 'load'],
      ['torch', 'storage._load_from_bytes'],
      ['torch', '_utils._rebuild_tensor_v2'],
      ['torch._utils', '_import_dotted_name'],
      ['torch._utils', 'os.system'],
      ['torch._utils._rebuild_tensor_v2', '__globals__'],
      ['torch', 'FloatStorage.__init__'],
      ['torch.nn.modules.linear', 'Linear'],
      ['numpy.core.multiarray', '_reconstruct'],
      ['_codecs', 'encode'],
      ['collections', 'Counter'],
      ['collections', 'orderedDict'],
      ['collections ', 'OrderedDict'],
      ['', 'OrderedDict'],
      ['__torch__', 'A'],
      ['constructor', 'constructor'],
      ['__proto__', '__proto__'],
    ];
    for (const [module, name] of names) {
      const shown = `'${module}.${name}'`;
      refused(pickle(global(module, name)), shown, 'byte 2', 'GLOBAL', 'allow-list');
      refused(pickle(text(module), text(name), op.stackGlobal), shown, 'STACK_GLOBAL');
    }
  });

  it('cannot be talked into another name', () => {
    // A line feed inside a stacked name would end the module of a GLOBAL early.
    refused(pickle(text('collections\nOrderedDict'), text(''), op.stackGlobal), "'collections\\u{000a}OrderedDict.'");
    refused(pickle(text(''), text('collections\nOrderedDict'), op.stackGlobal), "'.collections\\u{000a}OrderedDict'");
    refused(pickle(text('torch'), put(0), text('x'), put(0), get(0), op.stackGlobal), "'x.x'");
    refused(pickle(text('os'), put(0), text('system'), put(1), get(0), get(1), op.stackGlobal), "'os.system'");
    refused(pickle(int(1), text('system'), op.stackGlobal), 'expected a text, got number');
    refused(pickle(text('system'), op.stackGlobal), 'the stack is empty');
    refused(pickle([0x63, ...ascii('os\r\nsystem\n')]), "'os\\u{000d}.system'");
    refused(pickle([0x63, ...ascii('o\u2028s\n\u202esystem\u001b[2J\n')]), '\\u{2028}', '\\u{202e}', '\\u{001b}');
    refused(pickle([0x63, 0xff, 0x0a, 0x0a]), 'UTF-8');
    refused(pickle([0x63, ...ascii('x'.repeat(2000))]), 'longer than 1024');
    refused(pickle(global('m'.repeat(1000), 'n')), `'${'m'.repeat(80)}…'`);
  });

  it('refuses every opcode outside the allow-list by name', () => {
    const codes: [string, Code][] = [
      ['INST (0x69)', [...op.mark, ...text('ls'), 0x69, ...ascii('os\nsystem\n')]],
      ['OBJ (0x6f)', [...op.mark, ...global('torch', 'Size'), 0x6f]],
      ['EXT1 (0x82)', [0x82, 1]],
      ['EXT2 (0x83)', [0x83, 1, 0]],
      ['EXT4 (0x84)', [0x84, 1, 0, 0, 0]],
      ['PERSID (0x50)', [0x50, ...ascii('0\n')]],
      ['DUP (0x32)', [...op.none, 0x32]],
      ['POP (0x30)', [...op.none, 0x30]],
      ['POP_MARK (0x31)', [...op.mark, 0x31]],
      ['NEWOBJ_EX (0x92)', [...global('torch', 'Size'), ...op.emptyTuple, ...op.emptyDict, 0x92]],
      ['NEXT_BUFFER (0x97)', [0x97]],
      ['READONLY_BUFFER (0x98)', [0x98]],
      ['BYTEARRAY8 (0x96)', [0x96, ...little(0, 8)]],
      ['EMPTY_SET (0x8f)', [0x8f]],
      ['FROZENSET (0x91)', [...op.mark, 0x91]],
      ['INT (0x49)', [0x49, ...ascii('1\n')]],
      ['STRING (0x53)', [0x53, ...ascii("'os'\n")]],
      ['SHORT_BINSTRING (0x55)', [0x55, 1, 0x61]],
      ['GET (0x67)', [0x67, ...ascii('0\n')]],
      ['PROTO (a second time) (0x80)', [0x80, 2]],
      ['0x00', [0]],
      ['0xff', [0xff]],
    ];
    for (const [name, code] of codes) refused(pickle(code), `opcode ${name} is outside the allow-list`);
  });

  it('knows no opcode but the documented ones', () => {
    const known = new Set<number>();
    for (let opcode = 0; opcode < 256; opcode++) {
      try {
        read(Uint8Array.from([0x80, 2, opcode, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a, 0x0a]));
      } catch (error) {
        if (!String(error).includes(`0x${opcode.toString(16).padStart(2, '0')}`)) known.add(opcode);
      }
    }
    const expected = [
      ...ascii('().BCGJKMNQRX]abcehjqrstu}'),
      ...[0x81, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e, 0x93, 0x94, 0x95],
    ];
    expect([...known].sort((a, b) => a - b)).to.deep.equal(expected.sort((a, b) => a - b));
  });

  it('calls allow-listed functions only', () => {
    refused(pickle(text('system'), tuple(text('ls')), op.reduce), 'function to call, got string');
    refused(pickle(call(global('torch', 'FloatStorage'), int(1))), "function to call, got 'torch.FloatStorage'");
    refused(pickle(call(global('torch', 'float32'), int(1))), "function to call, got 'torch.float32'");
    refused(pickle(call(orderedDict)), 'function to call, got dictionary');
    refused(pickle(call(tensor({ shape: [1] }))), 'function to call, got tensor');
    refused(pickle(global('collections', 'OrderedDict'), op.emptyList, op.reduce), 'tuple of arguments, got list');
    refused(pickle(call(global('collections', 'OrderedDict'), list(tuple(int(1), int(2))))), 'called with 1 arguments');
    refused(pickle(call(global('torch', 'Size'), op.emptyList)), 'as torch.Size, got list');
    refused(
      pickle(call(global('torch._utils', '_rebuild_parameter'), op.none, op.true, orderedDict)),
      'data, got None',
    );
    refused(
      pickle(global('torch', 'Size'), op.emptyTuple, op.newObject),
      "(NEWOBJ): expected a TorchScript class and no arguments, got 'torch.Size' and 0",
    );
    refused(pickle(global('collections', 'OrderedDict'), op.emptyTuple, op.newObject), "got 'collections.OrderedDict'");
    refused(pickle(op.none, op.emptyTuple, op.newObject), 'got None');
  });

  it('gives attributes to ordered dictionaries only, and drops them', () => {
    const { value } = read(pickle(orderedDict, dict(['__class__', text('os')]), op.build));
    expect(value).to.deep.equal({ kind: 'dict', ordered: true, entries: new Map() });
    for (const target of [op.emptyDict, op.emptyList, tuple(int(1)), global('torch', 'Size'), tensor({ shape: [1] })]) {
      refused(pickle(target, dict(['__setstate__', int(1)]), op.build), '(BUILD): expected an OrderedDict');
    }
    refused(pickle(orderedDict, tuple(op.none, dict()), op.build), 'got dictionary and tuple');
  });

  it('refuses stacks, marks and memo numbers that do not fit', () => {
    refused(Uint8Array.of(0x80, 2, 0x2e), 'the stack is empty');
    refused(pickle(op.none, op.none), 'values left over');
    refused(pickle(op.none, op.mark), 'values left over');
    refused(pickle(op.tuple), 'no MARK is open');
    refused(pickle(op.setItems), 'no MARK is open');
    refused(pickle(op.none, op.mark, [0x85]), 'the stack is empty');
    refused(pickle(op.emptyDict, op.mark, int(1), op.setItems), 'has no value');
    refused(pickle(op.emptyDict, op.emptyList, int(1), op.setItem), 'as dictionary key, got list');
    refused(pickle(op.emptyDict, fill([[tuple(int(1)), int(1)]])), 'key, got tuple');
    refused(pickle(op.emptyDict, fill([[tensor({ shape: [1] }), int(1)]])), 'key, got tensor');
    refused(pickle(dict(['a', int(1)], ['a', int(2)])), "key 'a' appears twice");
    refused(pickle(op.none, int(1), op.append), 'a list to append to, got None');
    refused(pickle(op.emptyList, int(1), int(2), op.setItem), 'a dictionary to fill, got list');
    refused(pickle(get(0)), 'memo number 0');
    refused(pickle(op.none, put(1), [0x6a, ...little(2 ** 31, 4)]), `memo number ${2 ** 31}`);
    refused(pickle(put(0)), 'the stack is empty');
  });

  it('refuses lengths beyond the file before it takes memory', () => {
    const before = process.memoryUsage();
    refused(pickle([0x58, ...little(0xffffffff, 4)]), 'BINUNICODE', 'cut short');
    refused(pickle([0x8d, ...little(2n ** 63n, 8)]), 'cut short');
    refused(pickle([0x8e, ...little(2n ** 64n - 1n, 8)]), 'cut short');
    refused(pickle([0x42, ...little(2 ** 31, 4)]), 'cut short');
    refused(pickle([0x8a, 200]), 'cut short');
    refused(pickle([0x8b, ...little(2 ** 31 - 1, 4)]), 'an integer of 2147483647 bytes');
    refused(pickle([0x8b, ...little(-1, 4)]), 'an integer of 4294967295 bytes');
    refused(pickle([0x95, ...little(2n ** 62n, 8)], op.none), 'a frame of');
    refused(pickle([0x58, ...little(2, 4), 0xc3, 0x28]), 'UTF-8');
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).to.be.below(2 ** 20);
  });

  it('needs a protocol it knows, first', () => {
    refused(Uint8Array.from([...ascii('(dp0\n.')]), 'opcode PROTO');
    refused(Uint8Array.of(0x80, 1, 0x4e, 0x2e), 'protocol 1');
    refused(Uint8Array.of(0x80, 6, 0x4e, 0x2e), 'protocol 6');
    refused(Uint8Array.of(0x80), 'cut short');
  });
});
