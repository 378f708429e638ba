/** User code in a real browser reaches nothing and holds up nothing. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { d, fine, h, n, useSandboxPage } from './sandboxPage.js';

describe('the confinement of user code', function () {
  this.timeout(60_000);
  const { page, attempt, unchecked, complaints } = useSandboxPage();

  /** Code that hands what an expression gives to the failure's message. */
  const telling = (expression: string) => `exports.default = () => { throw new Error(String(${expression})); }`;

  it('has no network, no storage, no document and no way to speak', async () => {
    const names = [
      ...[
        'fetch',
        'XMLHttpRequest',
        'WebSocket',
        'EventSource',
        'WebTransport',
        'importScripts',
        'Worker',
        'SharedWorker',
      ],
      ...[
        'indexedDB',
        'caches',
        'BroadcastChannel',
        'navigator',
        'location',
        'document',
        'window',
        'self',
        'postMessage',
      ],
      ...[
        'onmessage',
        'addEventListener',
        'close',
        'FontFace',
        'fonts',
        'Request',
        'Response',
        'Blob',
        'URL',
        'crypto',
      ],
      ...[
        'setTimeout',
        'setInterval',
        'queueMicrotask',
        'requestAnimationFrame',
        'FileReaderSync',
        'Notification',
        'reportError',
      ],
    ];
    const { failure } = await unchecked(
      telling(
        `${JSON.stringify(names)}.filter(name => name in globalThis || (() => { try { return eval(name), true } catch { return false } })())`,
      ),
    );
    expect(failure!.message).to.equal('Error: ');
  });

  it('keeps its scope to what is known', async () => {
    const { failure } = await unchecked(
      telling(`(() => { const found = []; for (let o = globalThis; o !== Object.prototype; o = Object.getPrototypeOf(o))
        found.push(...Object.getOwnPropertyNames(o)); return found.filter(name => typeof globalThis[name] !== 'function' && typeof globalThis[name] !== 'number').sort(); })()`),
    );
    expect(failure!.message).to.equal(
      'Error: Atomics,Intl,JSON,Math,Reflect,WebAssembly,_tfGlobals,_tfengine,console,globalThis,performance,undefined',
    );
  });

  it('is kept from the network by its policy, which no code can delete', async () => {
    const asked: string[] = [];
    const elsewhere = createServer((request, response) => {
      asked.push(request.url!);
      const headers = { 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' };
      response.writeHead(200, { 'content-type': 'text/javascript', ...headers }).end('globalThis.escaped = true');
    });
    await new Promise<void>(resolve => elsewhere.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/secret`;
    // The page itself may not, either; it tells that the other server is there to be asked.
    const control = await fetch(address);
    expect(await control.text()).to.match(/escaped/);
    const own = await page().evaluate<string>("document.querySelector('script').src");
    for (const url of [address, own, 'data:text/javascript,globalThis.escaped = true']) {
      const code = `exports.default = ({ v }) => { import(${JSON.stringify(url)}).catch(() => {}); return v; }`;
      expect((await unchecked(code)).failure).to.equal(undefined);
    }
    await page().waitForTimeout(300);
    expect((await unchecked(telling('globalThis.escaped'))).failure!.message).to.equal('Error: undefined');
    expect(asked).to.deep.equal(['/secret']);
    await new Promise(resolve => elsewhere.close(resolve));
  });

  it('cannot fetch, nor start workers, even before anything is taken from its scope', async () => {
    // A frame like the sandbox's own, and in it a worker that is not locked.
    const script = `
      const tried = { origin: self.origin };
      const outcome = (name, work) => Promise.resolve().then(work).then(() => { tried[name] = 'done'; }, error => { tried[name] = error.name; });
      self.onmessage = async ({ data: { port } }) => {
        await outcome('fetch', () => fetch('${page().url()}'));
        await outcome('data', () => import('data:text/javascript,1'));
        await outcome('request', () => { const r = new XMLHttpRequest(); r.open('GET', '${page().url()}', false); r.send(); });
        await outcome('socket', () => new Promise((resolve, reject) => { const s = new WebSocket('ws://${new URL(page().url()).host}'); s.onopen = resolve; s.onerror = () => reject(new Error('socket')); }));
        await outcome('scripts', () => importScripts('${page().url()}'));
        await outcome('storage', () => new Promise((resolve, reject) => { const r = indexedDB.open('x'); r.onsuccess = resolve; r.onerror = () => reject(r.error); }));
        await outcome('cache', () => caches.open('x'));
        port.postMessage(tried);
      };`;
    const tried = await page().evaluate(`new Promise(resolve => {
      const frame = document.createElement('iframe');
      frame.sandbox.add('allow-scripts');
      frame.src = '/sandbox.html';
      frame.hidden = true;
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }) => { frame.remove(); resolve(data); };
      frame.onload = () => frame.contentWindow.postMessage({ script: ${JSON.stringify(script)}, runtime: new ArrayBuffer(1) }, '*', [port2]);
      document.body.append(frame);
    })`);
    expect(tried).to.deep.equal({
      origin: 'null',
      fetch: 'TypeError',
      data: 'TypeError',
      request: 'NetworkError',
      socket: 'Error',
      scripts: 'NetworkError',
      storage: 'SecurityError',
      cache: 'ReferenceError',
    });
  });

  it('ends code that does not end, and goes on', async () => {
    const endless = await unchecked('exports.default = () => { for (;;); }');
    expect(endless.failure!.message).to.equal('it takes longer than 3 s');
    expect(endless.milliseconds).to.be.below(6000);
    const turning = await unchecked(
      'exports.default = () => { const again = () => Promise.resolve().then(again); again(); }',
    );
    expect(turning.failure!.message).to.equal('it takes longer than 3 s');
    expect((await attempt(fine)).z).to.have.length(h * n * d);
  });

  for (const [what, code] of [
    ['buffers', 'exports.default = () => { const all = []; for (;;) all.push(new Float64Array(1e7).fill(1)); }'],
    ['arrays', 'exports.default = () => { const all = []; for (;;) all.push(new Array(1e6).fill(all.length)); }'],
    ['text', "exports.default = () => { let text = 'x'; for (;;) text = (text + text).replace(/x/g, 'xy'); }"],
    ['numbers in one array', 'exports.default = () => new Float64Array(2 ** 33).fill(1)'],
    [
      'constants',
      "exports.default = ({ v }) => require('clipscope').add(v, require('clipscope').zeros([1, 1e5, 1e5]))",
    ],
    ['calls', 'exports.default = function deeper() { return deeper() + 1; }'],
    [
      'tensors',
      "const { mul, reshape, add } = require('clipscope'); exports.default = ({ v }) => { let x = reshape(v, [1, 1, 320, 1]); for (let i = 0; i < 3; i++) x = mul(reshape(x, [1, 1, -1, 1]), reshape(v, [1, 1, 1, 320])); return x; }",
    ],
  ] as const) {
    it(`survives too many ${what}`, async () => {
      const { failure } = await unchecked(code);
      expect(failure?.message)
        .to.be.a('string')
        .and.not.match(/closed/);
      expect((await attempt(fine)).z).to.have.length(h * n * d);
    });
  }

  it('leaves the console clean', () => {
    expect(complaints.filter(text => !/violates the following Content Security Policy/.test(text))).to.deep.equal([]);
  });
});
