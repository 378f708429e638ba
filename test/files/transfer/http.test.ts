import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import {
  connectionError,
  displayUrl,
  parseUrl,
  readBody,
  redirectTarget,
  request,
  requestFailure,
  statusError,
} from '../../../src/files/transfer/http.js';
import { withRetries } from '../../../src/files/transfer/retry.js';
import { rejection } from '../rejection.js';
import { type Script, type ScriptedServer, startServer } from '../scriptedServer.js';

/** Runs a check with as many servers as scripts, each a host of its own (another port). */
async function withServers(scripts: Script[], check: (...servers: ScriptedServer[]) => Promise<void>): Promise<void> {
  const servers = await Promise.all(scripts.map(startServer));
  try {
    await check(...servers);
  } finally {
    await Promise.all(servers.map(server => server.close()));
  }
}

const redirect =
  (status: number, to: string | (() => string)): Script =>
  (_, response) =>
    response.writeHead(status, { location: typeof to === 'string' ? to : to() }).end('moved');

const echo: Script = (_, response) => response.end('here');
const text = async (url: string, headers = {}) => {
  const answer = await request(url, { headers });
  return { ...answer, text: (await readBody(answer, 100)).toString() };
};

describe('redirects', () => {
  it('are followed with their query, and every answer on the way is told', () =>
    withServers(
      [
        ({ url }, response) => {
          if (url === '/a') response.writeHead(307, { location: '/b?key=1', 'x-linked-size': '4' }).end();
          else response.writeHead(200).end(url);
        },
      ],
      async ({ url }) => {
        const answer = await text(`${url}/a`);
        expect(answer.text).to.equal('/b?key=1');
        expect(answer.from).to.equal(`${url}/b`);
        expect(answer.hops.map(headers => headers['x-linked-size'])).to.deep.equal(['4', undefined]);
      },
    ));

  for (const status of [301, 302, 303, 307, 308]) {
    it(`of status ${status} take the token to the same host only`, async () => {
      let other = '';
      await withServers(
        [
          (request, response, index) => {
            const to = index === 0 ? '/second' : `${other}/third`;
            redirect(status, to)(request, response, index);
          },
          echo,
        ],
        async (hub, elsewhere) => {
          other = elsewhere.url;
          const secrets = { Authorization: 'Bearer secret', Cookie: 'session', range: 'bytes=1-' };
          expect((await text(hub.url, secrets)).text).to.equal('here');
          expect(hub.seen.map(({ headers }) => headers.authorization)).to.deep.equal([
            'Bearer secret',
            'Bearer secret',
          ]);
          const { authorization, cookie, range } = elsewhere.seen[0]?.headers ?? {};
          expect([authorization, cookie, range]).to.deep.equal([undefined, undefined, 'bytes=1-']);
        },
      );
    });
  }

  it('do not give the token back to the first host', async () => {
    const urls: string[] = [];
    await withServers(
      [
        (...given) => (given[2] === 0 ? redirect(302, urls[1]!)(...given) : echo(...given)),
        redirect(302, () => urls[0]!),
      ],
      async (first, second) => {
        urls.push(first.url, second.url);
        await text(first.url, { authorization: 'Bearer secret' });
        expect(first.seen.map(({ headers }) => headers.authorization)).to.deep.equal(['Bearer secret', undefined]);
      },
    );
  });

  it('end after a bounded number', () =>
    withServers([redirect(302, '/again')], async ({ url, seen }) => {
      expect(await rejection(request(`${url}/x?signature=secret`))).to.equal(`${url}/x: more than 5 redirects`);
      expect(seen).to.have.length(6);
      await rejection(request(url, { redirects: 0 }));
      expect(seen).to.have.length(7);
    }));

  it('never leave https, and never http for another scheme', () => {
    const secure = new URL('https://hub.example/a');
    expect(redirectTarget(secure, '/b').href).to.equal('https://hub.example/b');
    expect(redirectTarget(secure, 'https://cdn.example/b?c').href).to.equal('https://cdn.example/b?c');
    expect(redirectTarget(new URL('http://hub.example'), 'https://hub.example').protocol).to.equal('https:');
    expect(() => redirectTarget(secure, 'http://hub.example/b?key=secret')).to.throw(
      InputError,
      'https://hub.example/a: redirects to http://hub.example, which is not followed',
    );
    for (const to of ['file:///etc/passwd', 'data:text/plain,x', 'ftp://host/x', 'http://[']) {
      expect(() => redirectTarget(new URL('http://hub.example'), to)).to.throw(InputError, 'not followed');
    }
  });
});

describe('addresses in messages', () => {
  it('hold no secrets', () => {
    expect(displayUrl(parseUrl('https://user:secret@host:8443/a/b?token=secret#secret'))).to.equal(
      'https://host:8443/a/b',
    );
    for (const bad of ['', 'host/path', 'ftp://user:secret@host/a', 'http://', 'javascript:1']) {
      expect(() => parseUrl(bad))
        .to.throw(InputError, 'expected an http or https URL')
        .and.not.match(/secret/);
    }
  });
});

