import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { commit, startCdn, startHub } from '../../checkpoint/fakeHub.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { expectClose, findGolden, goldenPath, readGolden } from '../../goldens.js';
import { json, run, succeed } from '../run.js';

interface Pulled {
  dir: string;
  revision: string;
  files: { name: string; bytes: number; sha256: string; fromCache: boolean }[];
}

const folder = findGolden('clip-tiny/weights/hf-v512-fp16-sharded')!;
const files = Object.fromEntries(readdirSync(folder).map(name => [name, readFileSync(join(folder, name))]));
const shards = Object.keys(files).filter(name => name.endsWith('.safetensors'));

describe('clipscope pull', () => {
  it('gets a sharded model over connections that break, for --model to find by its id', function () {
    const pixels = goldenPath(this, 'clip-tiny/v512_outputs.safetensors');
    return inTemporaryFolder(async dir => {
      const cdn = await startCdn(
        shards.map(name => files[name]!),
        index => (index % 2 === 0 ? 200_000 : undefined),
      );
      const hub = await startHub({ 'org/tiny': { files, lfs: shards } }, { cdn: cdn.url, token: 'secret' });
      const env = { CLIPSCOPE_CACHE: join(dir, 'cache'), HF_ENDPOINT: hub.url, HF_TOKEN: 'secret' };
      try {
        const pulled = await json<Pulled>(['pull', 'org/tiny'], { env });
        expect(pulled.revision).to.equal(commit);
        expect(pulled.files.map(({ name }) => name)).to.have.members(Object.keys(files));
        for (const { name, bytes } of pulled.files) {
          expect(bytes, name).to.equal(files[name]!.length);
          expect(readFileSync(join(pulled.dir, name)), name).to.deep.equal(files[name]);
        }
        expect(cdn.seen.length, 'resumed').to.be.above(shards.length);

        const again = await succeed(['pull', 'org/tiny', '--revision', commit], { env });
        expect(again.trimEnd().split('\n')).to.have.length(Object.keys(files).length + 1);
        expect(again)
          .to.match(/^(\S+ {2}\d+ {2}\(had it\)\n)+.*\n$/)
          .and.include(pulled.dir);

        const output = join(dir, 'embedding.safetensors');
        await succeed(['embed', pixels, '--model', 'org/tiny', '-o', output], { env });
        const expected = readGolden(pixels).hf_image_features!.data as Float32Array;
        expectClose(readGolden(output).embedding!.data as Float32Array, expected, { maxAbs: 1e-4 });
      } finally {
        await Promise.all([hub.close(), cdn.close()]);
      }
    });
  });

  it('says in one line what a hub refuses, and leaves no model behind', () =>
    inTemporaryFolder(async dir => {
      const hub = await startHub({ 'org/tiny': { files } });
      const env = { CLIPSCOPE_CACHE: join(dir, 'cache') };
      const out = join(dir, 'out');
      try {
        for (const [args, message] of [
          [['org/tinny'], /org\/tinny/],
          [['org/tiny', '--revision', 'v9'], /v9/],
          [[`${hub.url}/org/tiny/resolve/main/${shards[0]}`, '--sha256', '0'.repeat(64)], /SHA-256|sha256/i],
          [[`${hub.url}/org/tiny/resolve/main/README.md`], /expected the address of a \.pt/],
        ] as const) {
          const { status, stdout, stderr } = await run(['pull', ...args, '--endpoint', hub.url, '--dir', out], { env });
          expect([status, stdout], stderr).to.deep.equal([2, '']);
          expect(stderr)
            .to.match(/^clipscope: .*\n$/)
            .and.match(message);
          expect(existsSync(out) ? readdirSync(out).filter(name => name in files) : []).to.deep.equal([]);
        }
      } finally {
        await hub.close();
      }
    }));
});
