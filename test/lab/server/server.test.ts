/** What the lab's server has, and how it starts and stops. */
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import type { Offer } from '../../../src/lab/offer.js';
import { startServer } from '../../../src/lab/server/server.js';
import { labRoutes } from '../../../src/lab/server/site.js';
import { type SmallSite, startSmallSite } from './smallSite.js';

describe("the lab's server", () => {
  let site: SmallSite;
  before(async () => {
    site = await startSmallSite();
  });
  after(() => site.close());
  const ask: SmallSite['ask'] = (...request) => site.ask(...request);

  it('serves the page, and everything it says it has', async () => {
    expect((await ask('/')).body).to.equal('<!doctype html><title>lab</title>');
    expect((await ask('/empty.css')).headers['content-length']).to.equal('0');
    const offer = JSON.parse((await ask('/lab.json')).body) as Offer;
    expect(offer.model.name).to.equal('embedded');
    expect(offer.model.files.map(({ name }) => name).sort()).to.deep.equal([
      'clipscope.json',
      'config.json',
      'model.safetensors',
      'preprocessor_config.json',
    ]);
    const sums = readFileSync('weights/scenes/SHA256SUMS', 'utf8');
    const known = offer.model.files.filter(({ name }) => sums.includes(name));
    expect(known).to.have.length.above(2);
    for (const { sha256, name } of known) expect(sums).to.include(`${sha256}  ${name}`);
    expect(offer.examples.map(({ path }) => path)).to.include('/examples/scene-1.png');
    for (const { path, bytes, sha256 } of [offer.vocabulary, ...offer.examples, ...offer.model.files]) {
      const { status, headers } = await ask(path, {}, 'HEAD');
      expect([status, headers['content-length'], headers.etag]).to.deep.equal([200, String(bytes), `"${sha256}"`]);
    }
    const response = await fetch(new URL(offer.model.files[0]!.path, site.url));
    expect(Buffer.from(await response.arrayBuffer()).equals(readFileSync('weights/scenes/model.safetensors'))).to.equal(
      true,
    );
  });

  it('says on every answer how it may be used', async () => {
    for (const path of ['/', '/lab.json', '/nothing', '/assets/index-abc.js']) {
      const { headers } = await ask(path);
      const policy = headers['content-security-policy']!;
      expect(policy).to.match(/^default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; /);
      expect(policy).to.not.match(/unsafe-inline|'unsafe-eval'|https?:|\*/);
      expect(policy).to.match(/frame-ancestors 'none'/);
      expect(headers['cross-origin-opener-policy']).to.equal('same-origin');
      expect(headers['cross-origin-embedder-policy']).to.equal('require-corp');
      expect(headers['cross-origin-resource-policy']).to.equal('same-origin');
      expect(headers['x-content-type-options']).to.equal('nosniff');
      expect(headers['referrer-policy']).to.equal('no-referrer');
      expect(headers).to.not.have.any.keys('access-control-allow-origin', 'server', 'x-powered-by');
    }
    const { headers } = await ask('/sandbox.html');
    expect(headers['content-security-policy']).to.match(
      /^sandbox allow-scripts; default-src 'none'; script-src 'sha256-[\w+/=]+' 'unsafe-eval' blob:; worker-src blob:; frame-ancestors 'self'$/,
    );
    expect(headers['cross-origin-embedder-policy']).to.equal('require-corp');
  });

  it('lets a browser keep what does not change', async () => {
    const hashed = await ask('/assets/index-abc.js');
    expect(hashed.headers['cache-control']).to.equal('public, max-age=31536000, immutable');
    const page = await ask('/');
    expect(page.headers['cache-control']).to.equal('no-cache');
    const again = await ask('/', { 'if-none-match': page.headers.etag! });
    expect([again.status, again.body]).to.deep.equal([304, '']);
    expect((await ask('/', { 'if-none-match': '"other"' })).status).to.equal(200);
  });

  it('says in one line why it does not start', async () => {
    const failure = async (work: Promise<unknown>) => {
      const error = await work.then(
        () => undefined,
        (error: Error) => error,
      );
      expect(error).to.be.instanceOf(InputError);
      return error!.message;
    };
    expect(await failure(startServer(site.routes, site.port))).to.equal(
      `lab: port ${site.port}: something else listens there; choose another with --port, or 0 for any`,
    );
    expect(await failure(labRoutes({ model: 'nowhere/at-all', name: 'x' }))).to.match(
      /^model 'nowhere\/at-all': no such/,
    );
    expect(await failure(labRoutes({ model: 'weights/scenes', name: 'x', page: site.folder }))).to.match(
      /page is not there; 'npm run build'/,
    );
    const torch = join(site.folder, 'model.pt');
    writeFileSync(torch, 'x');
    expect(await failure(labRoutes({ model: torch, name: 'x' }))).to.match(
      /model\.pt: the lab reads one \.safetensors file; 'clipscope convert'/,
    );
  });

  it('stops at once, with connections open', async () => {
    const other = await startServer(site.routes, 0);
    const socket = connect(Number(new URL(other.url).port), '127.0.0.1');
    socket.on('error', () => {});
    await new Promise(resolve => socket.once('connect', resolve));
    await other.close();
    expect(socket.closed || (await new Promise(resolve => socket.once('close', () => resolve(true))))).to.equal(true);
  });
});
