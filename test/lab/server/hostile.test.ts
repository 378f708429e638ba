/** The lab's server against requests that no browser sends. */
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { parsed, raw, type SmallSite, startSmallSite } from './smallSite.js';

describe("hostile requests to the lab's server", () => {
  let site: SmallSite;
  before(async () => {
    site = await startSmallSite();
  });
  after(() => site.close());
  const ask: SmallSite['ask'] = (...request) => site.ask(...request);

  it('knows no path but those on its list', async () => {
    const paths = [
      ...['/../secret.txt', '/assets/../../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '/..%5csecret.txt'],
      ...[
        '/assets/..%252f..%252fsecret.txt',
        '/%c0%ae%c0%ae/secret.txt',
        '/..\\secret.txt',
        '//secret.txt',
        '///etc/passwd',
      ],
      ...['/link.txt', '/up/secret.txt', '/up', '/assets', '/assets/', '/assets/index-abc.js/', '/index.html%00.js'],
      ...[
        '/ASSETS/index-abc.js',
        '/assets//index-abc.js',
        '/./index.html',
        '/package.json',
        '/model/',
        '/model/README.md',
      ],
      ...['/model/../index.html', '/__proto__', '/constructor', '/?x', '/lab.json?x=1', '*', 'index.html', ''],
      ...[
        `http://${site.host}/`,
        'file:///etc/passwd',
        '/index.html#x',
        '/examples/scenes.json',
        '/data/../package.json',
      ],
    ];
    for (const path of paths) {
      const { status, body } = await ask(path);
      expect(status, path).to.be.oneOf([400, 404]);
      expect(body, path).to.not.match(/secret$|root:/);
    }
    for (const bytes of ['/\0', '/index.html\0', '/\x01', '/\xff\xfe']) {
      expect(
        parsed(await raw(site.port, `GET ${bytes} HTTP/1.1\r\nhost: ${site.host}\r\nconnection: close\r\n\r\n`)).status,
      ).to.be.oneOf([400, 404]);
    }
  });

  it('answers only to its own name', async () => {
    expect((await ask('/', { host: `localhost:${site.port}` })).status).to.equal(200);
    const others = [
      'evil.example',
      `evil.example:${site.port}`,
      '127.0.0.1',
      `127.0.0.1:${site.port + 1}`,
      `127.0.0.2:${site.port}`,
    ];
    for (const other of [
      ...others,
      `LOCALHOST.evil.example:${site.port}`,
      `[::1]:${site.port}`,
      `0.0.0.0:${site.port}`,
      `${site.host}.`,
      '',
    ]) {
      const { status, body } = await ask('/', { host: other });
      expect(status, other).to.be.oneOf([400, 421]);
      expect(body).to.not.match(/doctype/);
    }
    const send = async (headers: string) =>
      parsed(await raw(site.port, `GET / HTTP/1.1\r\n${headers}connection: close\r\n\r\n`)).status;
    expect(await send('')).to.equal(400);
    expect(await send(`host: ${site.host}\r\nhost: evil.example\r\n`)).to.be.oneOf([400, 421]);
    expect(await send(`host: evil.example\r\nhost: ${site.host}\r\n`)).to.be.oneOf([400, 421]);
    expect(parsed(await raw(site.port, 'GET / HTTP/1.0\r\n\r\n')).status).to.be.oneOf([400, 421]);
  });

  it('does not answer other sites', async () => {
    const from = async (site: string, mode: string) =>
      (await ask('/', { 'sec-fetch-site': site, 'sec-fetch-mode': mode })).status;
    expect(await from('cross-site', 'no-cors')).to.equal(403);
    expect(await from('same-site', 'cors')).to.equal(403);
    expect(await from('cross-site', 'navigate')).to.equal(200);
    expect(await from('same-origin', 'cors')).to.equal(200);
    expect(await from('none', 'navigate')).to.equal(200);
  });

  it('takes no other methods and no bodies, and hangs up on those who send them', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'PURGE']) {
      const { status, headers } = await ask('/', {}, method);
      expect([status, headers.allow], method).to.deep.equal([405, 'GET, HEAD']);
      expect(headers.connection).to.equal('close');
    }
    expect(parsed(await raw(site.port, `FETCH / HTTP/1.1\r\nhost: ${site.host}\r\n\r\n`)).status).to.equal(400);
    expect(await raw(site.port, `CONNECT evil.example:80 HTTP/1.1\r\nhost: ${site.host}\r\n\r\n`)).to.not.match(
      / 200 /,
    );
    expect((await ask('/', { 'content-length': '1000000000' })).status).to.equal(413);
    expect((await ask('/', { 'transfer-encoding': 'chunked' })).status).to.equal(413);
    expect((await ask('/', { expect: '100-continue', 'content-length': '5' })).status).to.equal(417);
    const smuggled = await raw(
      site.port,
      `POST / HTTP/1.1\r\nhost: ${site.host}\r\ncontent-length: 40\r\n\r\nGET /lab.json HTTP/1.1\r\nhost: ${site.host}\r\n\r\n`,
    );
    expect(smuggled.match(/HTTP\/1\.1 /g)).to.have.length(1);
  });

  it('reads no long addresses and no long headers', async () => {
    expect((await ask(`/${'a'.repeat(3000)}`)).status).to.equal(414);
    expect((await ask(`/${'a'.repeat(20_000)}`)).status).to.equal(431);
    expect((await ask('/', { cookie: 'a'.repeat(20_000) })).status).to.equal(431);
    const many = Array.from({ length: 2000 }, (_, i) => `x${i}: 1\r\n`).join('');
    expect(parsed(await raw(site.port, `GET / HTTP/1.1\r\nhost: ${site.host}\r\n${many}\r\n`)).status).to.equal(431);
    for (const garbage of [
      '\x16\x03\x01\x02\x00\x01\x00',
      'hello\r\n\r\n',
      'GET /\r\n\r\n',
      `GET / HTTP/9.9\r\nhost: ${site.host}\r\n\r\n`,
    ]) {
      expect(await raw(site.port, garbage)).to.not.match(/ 200 /);
    }
    expect((await ask('/')).status).to.equal(200);
  });

  it('makes nothing of an upgrade', async () => {
    const { status } = await ask('/', { upgrade: 'websocket', connection: 'Upgrade', 'sec-websocket-key': 'x' });
    expect(status).to.not.equal(101);
  });

  it('does not serve a file that has become another', async () => {
    const file = join(site.folder, 'page', 'assets', 'index-abc.js');
    writeFileSync(file, 'export { };');
    expect((await ask('/assets/index-abc.js')).status).to.equal(410);
    rmSync(file);
    symlinkSync(join(site.folder, 'secret.txt'), file);
    expect((await ask('/assets/index-abc.js')).status).to.equal(410);
    rmSync(file);
    expect((await ask('/assets/index-abc.js')).status).to.equal(410);
    expect((await ask('/')).status).to.equal(200);
  });

  it('is not to be reached from elsewhere', async function () {
    const address = Object.values(networkInterfaces())
      .flat()
      .find(info => info?.family === 'IPv4' && !info.internal);
    if (!address) this.skip();
    const reached = await new Promise<boolean>(resolve => {
      const socket = connect(site.port, address.address);
      socket.setTimeout(2000, () => socket.destroy());
      socket
        .on('connect', () => resolve(true))
        .on('error', () => resolve(false))
        .on('close', () => resolve(false));
    });
    expect(reached).to.equal(false);
  });

  it('survives a reader that goes away', async () => {
    const socket = connect(site.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`GET /model/model.safetensors HTTP/1.1\r\nhost: ${site.host}\r\n\r\n`);
    await new Promise(resolve => socket.once('data', resolve));
    socket.destroy();
    expect((await ask('/')).status).to.equal(200);
  });
});
