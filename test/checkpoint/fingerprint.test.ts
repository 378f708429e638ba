import { cpSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { fingerprintText } from '../../src/checkpoint/fingerprint.js';
import { describeModel } from '../../src/checkpoint/loadClip.js';
import { inTemporaryFolder } from '../files/temporary.js';

const embedded = fileURLToPath(new URL('../../weights/scenes', import.meta.url));

/** Turns a bit of the last byte of a tensor in a model's safetensors file; the file's time moves on. */
function change(folder: string, tensor: RegExp): void {
  const path = join(folder, 'model.safetensors');
  const bytes = readFileSync(path);
  const headerEnd = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, headerEnd));
  const name = Object.keys(header).find(key => tensor.test(key))!;
  const at = headerEnd + header[name].data_offsets[1] - 1;
  bytes[at]! ^= 1;
  writeFileSync(path, bytes);
  utimesSync(path, 1e9, 1e9);
}

describe('fingerprintText', () => {
  const of = (folder: string, cache: string) => {
    const { files, config } = describeModel(folder);
    return fingerprintText(files, config, cache);
  };

  it('is that of the text tower, wherever the file lies', () =>
    inTemporaryFolder(async dir => {
      const [copy, cache] = [join(dir, 'model'), join(dir, 'cache')];
      cpSync(embedded, copy, { recursive: true });
      const original = await of(embedded, cache);
      expect(original).to.match(/^[0-9a-f]{64}$/);
      expect(await of(copy, cache)).to.equal(original);
      change(copy, /^vision_model/);
      expect(await of(copy, cache), 'image tower').to.equal(original);
      change(copy, /^text_model/);
      expect(await of(copy, cache), 'text tower').to.not.equal(original);
    }));

  it('is kept, and computed again when what was kept is damaged or cannot be written', () =>
    inTemporaryFolder(async dir => {
      const cache = join(dir, 'cache');
      const original = await of(embedded, cache);
      const [kept] = readdirSync(join(cache, 'fingerprints'));
      const path = join(cache, 'fingerprints', kept!);
      const other = 'ab'.repeat(32);
      writeFileSync(path, other);
      expect(await of(embedded, cache), 'read').to.equal(other);
      writeFileSync(path, original.slice(0, 20));
      expect(await of(embedded, cache)).to.equal(original);
      expect(readFileSync(path, 'utf8')).to.equal(original);
      const file = join(dir, 'file');
      mkdirSync(join(dir, 'other'));
      writeFileSync(file, '');
      expect(await of(embedded, file)).to.equal(original);
    }));
});
