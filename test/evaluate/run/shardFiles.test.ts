import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ShardResult } from '../../../src/evaluate/records.js';
import { readShard, writeShard } from '../../../src/evaluate/run/shardFiles.js';
import { inTemporaryFolder } from '../../files/temporary.js';

const result: ShardResult = {
  shard: 3,
  images: [{ id: 'ä', height: 2, width: 1, methods: [{ pairs: [0, 0, 2], boundary: [0, 2, 2] }] }],
};

describe("a shard's file", () => {
  it('gives back what was written, to its own plan', () =>
    inTemporaryFolder(dir => {
      const damaged: string[] = [];
      const read = (plan: string, shard: number) =>
        readShard(join(dir, 'shards'), plan, shard, path => damaged.push(path));
      expect(read('plan', 3)).to.equal(undefined);
      writeShard(join(dir, 'shards'), 'plan', result);
      expect(read('plan', 3)).to.deep.equal(result);
      expect(damaged).to.deep.equal([]);
      expect(read('another', 3)).to.equal(undefined);
      expect(damaged).to.have.length(1);
    }));

  it('is noticed when one byte is another, at any place', () =>
    inTemporaryFolder(dir => {
      writeShard(dir, 'plan', result);
      const path = join(dir, '000003.json');
      const whole = readFileSync(path);
      // The last byte ends the line; the plan's name stands in the hash as well.
      for (let at = 0; at < whole.length - 1; at++) {
        const damaged = Buffer.from(whole);
        damaged[at]! ^= 1;
        writeFileSync(path, damaged);
        let told = '';
        const read = readShard(dir, 'plan', 3, found => {
          told = found;
        });
        if (read !== undefined) expect(read, `byte ${at}`).to.deep.equal(result);
        else expect(told).to.equal(path);
      }
    }));

  it('is noticed when it ends early, is empty, or is another shard', () =>
    inTemporaryFolder(dir => {
      writeShard(dir, 'plan', result);
      const path = join(dir, '000003.json');
      const whole = readFileSync(path);
      let told = 0;
      const read = (shard = 3) => readShard(dir, 'plan', shard, () => told++);
      for (const length of [0, 1, 40, whole.length >> 1, whole.length - 2]) {
        writeFileSync(path, whole.subarray(0, length));
        expect(read(), `${length} bytes`).to.equal(undefined);
      }
      writeFileSync(join(dir, '000004.json'), whole);
      expect(read(4)).to.equal(undefined);
      for (const text of ['null', '[]', '{"result":null}', '7']) {
        writeFileSync(path, text);
        expect(read(), text).to.equal(undefined);
      }
      expect(told).to.equal(10);
    }));
});
