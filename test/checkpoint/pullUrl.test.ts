import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect } from 'chai';
import { openaiCheckpoint, openaiCheckpoints } from '../../src/checkpoint/openai.js';
import { pull } from '../../src/checkpoint/pull.js';
import { resolvePulled } from '../../src/checkpoint/pulled.js';
import { pullUrl } from '../../src/checkpoint/pullUrl.js';
import { InputError } from '../../src/errors.js';
import { rejection } from '../files/rejection.js';
import { sendFile, startServer } from '../files/scriptedServer.js';
import { withEmptyCache } from './withHub.js';

const bytes = Buffer.from('a TorchScript archive');
const sha256 = createHash('sha256').update(bytes).digest('hex');

const withServer = (check: (url: string, seen: unknown[], dir: string) => Promise<void>) =>
  withEmptyCache(async dir => {
    const server = await startServer((request, response) => sendFile(request, response, bytes, { etag: '"v1"' }));
    try {
      await check(server.url, server.seen, dir);
    } finally {
      await server.close();
    }
  });

describe('pull of a file by its address', () => {
  it('checks the SHA-256 in the address, keeps the file under it, and asks no server twice', () =>
    withServer(async (url, seen, dir) => {
      process.env.HF_TOKEN = 'hf_secret';
      const address = `${url}/clip/models/${sha256}/ViT-L-14-336px.pt?sv=1`;
      const first = await pull(address);
      expect(first).to.deep.equal({
        dir: join(dir, 'cache', 'urls', sha256),
        revision: sha256,
        files: [{ name: 'ViT-L-14-336px.pt', bytes: bytes.length, sha256, fromCache: false }],
      });
      expect(readFileSync(join(first.dir, 'ViT-L-14-336px.pt')).equals(bytes)).to.equal(true);
      expect((await pull(address)).files[0]?.fromCache).to.equal(true);
      expect(seen).to.have.length(1);
      expect(JSON.stringify(seen)).to.not.include('secret');
      const other = `${url}/clip/models/${'0'.repeat(64)}/ViT-B-16.pt`;
      expect(await rejection(pull(other))).to.include(`expected SHA-256 ${'0'.repeat(64)}, got ${sha256}`);
      expect(readdirSync(join(dir, 'cache', 'urls', '0'.repeat(64)))).to.deep.equal([]);
    }));

  it('takes the SHA-256 it is given, or none, and a folder of the user’s', () =>
    withServer(async (url, _, dir) => {
      const mine = join(dir, 'mine');
      expect((await pullUrl(`${url}/a.safetensors`, { dir: mine, sha256 })).files[0]?.fromCache).to.equal(false);
      expect(readdirSync(mine)).to.deep.equal(['a.safetensors']);
      expect(await rejection(pullUrl(`${url}/b.pt`, { sha256: '1'.repeat(64) }))).to.include('expected SHA-256 111');
      expect((await pullUrl(`${url}/${'0'.repeat(64)}/c.pt`, { sha256 })).revision).to.equal(sha256);
      expect((await pullUrl(`${url}/d.bin`)).revision).to.equal(sha256);
      expect(await rejection(pullUrl(`${url}/d.bin`, { sha256: 'abc' }))).to.include('64 hexadecimal digits');
    }));

  it('refuses an address that names no checkpoint file, before asking', () =>
    withServer(async (url, seen) => {
      for (const path of ['', '/org/name', '/x.zip', '/..%2fevil.pt', '/.pt', '/a%5cb.pt', '/x.pt/']) {
        expect(await rejection(pull(`${url}${path}?key=secret`)), path)
          .to.include('expected the address of a .pt')
          .and.not.include('secret');
      }
      expect(seen).to.have.length(0);
    }));
});

describe('OpenAI’s checkpoints', () => {
  it('have addresses that hold their hash', () => {
    expect(Object.keys(openaiCheckpoints)).to.have.length(4);
    for (const [name, { url, sha256: hash }] of Object.entries(openaiCheckpoints)) {
      expect(hash).to.match(/^[0-9a-f]{64}$/);
      expect(basename(dirname(url))).to.equal(hash);
      expect(basename(url)).to.equal(`${name.replace('/', '-').replace('@', '-')}.pt`);
      expect(openaiCheckpoint(`openai:${name}`)).to.equal(openaiCheckpoints[name]);
    }
  });

  it('are known by name, and a wrong one gets the nearest', async () => {
    expect(() => openaiCheckpoint('openai:vit-b/16')).to.throw(
      InputError,
      "no model 'vit-b/16'; did you mean ViT-B/16",
    );
    expect(() => openaiCheckpoint('openai:toString')).to.throw(InputError, 'no model');
    expect(await rejection(pull('openai:'))).to.include('no model');
    expect(openaiCheckpoint('openai/clip-vit-base-patch16')).to.equal(undefined);
  });

  it('are found once they are in the cache', () =>
    withEmptyCache(async dir => {
      expect(resolvePulled('openai:ViT-B/16')).to.equal(undefined);
      const folder = join(dir, 'cache', 'urls', openaiCheckpoints['ViT-B/16']!.sha256);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'ViT-B-16.pt'), '');
      expect(resolvePulled('openai:ViT-B/16')).to.equal(join(folder, 'ViT-B-16.pt'));
    }));
});