describe('failures', () => {
  const failureOf = async (status: number, headers = {}) => {
    let failure: unknown;
    await withServers([(_, response) => response.writeHead(status, headers).end('x'.repeat(1000))], async ({ url }) => {
      failure = statusError(await request(`${url}/file?key=secret`));
    });
    return failure as InputError;
  };

  it('hint at what to do, and say which may pass', async () => {
    const cases: [number, string, boolean][] = [
      [401, 'HF_TOKEN', false],
      [403, 'a gated model', false],
      [404, 'check the model id', false],
      [429, 'too many requests', true],
      [500, 'the server failed', true],
      [503, 'the server failed', true],
      [501, 'the server failed', false],
      [418, 'expected a file', false],
    ];
    for (const [status, hint, transient] of cases) {
      const error = await failureOf(status);
      expect(error.message)
        .to.match(/^http:\/\/127\.0\.0\.1:\d+\/file: HTTP \d+: [^\n]*$/)
        .and.include(hint);
      expect(requestFailure(error)).to.deep.include({ status, transient });
    }
  });

  it('carry the hub’s own code and when to come back', async () => {
    const cause = requestFailure(await failureOf(404, { 'X-Error-Code': 'RepoNotFound', 'Retry-After': '3' }));
    expect(cause).to.deep.include({ code: 'RepoNotFound', retryAfterMs: 3000 });
    const date = new Date(Date.now() + 60_000).toUTCString();
    expect(requestFailure(await failureOf(503, { 'Retry-After': date }))?.retryAfterMs).to.be.within(50_000, 60_000);
    expect(requestFailure(await failureOf(503, { 'Retry-After': 'soon' }))?.retryAfterMs).to.equal(undefined);
    expect(requestFailure(new InputError('of another kind'))).to.equal(undefined);
    expect(requestFailure(new Error('a fault'))).to.equal(undefined);
  });

  it('include a body that is too long and what is not HTTP', () =>
    withServers(
      [(_, response, index) => (index === 0 ? response.end('x'.repeat(101)) : response.socket?.end('hello\r\n\r\n'))],
      async ({ url }) => {
        expect(await rejection(text(url))).to.include('longer than 100 bytes');
        expect(await rejection(text(url))).to.include('Parse Error');
      },
    ));

  it('of a connection say whether they may pass; an abort and a fault of ours stay what they are', () => {
    const failure = (error: object, signal?: AbortSignal) => connectionError(error, 'http://host/x', signal);
    const missing = failure(Object.assign(new Error('getaddrinfo ENOTFOUND host'), { code: 'ENOTFOUND' }));
    expect((missing as Error).message).to.equal('http://host/x: there is no such host');
    expect(requestFailure(missing)).to.deep.equal({ transient: false });
    for (const code of ['ECONNRESET', 'ETIMEDOUT', 'EAI_AGAIN', 'EPIPE']) {
      const error = failure(Object.assign(new Error('two\nlines'), { code }));
      expect(requestFailure(error)).to.deep.equal({ transient: true });
      expect((error as Error).message).to.not.include('\n');
    }
    const fault = new TypeError('fault');
    expect(failure(fault)).to.equal(fault);
    const reason = new Error('enough');
    expect(failure(Object.assign(new Error(), { code: 'ABORT_ERR' }), AbortSignal.abort(reason))).to.equal(reason);
  });
});

describe('retries', () => {
  const answering = (status: number, headers = {}, retries = 2) =>
    withServers([(_, response) => response.writeHead(status, headers).end()], async ({ url, seen }) => {
      const get = async () => {
        throw statusError(await request(url));
      };
      attempts = () => seen.length;
      message = await rejection(withRetries(get, { retries, backoffMs: 1 }));
    });
  let attempts = () => 0;
  let message = '';

  it('repeat what may pass, and only that', async () => {
    await answering(500);
    expect(attempts()).to.equal(3);
    expect(message).to.match(/gave up after 3 tries/);
    await answering(429);
    expect(attempts()).to.equal(3);
    for (const status of [400, 401, 403, 404, 501]) {
      await answering(status);
      expect(attempts()).to.equal(1);
      expect(message).to.not.include('gave up');
    }
  });

  it('wait as the server asks, but not for ever', async () => {
    const start = performance.now();
    await answering(503, { 'Retry-After': '1' }, 1);
    expect(performance.now() - start).to.be.within(950, 9000);
    await answering(503, { 'Retry-After': '3600' });
    expect(attempts()).to.equal(1);
    expect(message).to.match(/HTTP 503: the server failed; the server asks to come back in 3600 s$/);
  });

  it('wait longer each time, begin to count anew after progress, and end when aborted', async () => {
    const transient = () => Promise.reject(new InputError('no', { cause: { transient: true } }));
    const times: number[] = [];
    const timed = () => {
      times.push(performance.now());
      return transient();
    };
    await rejection(withRetries(timed, { retries: 3, backoffMs: 40 }));
    const waits = times.slice(1).map((time, i) => time - times[i]!);
    // Half to all of 40, 80 and 160 ms; timers may fire a little early, and late on a busy machine.
    for (const [i, full] of [40, 80, 160].entries()) expect(waits[i]).to.be.within(full / 2 - 2, full + 500);
    let calls = 0;
    const counted = () => {
      calls++;
      return transient();
    };
    await rejection(withRetries(counted, { retries: 1, backoffMs: 1 }, () => calls < 5));
    expect(calls).to.equal(5);
    const aborter = new AbortController();
    setTimeout(() => aborter.abort(new Error('enough')), 20);
    const outcome = await withRetries(transient, { signal: aborter.signal, backoffMs: 60_000 }).catch(e => e);
    expect(outcome.message).to.equal('enough');
  });
});
