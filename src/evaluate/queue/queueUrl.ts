/** Where a queue is, as one word: `redis://[user:password@]host[:port][/database]`. */
import { InputError } from '../../errors.js';
import { quoted } from '../../files/quote.js';

/** A Redis server and a database on it. */
export interface QueueUrl {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly tls: boolean;
  readonly user?: string;
  readonly password?: string;
  /** The address for messages: no user, no password. */
  readonly shown: string;
}

const form = 'redis://[user:password@]host[:port][/database], or rediss:// for TLS';

/**
 * Reads the address of a queue. A password that it lacks is taken from `CLIPSCOPE_QUEUE_PASSWORD`, which no list of
 * processes shows.
 * @throws InputError when it is none; the message repeats no more of it than its scheme, since it may hold a password
 */
export function parseQueueUrl(text: string, env: NodeJS.ProcessEnv = process.env): QueueUrl {
  const scheme = /^([a-z][a-z+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== 'redis' && scheme !== 'rediss') {
    throw new InputError(`--queue: expected ${form}${scheme === undefined ? '' : `; got ${quoted(`${scheme}://…`)}`}`);
  }
  try {
    const { hostname, port, username, password, pathname, search, hash } = new URL(text);
    const database = /^\/?$/.test(pathname) ? '0' : /^\/(\d{1,9})$/.exec(pathname)?.[1];
    if (hostname !== '' && port !== '0' && database !== undefined && `${search}${hash}` === '') {
      const number = port === '' ? '6379' : port;
      const user = decodeURIComponent(username);
      const secret = decodeURIComponent(password) || env.CLIPSCOPE_QUEUE_PASSWORD;
      return {
        // An IPv6 address stands in brackets only where a port follows it.
        host: hostname.replace(/^\[(.*)\]$/, '$1'),
        port: Number(number),
        database: Number(database),
        tls: scheme === 'rediss',
        ...(user && { user }),
        ...(secret && { password: secret }),
        shown: `${scheme}://${hostname}:${number}${database === '0' ? '' : `/${database}`}`,
      };
    }
  } catch {
    // Said below, without the text.
  }
  throw new InputError(`--queue: expected ${form}; in a password, write / # ? @ : % as %2F %23 %3F %40 %3A %25`);
}
