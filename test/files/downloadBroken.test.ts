import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { rejection } from './rejection.js';
import { sendFile } from './scriptedServer.js';
import { content, hash, served, sha256 } from './served.js';

describe('a download over a connection that breaks', () => {
  it('goes on where it broke, by Range and If-Range', () =>
    served(
      (request, response, index) =>
        sendFile(request, response, content, { etag: '"v1"', ...(index < 4 && { breakAfter: 60_000 }) }),
      async (get, { path, server }) => {
        await get({ expectedSize: content.length, sha256: hash });
        expect(readFileSync(path).equals(content)).to.equal(true);
        const ranges = server.seen.map(({ headers }) => headers.range);
        expect(ranges).to.deep.equal([undefined, 'bytes=60000-', 'bytes=120000-', 'bytes=180000-', 'bytes=240000-']);
        expect(server.seen.slice(1).every(({ headers }) => headers['if-range'] === '"v1"')).to.equal(true);
      },
    ));

  it('gives up in the end, keeps the part, and a later call goes on from it', () =>
    served(
      (request, response, index) =>
        sendFile(request, response, content, { etag: '"v1"', ...(index < 3 && { breakAfter: 50_000 }) }),
      async (get, { dir, path, server }) => {
        const message = await rejection(get({ retries: 2 }));
        expect(message).to.match(/^http:\/\/127\.0\.0\.1:\d+\/model\.bin: the connection broke; gave up after 3 tries/);
        expect(readdirSync(dir).sort()).to.deep.equal(['model.bin.part', 'model.bin.part.json']);
        const steps: number[] = [];
        const file = await get({ onProgress: done => steps.push(done) });
        expect(server.seen[3]?.headers.range).to.equal('bytes=150000-');
        expect(steps[0]).to.be.greaterThan(150_000);
        expect(file.sha256).to.equal(hash);
        expect(readFileSync(path).equals(content)).to.equal(true);
        expect(readdirSync(dir)).to.deep.equal(['model.bin']);
      },
    ));

  it('asks nothing when only the renaming was missing', () =>
    served(
      (_, response) => response.writeHead(500).end(),
      async (get, { path, server }) => {
        writeFileSync(`${path}.part`, content);
        writeFileSync(`${path}.part.json`, JSON.stringify({ url: `${server.url}/model.bin` }));
        await get({ sha256: hash, expectedSize: content.length });
        expect(readFileSync(path).equals(content)).to.equal(true);
        expect(server.seen).to.have.length(0);
      },
    ));

  it('takes "416, and that is all there is" for an answer', () =>
    served(
      (request, response) => sendFile(request, response, content, { etag: '"v1"' }),
      async (get, { path, server }) => {
        const left = { url: `${server.url}/model.bin`, etag: '"v1"' };
        writeFileSync(`${path}.part`, content);
        writeFileSync(`${path}.part.json`, JSON.stringify(left));
        expect((await get()).sha256).to.equal(hash);
        expect(server.seen).to.have.length(1);
        // The same, but the file should be longer than the server's is.
        writeFileSync(`${path}.part`, content);
        writeFileSync(`${path}.part.json`, JSON.stringify(left));
        expect(await rejection(get({ expectedSize: content.length + 1 }))).to.include('expected 300001 bytes');
      },
    ));

  it('starts over when the server ignores Range, or has no ETag and no hash to tell by', () =>
    served(
      (request, response, index) =>
        sendFile(request, response, content, {
          ...(index < 2 && { etag: '"v1"', ignoreRange: true }),
          ...([0, 2].includes(index) && { breakAfter: 100_000 }),
        }),
      async (get, { dir, path, server }) => {
        await get();
        expect(server.seen.map(({ headers }) => headers.range)).to.deep.equal([undefined, 'bytes=100000-']);
        expect(readFileSync(path).equals(content)).to.equal(true);
        await get({}, join(dir, 'second'));
        expect(server.seen.slice(2).map(({ headers }) => headers.range)).to.deep.equal([undefined, undefined]);
        expect(readFileSync(join(dir, 'second')).equals(content)).to.equal(true);
      },
    ));

  it('starts over when the file became another meanwhile', () => {
    const other = randomBytes(200_000);
    return served(
      (request, response, index) => {
        if (index === 0) return sendFile(request, response, content, { etag: '"v1"', breakAfter: 100_000 });
        // A server that does not know If-Range sends the rest of the new file.
        if (index === 2) delete request.headers['if-range'];
        return sendFile(request, response, other, { etag: '"v2"' });
      },
      async (get, { dir, path, server }) => {
        await get();
        expect(readFileSync(path).equals(other)).to.equal(true);
        expect(server.seen).to.have.length(2);
        const second = join(dir, 'second');
        writeFileSync(`${second}.part`, content.subarray(0, 1000));
        writeFileSync(`${second}.part.json`, JSON.stringify({ url: `${server.url}/model.bin`, etag: '"v1"' }));
        await get({}, second);
        expect(readFileSync(second).equals(other)).to.equal(true);
        expect(server.seen.slice(2).map(({ headers }) => headers.range)).to.deep.equal(['bytes=1000-', undefined]);
      },
    );
  });

  it('gives up on a file that is another one at every request, however much of it comes', () => {
    const large = randomBytes(2_000_000);
    return served(
      (request, response, index) => {
        // Nor does it know If-Range, so that every other answer is the rest of another file.
        delete request.headers['if-range'];
        sendFile(request, response, large, { etag: `"${index}"`, breakAfter: 1_500_000 });
      },
      async (get, { server }) => {
        // The first 1.5 MB count as progress, once.
        expect(await rejection(get({ retries: 3 }))).to.include('gave up after 4 tries');
        expect(server.seen).to.have.length(4);
      },
    );
  });

  it('does not count failures between which a megabyte came', () => {
    const large = randomBytes(5_000_000);
    return served(
      (request, response) => sendFile(request, response, large, { etag: '"v1"', breakAfter: 1_100_000 }),
      async (get, { path, server }) => {
        await get({ retries: 1 });
        expect(server.seen).to.have.length(5);
        expect(readFileSync(path).equals(large)).to.equal(true);
      },
    );
  });

  it('refuses the rest of a file that begins elsewhere than asked', () =>
    served(
      (request, response, index) => {
        if (index === 0) return sendFile(request, response, content, { etag: '"v1"', breakAfter: 100_000 });
        if (index > 1) return sendFile(request, response, content, { etag: '"v1"' });
        const headers = { 'content-range': `bytes 99999-${content.length - 1}/${content.length}` };
        return response.writeHead(206, headers).end(content.subarray(99_999));
      },
      async (get, { path }) => {
        await get();
        expect(readFileSync(path).equals(content)).to.equal(true);
      },
    ));

  it('does not go on from the part of another address or of another hash', () =>
    served(
      (request, response) => sendFile(request, response, content, { etag: '"v1"' }),
      async (get, { path, server }) => {
        for (const state of [
          { url: 'http://elsewhere/x' },
          { url: `${server.url}/model.bin`, sha256: '0'.repeat(64) },
        ]) {
          writeFileSync(`${path}.part`, randomBytes(1000));
          writeFileSync(`${path}.part.json`, JSON.stringify({ etag: '"v1"', ...state }));
          await get({ sha256: hash, maxBytes: content.length });
          expect(readFileSync(path).equals(content)).to.equal(true);
          writeFileSync(path, 'old');
        }
        expect(server.seen.map(({ headers }) => headers.range)).to.deep.equal([undefined, undefined]);
      },
    ));

  it('gives the right bytes whatever breaks, in any order (property)', async () => {
    const break_ = fc.record({
      after: fc.nat(3000),
      etag: fc.constantFrom('"a"', undefined, 'W/"a"'),
      ignoreRange: fc.boolean(),
      noLength: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 4000 }),
        fc.array(break_, { maxLength: 4 }),
        fc.boolean(),
        async (array, breaks, hashKnown) => {
          const bytes = Buffer.from(array);
          await served(
            (request, response, index) => {
              const { after, etag, ...rest } = breaks[index] ?? { after: undefined, etag: '"a"' };
              sendFile(request, response, bytes, {
                ...rest,
                ...(etag !== undefined && { etag }),
                ...(after !== undefined && { breakAfter: after }),
              });
            },
            async (get, { path, dir }) => {
              await get(hashKnown ? { sha256: sha256(bytes) } : {});
              expect(readFileSync(path).equals(bytes)).to.equal(true);
              expect(readdirSync(dir)).to.deep.equal(['model.bin']);
            },
          );
        },
      ),
      { numRuns: 40 },
    );
  });
});
