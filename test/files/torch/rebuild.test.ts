import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { bytesFromMemory } from '../../../src/files/byteSource.js';
import { plainRules, unpickle } from '../../../src/files/torch/pickle.js';
import {
  type Code,
  call,
  dict,
  float,
  global,
  int,
  list,
  op,
  orderedDict,
  persistentId,
  pickle,
  tensor,
  text,
  tuple,
} from './pickleBytes.js';
import { read, refusedPickle as refused } from './reading.js';

describe('storages and tensors of a pickle', () => {
  it('takes storages by persistent id only as torch.save names them', () => {
    const storage = (...parts: Code[]) => pickle(tuple(...parts), op.persistent);
    const type = global('torch', 'FloatStorage');
    for (const parts of [
      [],
      [text('storage'), type, text('0'), text('cpu')],
      [text('module'), type, text('0'), text('cpu'), int(1)],
      [text('storage'), global('torch', 'float32'), text('0'), text('cpu'), int(1)],
      [text('storage'), global('torch', 'Size'), text('0'), text('cpu'), int(1)],
      [text('storage'), text('torch.FloatStorage'), text('0'), text('cpu'), int(1)],
      [text('storage'), type, int(0), text('cpu'), int(1)],
      [text('storage'), type, text('0'), text('cpu'), int(1), int(1)],
      [text('storage'), type, text('0'), text('cpu'), int(1), op.none, op.none],
    ]) {
      refused(storage(...parts), 'BINPERSID', 'a persistent id is not');
    }
    refused(pickle(text('0'), op.persistent), 'a persistent id is not');
    for (const size of [int(-1), float(1.5), op.true, int(2n ** 60n), op.none]) {
      refused(storage(text('storage'), type, text('0'), text('cpu'), size), 'a storage size is');
    }
    const half = persistentId({ type: 'Half', shape: [4] });
    refused(pickle(list(persistentId({ shape: [4] }), half)), "storage '0' is described twice");
    refused(pickle(list(persistentId({ shape: [4] }), persistentId({ shape: [5] }))), 'described twice');
    expect(() => unpickle(bytesFromMemory(pickle(half)), 0, plainRules)).to.throw(InputError);
  });

  it('refuses tensors that do not fit their storage', () => {
    const bad: [Parameters<typeof tensor>[0], string][] = [
      [{ shape: [7], claims: 6 }, 'which has 6 elements'],
      [{ shape: [2], offset: 5, claims: 6 }, 'does not fit'],
      [{ shape: [], offset: 6, claims: 6 }, 'does not fit'],
      [{ shape: [0], offset: 7, claims: 6 }, 'does not fit'],
      [{ shape: [2, 2], strides: [5, 1], claims: 6 }, 'does not fit'],
      [{ shape: [2, 2], strides: [4, 2], claims: 6 }, 'does not fit'],
      [{ shape: [2 ** 40], strides: [0], claims: 1 }, 'does not fit'],
      [{ shape: [4, 3], strides: [0, 1], claims: 6 }, 'does not fit'],
      [{ shape: [2 ** 30, 2 ** 30], claims: 6 }, 'does not fit'],
      [{ shape: [2 ** 52, 2 ** 52, 2 ** 52], strides: [0, 0, 0], claims: 6 }, 'does not fit'],
      [{ shape: [2 ** 53 - 1], strides: [2 ** 53 - 1], claims: 6 }, 'does not fit'],
      [{ shape: [2], strides: [-1], offset: 1, claims: 6 }, "tensor's stride is -1"],
      [{ shape: [-2], claims: 6 }, "tensor's size is -2"],
      [{ shape: [2n ** 64n], strides: [1], claims: 6 }, "tensor's size is 18446744073709551616"],
      [{ shape: [1], offset: -1, claims: 6 }, 'storage offset is -1'],
      [{ shape: [1], offset: 2n ** 63n, claims: 6 }, 'storage offset is'],
      [{ shape: [2, 3], strides: [1], claims: 6 }, '2 sizes and 1 strides'],
      [{ shape: Array<number>(65).fill(1), claims: 6 }, '65 axes'],
    ];
    for (const [spec, part] of bad) refused(pickle(tensor(spec)), part);
    const rebuild = (...args: Code[]) => pickle(call(global('torch._utils', '_rebuild_tensor_v2'), ...args));
    const storage = persistentId({ shape: [6] });
    const six = [int(0), tuple(int(6)), tuple(int(1)), op.false, orderedDict];
    refused(rebuild(op.none, ...six), 'without a typed storage');
    refused(rebuild(global('torch', 'FloatStorage'), ...six), 'without a typed storage');
    refused(
      rebuild(storage, int(0), int(6), tuple(int(1)), op.false, orderedDict),
      "a tuple as a tensor's size, got number",
    );
    refused(rebuild(storage, int(0), tuple(op.true), tuple(int(1)), op.false, orderedDict), "tensor's size is boolean");
    refused(rebuild(storage, float(0.5), tuple(int(1)), tuple(int(1)), op.false, orderedDict), 'storage offset is 0.5');
    refused(rebuild(storage, ...six, dict(['neg', op.true])), 'metadata');
    refused(rebuild(storage), 'called with 1 arguments');
    expect(read(rebuild(storage, ...six, dict())).value).to.include({ kind: 'tensor', elements: 6 });
  });
});
