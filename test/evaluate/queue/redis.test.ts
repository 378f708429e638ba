import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import { installed, openRedis } from '../../../src/evaluate/queue/redis.js';
import { freePort, needsRedis, type RedisServer, startRedis } from './redisServer.js';
import { quick } from './stub.js';

/** The line that says why there is no connection; it must come soon. */
async function refusal(url: string): Promise<string> {
  const started = Date.now();
  try {
    (await openRedis(url, { times: quick })).close();
  } catch (error) {
    expect(error).to.be.instanceOf(InputError);
    const { message } = error as Error;
    expect(message).not.to.match(/secret|\n/);
    expect(Date.now() - started).to.be.lessThan(quick.connect + 3000);
    return message;
  }
  throw new Error(`expected ${url} to be refused`);
}

/** A server that is no Redis; it says `answer` to whoever connects, or hangs up. */
async function otherServer(answer: string | undefined): Promise<Server> {
  const server = createServer((socket: Socket) => {
    socket.on('error', () => {}).resume();
    if (answer === undefined) socket.destroy();
    else socket.write(answer);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

describe('the packages of a queue', () => {
  it('are named where they are missing', async () => {
    const missing = 'clipscope-has-no-such-package';
    const error = await installed(() => import(missing)).catch((error: Error) => error);
    expect(error).to.be.instanceOf(InputError);
    expect(error.message).to.equal('--queue: it takes the packages bullmq and ioredis, which are not installed here');
  });
});

describe('a connection to Redis', () => {
  it('to where nothing listens is refused', async () => {
    const port = await freePort();
    expect(await refusal(`redis://:secret@127.0.0.1:${port}/2`)).to.equal(
      `redis://127.0.0.1:${port}/2: nothing listens there; is the server running?`,
    );
  });

  it('to a name that is none is refused', async () => {
    expect(await refusal('redis://me:secret@no-such-machine.invalid')).to.match(
      /^redis:\/\/no-such-machine\.invalid:6379: (no machine of that name is known here|no answer within 2 s)$/,
    );
  });

  const others: [what: string, answer: string | undefined, reason: string][] = [
    ['says nothing', '', 'no answer within 2 s'],
    ['speaks something else', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'what answers there is no Redis server'],
    ['hangs up', undefined, 'it closed the connection; does it want TLS (rediss://)?'],
  ];
  for (const [what, answer, reason] of others) {
    it(`to a server that ${what} is refused`, async () => {
      const server = await otherServer(answer);
      const { port } = server.address() as { port: number };
      expect(await refusal(`redis://:secret@127.0.0.1:${port}`)).to.equal(`redis://127.0.0.1:${port}: ${reason}`);
      server.close();
    });
  }

  describe('on a server without a password', () => {
    let server: RedisServer;
    before(async function () {
      needsRedis(this);
      server = await startRedis(['--maxmemory-policy', 'allkeys-lru']);
    });
    after(() => server?.close());

    it('stands, with a warning where the server may drop keys', async () => {
      const said: string[] = [];
      const { redis, close } = await openRedis(`${server.url}/3`, { times: quick, warn: text => said.push(text) });
      await redis.set('key', 'value');
      expect(await redis.get('key')).to.equal('value');
      close();
      expect(said).to.deep.equal([
        `${server.url}/3: its maxmemory-policy is allkeys-lru; set noeviction, or shards may vanish and be done again`,
      ]);
    });

    it('to a database that it does not have is refused', async () => {
      expect(await refusal(`${server.url}/9999`)).to.equal(`${server.url}/9999: it has no such database`);
    });

    it('by TLS is refused', async () => {
      const url = server.url.replace('redis', 'rediss');
      expect(await refusal(url)).to.equal(`${url}: no answer within 2 s; does it speak TLS?`);
    });

    it('outlives a restart: commands wait for it', async () => {
      const said: string[] = [];
      const { redis, close } = await openRedis(server.url, { times: quick, warn: text => said.push(text) });
      await redis.set('kept', 'through');
      const away = server.restart(300);
      await once(redis, 'close');
      expect(await redis.get('kept')).to.equal('through');
      await away;
      close();
      expect(said.slice(1)).to.deep.equal([
        `${server.url}: the connection is lost; trying again until it is back`,
        `${server.url}: the connection is back`,
      ]);
    });
  });

  describe('on a server with a password', () => {
    let server: RedisServer;
    before(async function () {
      needsRedis(this);
      server = await startRedis(['--requirepass', 'open sesame']);
    });
    after(() => server?.close());

    const at = (user: string) => `redis://${user}127.0.0.1:${server.port}`;

    it('takes the right one', async () => {
      const { redis, close } = await openRedis(at(':open%20sesame@'), { times: quick });
      expect(await redis.ping()).to.equal('PONG');
      close();
    });

    it('wants one', async () => {
      expect(await refusal(at(''))).to.equal(
        `${at('')}: it wants a password: redis://user:password@… or CLIPSCOPE_QUEUE_PASSWORD`,
      );
    });

    for (const user of [':secret@', 'nobody:secret@']) {
      it(`refuses '${user}'`, async () => {
        expect(await refusal(at(user))).to.equal(`${at('')}: it refuses this user and password`);
      });
    }
  });
});
