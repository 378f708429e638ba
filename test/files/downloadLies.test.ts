import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { download } from '../../src/files/download.js';
import { rejection } from './rejection.js';
import { sendFile, startServer } from './scriptedServer.js';
import { content, hash, quick, served, sha256 } from './served.js';
import { inTemporaryFolder } from './temporary.js';

describe('a download from a server that lies or fails', () => {
  const nothingLeft = (dir: string) => expect(readdirSync(dir)).to.deep.equal([]);

  it('leaves nothing of a file with another hash, and tries a continued one once more from the start', () => {
    const wrong = Buffer.from(content);
    wrong[5] = wrong[5]! ^ 1;
    return served(
      (request, response, index) => sendFile(request, response, index < 2 ? wrong : content, { etag: '"v1"' }),
      async (get, { dir, path, server }) => {
        const message = await rejection(get({ sha256: hash }));
        expect(message).to.include(`expected SHA-256 ${hash}, got ${sha256(wrong)}`);
        nothingLeft(dir);
        expect(server.seen).to.have.length(1);
        await rejection(get({ promised: () => ({ sha256: hash }) }));
        nothingLeft(dir);
        writeFileSync(`${path}.part`, wrong.subarray(0, 1000));
        writeFileSync(`${path}.part.json`, JSON.stringify({ url: `${server.url}/model.bin`, etag: '"v1"' }));
        await get({ sha256: hash });
        expect(server.seen.map(({ headers }) => headers.range)).to.deep.equal([
          undefined,
          undefined,
          'bytes=1000-',
          undefined,
        ]);
        expect(readFileSync(path).equals(content)).to.equal(true);
      },
    );
  });

  it('refuses a length other than the expected before a byte is kept', () =>
    served(
      (request, response) => sendFile(request, response, content),
      async (get, { dir, server }) => {
        expect(await rejection(get({ expectedSize: 299_999 }))).to.match(
          /expected 299999 bytes, the server offers 300000$/,
        );
        await rejection(get({ promised: () => ({ size: 1 }) }));
        nothingLeft(dir);
        expect(server.seen).to.have.length(2);
      },
    ));

  it('notices a length that is longer than the file', () =>
    served(
      (_, response) => {
        response.writeHead(200, { 'content-length': '1000', connection: 'close' });
        response.write(Buffer.alloc(10), () => setTimeout(() => response.destroy(), 5));
      },
      async get => {
        expect(await rejection(get({ retries: 1 }))).to.include('the connection broke');
      },
    ));

  it('notices a chunked body that ends early', () =>
    served(
      (request, response) => sendFile(request, response, content, { noLength: true }),
      async get => {
        const message = await rejection(get({ retries: 1, expectedSize: 300_001 }));
        expect(message).to.include('the answer ended after 300000 of 300001 bytes; gave up after 2 tries');
      },
    ));

  it('stops an endless body at the cap or at the expected size', () =>
    served(
      (_, response) => {
        response.writeHead(200);
        const more = () => {
          if (!response.destroyed) response.write(Buffer.alloc(65_536), more);
        };
        more();
      },
      async (get, { dir }) => {
        expect(await rejection(get({ maxBytes: 1_000_000 }))).to.include('expected at most 1000000 bytes, more came');
        nothingLeft(dir);
        await rejection(get({ expectedSize: 100_000 }));
        nothingLeft(dir);
      },
    ));

  it('refuses a file over the cap before a byte comes', () =>
    served(
      (request, response) => sendFile(request, response, content),
      async get => {
        expect(await rejection(get({ maxBytes: 1000 }))).to.include('a file of 300000 bytes is over the limit of 1000');
      },
    ));

  it('refuses a compressed body, a part nobody asked for and an answer without a file', () =>
    served(
      (_, response, index) => {
        if (index === 0) response.writeHead(200, { 'content-encoding': 'gzip' }).end('xx');
        else if (index === 1) response.writeHead(206, { 'content-range': 'bytes 0-1/2' }).end('xx');
        else response.writeHead(204).end();
      },
      async (get, { dir }) => {
        expect(await rejection(get())).to.include('compressed (gzip)');
        expect(await rejection(get())).to.include('HTTP 206');
        expect(await rejection(get())).to.include('HTTP 204');
        nothingLeft(dir);
      },
    ));

  it('does not wait for a server that falls silent', () =>
    served(
      (request, response, index) => {
        if (index === 0) return;
        if (index === 1) response.writeHead(200, { 'content-length': '9' }).write('some');
        else sendFile(request, response, content);
      },
      async (get, { path }) => {
        await get({ idleMs: 40 });
        expect(readFileSync(path).equals(content)).to.equal(true);
      },
    ));

  it('says when nothing answers', () =>
    inTemporaryFolder(async dir => {
      const { url, close } = await startServer(() => undefined);
      await close();
      const message = await rejection(download(`${url}/x`, join(dir, 'x'), { ...quick, retries: 1 }));
      expect(message).to.match(/\/x: the connection was refused; gave up after 2 tries/);
      nothingLeft(dir);
    }));
});
