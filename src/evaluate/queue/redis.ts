/** A connection to Redis that fails fast and clearly at first, and once it stood is kept up through everything. */
import { isIP } from 'node:net';
import type { Redis, RedisOptions } from 'ioredis';
import { InputError } from '../../errors.js';
import { printable } from '../../files/quote.js';
import { parseQueueUrl, type QueueUrl } from './queueUrl.js';
import { type QueueTimes, queueTimes } from './times.js';

/** What a connection may be given. */
export interface RedisUse {
  readonly times?: QueueTimes;
  /** Takes lines of advice, such as that the connection is lost. */
  readonly warn?: (text: string) => void;
}

/** An open connection, and what messages call it. */
export interface OpenRedis {
  readonly redis: Redis;
  readonly shown: string;
  /** Ends it and its duplicates, whatever still waits. */
  close(): void;
}

/**
 * Loads a package that only a queue needs: `await installed(() => import('bullmq'))`.
 * @throws InputError when it is not installed
 */
export async function installed<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new InputError('--queue: it takes the packages bullmq and ioredis, which are not installed here');
  }
}

/**
 * Connects to the server of a queue. After that, commands wait out whatever interrupts the connection.
 * @throws InputError within seconds when the address is none, nothing answers there, or it refuses user, password or database
 */
export async function openRedis(
  url: string,
  { times = queueTimes, warn = () => {} }: RedisUse = {},
): Promise<OpenRedis> {
  const target = parseQueueUrl(url);
  const { Redis } = await installed(() => import('ioredis'));
  let isOpen = false;
  const redis = new Redis(optionsFor(target, times, () => isOpen));
  const refused = new Promise<never>((_, reject) => redis.on('error', reject));
  const opened = async () => {
    await redis.connect();
    await redis.select(target.database);
    warnOfEviction(await redis.info('memory').catch(() => ''), target, warn);
  };
  try {
    await within(times.connect, Promise.race([opened(), refused]));
  } catch (error) {
    redis.disconnect();
    throw new InputError(`${target.shown}: ${reasonOf(error, target, times)}`);
  }
  isOpen = true;
  tellOfLosses(redis, target, warn);
  return {
    redis,
    shown: target.shown,
    close() {
      isOpen = false;
      redis.disconnect();
    },
  };
}

function optionsFor({ host, port, user, password, database, tls }: QueueUrl, times: QueueTimes, isOpen: () => boolean) {
  return {
    host,
    port,
    db: database,
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: isIP(host) ? {} : { servername: host } }),
    lazyConnect: true,
    connectTimeout: times.connect,
    disconnectTimeout: 200,
    keepAlive: 10_000,
    retryStrategy: attempt => (isOpen() ? Math.min(100 * 2 ** Math.min(attempt, 6), 5000) : null),
    // BullMQ's condition, and ours: commands wait.
    maxRetriesPerRequest: null,
    disableClientInfo: true,
  } satisfies RedisOptions;
}

/** Waits for work with a server that may say nothing. @throws Error when it takes longer */
export async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error('late'), { code: 'ETIMEDOUT' })), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

const wordings: readonly (readonly [RegExp, string])[] = [
  [/ENOTFOUND|EAI_AGAIN/, 'no machine of that name is known here'],
  [/ECONNREFUSED/, 'nothing listens there; is the server running?'],
  [/EHOSTUNREACH|ENETUNREACH/, 'no way leads there'],
  [/NOAUTH/, 'it wants a password: redis://user:password@… or CLIPSCOPE_QUEUE_PASSWORD'],
  [/WRONGPASS|invalid password|invalid username/i, 'it refuses this user and password'],
  [/DB index is out of range|invalid DB index/i, 'it has no such database'],
  [/Protocol error/, 'what answers there is no Redis server'],
  [
    /certificate|altname|SELF_SIGNED/i,
    'its certificate is not trusted here; NODE_EXTRA_CA_CERTS names a file with its issuer',
  ],
];

function reasonOf(error: unknown, { tls }: QueueUrl, { connect }: QueueTimes): string {
  const { message, code = '' } = error as NodeJS.ErrnoException;
  const text = `${code} ${message}`;
  const wording = wordings.find(([pattern]) => pattern.test(text))?.[1];
  if (wording) return wording;
  if (/ETIMEDOUT/.test(text)) return `no answer within ${connect / 1000} s${tls ? '; does it speak TLS?' : ''}`;
  if (/ECONNRESET|EPIPE|Connection is closed/.test(text)) {
    return `it closed the connection${tls ? '' : '; does it want TLS (rediss://)?'}`;
  }
  return printable(message.split('\n', 1)[0]!);
}

function warnOfEviction(info: string, { shown }: QueueUrl, warn: (text: string) => void): void {
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy === undefined || policy === 'noeviction') return;
  warn(`${shown}: its maxmemory-policy is ${policy}; set noeviction, or shards may vanish and be done again`);
}

function tellOfLosses(redis: Redis, { shown }: QueueUrl, warn: (text: string) => void): void {
  let isLost = false;
  redis.on('reconnecting', () => {
    if (!isLost) warn(`${shown}: the connection is lost; trying again until it is back`);
    isLost = true;
  });
  redis.on('ready', () => {
    if (isLost) warn(`${shown}: the connection is back`);
    isLost = false;
  });
}
