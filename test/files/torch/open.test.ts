import { expect } from 'chai';
import { floats, members, scriptMembers, torchLegacy, zip } from './fileBytes.js';
import {
  ascii,
  type Code,
  call,
  dict,
  fill,
  float,
  global,
  int,
  list,
  op,
  orderedDict,
  pickle,
  tensor,
  text,
  tuple,
} from './pickleBytes.js';
import { open, openSix, refused } from './reading.js';

const w = tensor({ shape: [2, 3] });

describe('openTorch', () => {
  describe('names', () => {
    it('takes a flat dictionary, ordered or not, and drops the _metadata of a state dict', () => {
      expect([...openSix(pickle(dict(['a.w', w]))).tensors.keys()]).to.deep.equal(['a.w']);
      const metadata = dict(['_metadata', dict(['', dict(['version', int(1)])])]);
      const stateDict = [...orderedDict, ...fill([[text('a.w'), w]]), ...metadata, ...op.build];
      expect([...openSix(pickle(stateDict)).tensors.keys()]).to.deep.equal(['a.w']);
    });

    it('unwraps state_dict and model, also inside each other, and ignores what is beside them', () => {
      const inner = dict(['module.w', w]);
      for (const object of [
        dict(['epoch', int(3)], ['name', text('tiny')], ['state_dict', inner], ['rng', w]),
        dict(['model', inner], ['optimizer', dict(['state', dict(['w', w])])]),
        dict(['model', dict(['state_dict', inner])]),
      ]) {
        expect([...openSix(pickle(object)).tensors.keys()]).to.deep.equal(['module.w']);
      }
    });

    it('keeps tensors only, and joins the names of nested dictionaries', () => {
      const object = dict(
        ['a', dict(['b', w], ['', w])],
        ['text', text('x')],
        ['flag', op.true],
        ['none', op.none],
        ['rate', float(0.5)],
        ['list', list(w, int(1))],
        ['pair', tuple(w, w)],
        ['dtype', global('torch', 'float32')],
        ['size', call(global('torch', 'Size'), tuple(int(1), int(2)))],
        ['bytes', [0x43, 2, 1, 2]],
        ['z', w],
      );
      expect([...openSix(pickle(object)).tensors.keys()]).to.deep.equal(['a.b', 'a.', 'z']);
    });

    it('keeps names that are dangerous for plain objects', () => {
      const names = ['__proto__', 'constructor', 'toString', '', '\ufeffx', 'ünïcode'];
      const file = openSix(pickle(dict(...names.map(name => [name, w] as const))));
      expect([...file.tensors.keys()]).to.deep.equal(names);
      expect([...file.readFloat32('__proto__')]).to.deep.equal([0, 1, 2, 3, 4, 5]);
    });

    it('names the nearest tensor when there is none of that name', () => {
      const file = openSix(pickle(dict(['visual.proj', w])));
      refused(() => file.read('visual.porj'), "'visual.porj'", 'did you mean visual.proj?');
      refused(() => file.readFloat32('x\ny'), "'x\\u{000a}y'");
      const hostile = openSix(pickle(dict(['visual\nproj', w], ['visual\u001bproj', w], ['v'.repeat(200), w])));
      refused(() => hostile.read('visual.proj'), "no tensor 'visual.proj'");
    });

    it('refuses what is no dictionary of tensors', () => {
      refused(() => openSix(pickle(w)), 'got tensor');
      refused(() => openSix(pickle(list(w))), 'got list');
      refused(() => openSix(pickle(op.emptyDict)), 'no tensor is in it');
      refused(() => openSix(pickle(dict(['state_dict', dict(['epoch', int(3)])]))), 'no tensor is in it');
      refused(() => openSix(pickle(dict(['a', dict(['b', w])], ['a.b', w]))), "two tensors of the name 'a.b'");
      refused(() => openSix(pickle(dict(['n'.repeat(5000), w]))), 'longer than 4096');
      expect(openSix(pickle(dict(['n'.repeat(5000), text('a note')], ['w', w]))).tensors.size).to.equal(1);
    });
  });

  describe('TorchScript', () => {
    const module = (attributes: Code): Code => [
      ...global('__torch__.a', 'Module'),
      ...op.emptyTuple,
      ...op.newObject,
      ...attributes,
      ...op.build,
    ];
    const object = module(
      dict(['training', op.false], ['visual', module(dict(['proj', w], ['hook', op.none]))], ['n', w]),
    );
    const all = members(pickle(object), { 0: floats(0, 1, 2, 3, 4, 5) });

    it('joins attribute paths', () => {
      const file = open(zip([...all, ...scriptMembers]));
      expect(file.format).to.equal('torch-script');
      expect([...file.tensors.keys()]).to.deep.equal(['visual.proj', 'n']);
    });

    it('knows its classes in a TorchScript archive only', () => {
      refused(() => open(zip(all)), "'__torch__.a.Module'", 'allow-list');
      refused(() => open(zip([...all, scriptMembers[0]!])), "'__torch__.a.Module'");
      refused(() => open(zip([...all, scriptMembers[1]!])), "'__torch__.a.Module'");
      const legacy = torchLegacy(pickle(object), [{ key: '0', count: 6, bytes: floats(0, 1, 2, 3, 4, 5) }]);
      refused(() => open(legacy), "'__torch__.a.Module'");
    });

    it('calls no class, and makes none with arguments', () => {
      const script = (code: Code) => zip([...members(pickle(code), {}), ...scriptMembers]);
      refused(
        () => open(script(call(global('__torch__.os', 'system'), text('ls')))),
        "function to call, got '__torch__.os.system'",
      );
      refused(
        () => open(script([...global('__torch__', 'A'), ...tuple(int(1)), ...op.newObject])),
        "got '__torch__.A' and 1",
      );
      refused(() => open(script(global('__torch__x', 'A'))), "'__torch__x.A'", 'allow-list');
      refused(() => open(script(module(list(w)))), 'got instance and list');
    });
  });

  describe('legacy files', () => {
    const object = pickle(dict(['w', tensor({ shape: [2, 3], legacy: true })]));
    const storage = { key: '0', count: 6, bytes: floats(0, 1, 2, 3, 4, 5) };

    it('reads storages in the order of the keys', () => {
      const two = pickle(
        dict(
          ['a', tensor({ key: 'x', shape: [2], legacy: true })],
          ['b', tensor({ key: 'y', shape: [1], type: 'Double', legacy: true })],
        ),
      );
      const file = open(
        torchLegacy(two, [
          { key: 'y', count: 1, bytes: new Uint8Array(Float64Array.of(7).buffer) },
          { key: 'x', count: 2, bytes: floats(8, 9) },
        ]),
      );
      expect(file.format).to.equal('torch-legacy');
      expect([...file.readFloat32('a'), ...file.readFloat32('b')]).to.deep.equal([8, 9, 7]);
    });

    it('refuses storages that are not what the pickle says', () => {
      refused(() => open(torchLegacy(object, [{ ...storage, count: 5 }])), '5 elements', 'says 6');
      refused(() => open(torchLegacy(object, [{ ...storage, count: -6 }])), '-6 elements');
      refused(() => open(torchLegacy(object, [{ ...storage, count: 2n ** 62n }])), 'says 6');
      refused(() => open(torchLegacy(object, [])), "storage '0' is not in the file");
      refused(() => open(torchLegacy(object, [storage, storage])), "'0' is listed twice");
      refused(() => open(torchLegacy(object, [storage, { ...storage, key: '1' }])), "'1' is listed twice or not used");
      refused(() => open(torchLegacy(object, [storage], { tail: [0] })), '1 bytes follow the last storage');
      refused(() => open(torchLegacy(object, [storage], { keys: pickle(int(1)) })), 'a list of storage keys');
      refused(
        () => open(torchLegacy(object, [storage], { keys: pickle(list(int(0))) })),
        'of type number is listed twice',
      );
      const huge = pickle(dict(['w', tensor({ shape: [6], claims: 2 ** 40, legacy: true })]));
      refused(() => open(torchLegacy(huge, [{ ...storage, count: 2 ** 40 }])), `takes ${2 ** 42} bytes`, 'cut short');
    });

    it('refuses other pickles, versions and byte orders', () => {
      refused(() => open(pickle(text('hello'))), 'not one of PyTorch');
      refused(() => open(pickle(call(global('os', 'system'), text('ls')))), "'os.system'", 'byte 2');
      refused(() => open(torchLegacy(object, [storage], { magic: pickle(int(1)) })), 'magic number');
      refused(() => open(torchLegacy(object, [storage], { version: pickle(int(1000)) })), 'version 1001');
      refused(() => open(torchLegacy(object, [storage], { littleEndian: op.false })), 'little-endian');
      const view = tuple(text('0'), int(0), int(6));
      const id = tuple(text('storage'), global('torch', 'FloatStorage'), text('0'), text('cpu'), int(6), view);
      refused(() => open(torchLegacy(pickle([...id, ...op.persistent]), [storage])), 'persistent id');
    });
  });

  it('says what a file that is no checkpoint begins with', () => {
    refused(() => open(new Uint8Array(0)), 'it is empty');
    refused(() => open(Uint8Array.from(ascii('{"a": 1}'))), 'begins with the bytes 7b 22 61 22');
    refused(() => open(Uint8Array.from(ascii('PK\x05\x06'))), '50 4b 05 06');
    refused(() => open(Uint8Array.of(0x80)), 'cut short');
  });
});
