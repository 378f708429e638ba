import { deflateSync } from 'node:zlib';
import { expect } from 'chai';
import { packResult, unpackResult } from '../../../src/evaluate/queue/results.js';
import { stubPlan, stubShard } from './stub.js';

describe("a shard's result on its way", () => {
  const ids = ['a', 'b', 'c'];
  const result = stubShard(stubPlan(ids, 3), 0);
  const packed = (value: unknown) => deflateSync(JSON.stringify(value));
  const unpack = (bytes: Buffer) => unpackResult(bytes, 0, ids, 1);

  it('arrives as it was, in a fraction of its size', async () => {
    const bytes = await packResult(result);
    expect(bytes.length).to.be.lessThan(JSON.stringify(result).length / 2);
    expect(JSON.stringify(await unpack(bytes))).to.equal(JSON.stringify(result));
  });

  it('may hold images that failed', async () => {
    const [first, ...rest] = result.images;
    const failed = { shard: 0, images: [{ ...first, methods: [], failure: 'no picture' }, ...rest] };
    expect(await unpack(packed(failed))).to.deep.equal(failed);
  });

  const bad: Record<string, Buffer> = {
    nothing: Buffer.alloc(0),
    'no deflated bytes': Buffer.from(JSON.stringify(result)),
    'half of it': packed(result).subarray(0, 100),
    'no JSON': deflateSync('{'),
    null: packed(null),
    'no result': packed({ shard: 0 }),
    "another shard's": packed({ ...result, shard: 1 }),
    'fewer images': packed({ ...result, images: result.images.slice(1) }),
    'other images': packed({ ...result, images: result.images.toReversed() }),
    'other methods': packed({ ...result, images: result.images.map(image => ({ ...image, methods: [] })) }),
    'more bytes than are taken': deflateSync(Buffer.alloc(2 ** 28 + 1, ' ')),
  };
  for (const [what, bytes] of Object.entries(bad)) {
    it(`is not ${what}`, async () => {
      expect(await unpack(bytes)).to.equal(undefined);
    });
  }
});
