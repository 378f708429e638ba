import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { download } from '../../src/files/download.js';
import { unprivileged } from '../unprivileged.js';
import { rejection } from './rejection.js';
import { sendFile } from './scriptedServer.js';
import { content, hash, served, sha256 } from './served.js';
import { inTemporaryFolder } from './temporary.js';

describe('download', () => {
  it('fetches a file, with its size, its hash and its progress', () =>
    served(
      (request, response) => sendFile(request, response, content, { etag: '"v1"' }),
      async (get, { dir, path, server }) => {
        const steps: [number, number | undefined][] = [];
        const file = await get({ onProgress: (done, total) => steps.push([done, total]) }, join(dir, 'a', 'b.bin'));
        expect(file).to.deep.equal({
          path: join(dir, 'a', 'b.bin'),
          bytes: content.length,
          sha256: hash,
          fromCache: false,
          etag: '"v1"',
        });
        expect(readFileSync(file.path).equals(content)).to.equal(true);
        expect(steps.at(-1)).to.deep.equal([content.length, content.length]);
        expect(steps.every(([done], i) => done > (steps[i - 1]?.[0] ?? 0))).to.equal(true);
        expect(readdirSync(join(dir, 'a'))).to.deep.equal(['b.bin']);
        expect(existsSync(path)).to.equal(false);
        expect(server.seen[0]?.headers['accept-encoding']).to.equal('identity');
      },
    ));

  it('fetches an empty file and one without a length', () =>
    served(
      (request, response, index) =>
        sendFile(request, response, index === 0 ? Buffer.alloc(0) : content, { noLength: index > 0 }),
      async (get, { path }) => {
        expect((await get()).bytes).to.equal(0);
        expect(readFileSync(path).length).to.equal(0);
        expect((await get({ sha256: hash.toUpperCase() })).sha256).to.equal(hash);
      },
    ));

  describe('when it is asked twice', () => {
    it('keeps a file with the wanted hash without asking, and replaces one with another', () =>
      served(
        (request, response) => sendFile(request, response, content),
        async (get, { path, server }) => {
          writeFileSync(path, content);
          expect((await get({ sha256: hash })).fromCache).to.equal(true);
          expect(server.seen).to.have.length(0);
          writeFileSync(path, Buffer.alloc(content.length));
          expect((await get({ sha256: hash })).fromCache).to.equal(false);
          expect(readFileSync(path).equals(content)).to.equal(true);
        },
      ));

    it('keeps a file whose ETag is unchanged, told by 304 or by the header', () =>
      served(
        (request, response, index) => {
          if (index === 1) delete request.headers['if-none-match'];
          sendFile(request, response, content, { etag: index < 2 ? '"v1"' : '"v2"' });
        },
        async (get, { path }) => {
          const old = Buffer.from('what is there');
          writeFileSync(path, old);
          for (let i = 0; i < 2; i++) {
            const { fromCache, sha256: kept } = await get({ unlessEtag: '"v1"' });
            expect([fromCache, kept]).to.deep.equal([true, sha256(old)]);
          }
          expect((await get({ unlessEtag: '"v1"' })).fromCache).to.equal(false);
          expect(readFileSync(path).equals(content)).to.equal(true);
        },
      ));

    it('leaves the work to one of two callers at once', () =>
      served(
        (request, response, index) =>
          setTimeout(
            () => sendFile(request, response, content, { etag: '"v1"', ...(index < 2 && { breakAfter: 100_000 }) }),
            20,
          ),
        async (get, { dir, path, server }) => {
          const files = await Promise.all([get(), get(), get({ sha256: hash })]);
          expect(files.map(({ sha256: got }) => got)).to.deep.equal([hash, hash, hash]);
          expect(files.filter(({ fromCache }) => !fromCache)).to.have.length(1);
          expect(server.seen.map(({ headers }) => headers.range)).to.deep.equal([
            undefined,
            'bytes=100000-',
            'bytes=200000-',
          ]);
          expect(readFileSync(path).equals(content)).to.equal(true);
          expect(readdirSync(dir)).to.deep.equal(['model.bin']);
        },
      ));

    it('goes on from what a killed process left', () =>
      served(
        (request, response, index) => {
          if (index > 0) return sendFile(request, response, content, { etag: '"v1"' });
          response.writeHead(200, { 'content-length': String(content.length), etag: '"v1"' });
          return response.write(content.subarray(0, 123_456));
        },
        async (get, { dir, path, server }) => {
          const module = new URL('../../src/files/download.ts', import.meta.url).href;
          const script = `
            import { download } from ${JSON.stringify(module)};
            const onProgress = done => done === 123456 && console.log('there');
            await download(${JSON.stringify(`${server.url}/model.bin`)}, ${JSON.stringify(path)}, { onProgress });`;
          const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
            stdio: ['ignore', 'pipe', 'inherit'],
          });
          await once(child.stdout, 'data');
          child.kill('SIGKILL');
          await once(child, 'exit');
          expect(readdirSync(dir).sort()).to.deep.equal(['model.bin.lock', 'model.bin.part', 'model.bin.part.json']);
          expect((await get({ sha256: hash })).sha256).to.equal(hash);
          expect(server.seen[1]?.headers.range).to.equal('bytes=123456-');
          expect(readdirSync(dir)).to.deep.equal(['model.bin']);
        },
      ));

    it('does not take an old file for the one that another caller failed to fetch', () =>
      served(
        (request, response, index) => {
          if (index === 0) setTimeout(() => response.writeHead(404).end(), 30);
          else sendFile(request, response, content);
        },
        async (get, { path }) => {
          writeFileSync(path, 'old');
          const [first, second] = await Promise.allSettled([get(), get()]);
          expect([first?.status, second?.status]).to.deep.equal(['rejected', 'fulfilled']);
          expect(readFileSync(path).equals(content)).to.equal(true);
        },
      ));
  });

  describe('when it cannot begin', () => {
    it('refuses what is no http address, a wrong hash and a folder that cannot be written', () =>
      inTemporaryFolder(async dir => {
        const path = join(dir, 'x');
        expect(await rejection(download('file:///etc/passwd', path))).to.equal(
          "expected an http or https URL, got 'file:///etc/passwd'",
        );
        expect(await rejection(download('htp//user:secret@host?token=secret', path))).to.not.include('secret');
        expect(await rejection(download('http://127.0.0.1:1/x', path, { sha256: 'abc' }))).to.include('64 hexadecimal');
        writeFileSync(path, '');
        expect(await rejection(download('http://127.0.0.1:1/x', join(path, 'y')))).to.include('cannot be made');
        chmodSync(dir, 0o555);
        const attempt = () => download('http://127.0.0.1:1/x', join(dir, 'y'));
        if (process.platform !== 'win32') {
          expect(await rejection(unprivileged(attempt))).to.include('permission denied');
        }
        chmodSync(dir, 0o755);
      }));

    it('stops at once when aborted, keeps the part and passes the reason on', () =>
      served(
        (request, response) => {
          response.writeHead(200, { 'content-length': String(content.length), etag: '"v1"' });
          response.write(content.subarray(0, 1000));
          request.on('close', () => response.destroy());
        },
        async (get, { dir, path }) => {
          const aborter = new AbortController();
          const reason = new Error('enough');
          const outcome = await get({ signal: aborter.signal, onProgress: () => aborter.abort(reason) }).catch(e => e);
          expect(outcome).to.equal(reason);
          expect(readFileSync(`${path}.part`)).to.have.length(1000);
          expect(existsSync(join(dir, 'model.bin.lock'))).to.equal(false);
          expect(await get({ signal: AbortSignal.abort(reason) }).catch(e => e)).to.equal(reason);
        },
      ));

    it('passes on what a callback throws', () =>
      served(
        (request, response) => sendFile(request, response, content),
        async get => {
          const fault = new TypeError('a fault of the caller');
          const onProgress = () => {
            throw fault;
          };
          expect(await get({ onProgress }).catch(e => e)).to.equal(fault);
        },
      ));
  });
});
