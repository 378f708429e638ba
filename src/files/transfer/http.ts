import { type IncomingHttpHeaders, type IncomingMessage, request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';
import { InputError } from '../../errors.js';
import { quoted } from '../quote.js';
import { type Body, bodyOf } from './body.js';

// node:http rather than fetch: it neither decompresses nor follows redirects by itself, so byte ranges, lengths and
// who receives the Authorization header stay in our hands, and a broken body is an error at once.

/** What the code that retries must know of a failed request; it travels as the `cause` of the InputError. */
interface RequestFailure {
  /** Whether the same request may well succeed later. */
  readonly transient: boolean;
  readonly status?: number;
  /** `X-Error-Code` of a Hugging Face hub: `RepoNotFound`, `RevisionNotFound`, `EntryNotFound`, `GatedRepo`. */
  readonly code?: string | undefined;
  /** What `Retry-After` asks for, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

/** The failure an error carries, or undefined when it did not come from a request. */
export function requestFailure(error: unknown): RequestFailure | undefined {
  const cause = error instanceof InputError ? (error.cause as Partial<RequestFailure> | undefined) : undefined;
  return typeof cause?.transient === 'boolean' ? (cause as RequestFailure) : undefined;
}

/** An InputError that says whether trying again may help. */
export function failed(message: string, failure: RequestFailure): InputError {
  return new InputError(message, { cause: failure });
}

/** How a request is made. */
interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Redirects followed before giving up; 5 unless given. */
  readonly redirects?: number | undefined;
  /** Milliseconds without a byte after which a connection counts as broken; 60,000 unless given. */
  readonly idleMs?: number | undefined;
}

/** An answer whose body has not been read. Whoever asks must take all of `body` or destroy it. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The headers of every answer on the way, redirects first; the last are `headers`. */
  readonly hops: readonly IncomingHttpHeaders[];
  /** Where the answer came from, fit for messages: no credentials, no query. */
  readonly from: string;
  readonly body: Body;
}

/** An http or https URL. @throws InputError on anything else. */
export function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new InputError(`expected an http or https URL, got ${quoted(withoutSecrets(text), 200)}`);
  }
  return url;
}

/** A URL fit for messages: without user, password, query (which may hold a signature) and fragment. */
export function displayUrl(url: URL): string {
  return url.origin + url.pathname;
}

// For text that is no URL, so nothing can be taken out by name.
function withoutSecrets(text: string): string {
  return text.replace(/[?#].*$/s, '').replace(/\/\/[^/]*@/, '//');
}

const redirectStatuses = new Set([301, 302, 303, 307, 308]);
const privateHeaders = new Set(['authorization', 'cookie', 'proxy-authorization']);

/**
 * A GET request. Redirects are followed by hand: a bounded number, never from https to anything else, and headers that
 * identify the user are dropped for good when the scheme, host or port changes.
 * @throws InputError, with a {@link RequestFailure} as its cause, when no answer comes. A status such as 404 is an answer.
 */
export async function request(address: string, options: RequestOptions = {}): Promise<Answer> {
  const { redirects = 5 } = options;
  let url = parseUrl(address);
  const shown = displayUrl(url);
  let headers: Record<string, string> = { 'user-agent': 'clipscope', ...options.headers };
  const hops: IncomingHttpHeaders[] = [];
  for (;;) {
    const { incoming, body } = await sendOne(url, headers, options);
    const status = incoming.statusCode ?? 0;
    hops.push(incoming.headers);
    const { location } = incoming.headers;
    if (!redirectStatuses.has(status) || location === undefined) {
      return { status, headers: incoming.headers, hops, from: displayUrl(url), body };
    }
    body.destroy();
    if (hops.length > redirects) {
      throw failed(`${shown}: more than ${redirects} redirects`, { transient: false });
    }
    const next = redirectTarget(url, location);
    if (next.origin !== url.origin) {
      headers = Object.fromEntries(Object.entries(headers).filter(([name]) => !privateHeaders.has(name.toLowerCase())));
    }
    url = next;
  }
}

/**
 * Where a redirect leads: from https to https alone, from http to either.
 * @throws InputError on another scheme or what is no URL.
 */
export function redirectTarget(from: URL, location: string): URL {
  const next = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  const allowed = from.protocol === 'https:' ? ['https:'] : ['http:', 'https:'];
  if (next && allowed.includes(next.protocol)) return next;
  const to = next ? `${next.protocol}//${next.host}` : 'something that is no URL';
  throw failed(`${displayUrl(from)}: redirects to ${to}, which is not followed`, { transient: false });
}

interface Response {
  readonly incoming: IncomingMessage;
  readonly body: Body;
}

function sendOne(url: URL, headers: Record<string, string>, options: RequestOptions): Promise<Response> {
  const { signal, idleMs = 60_000 } = options;
  return new Promise<Response>((resolve, reject) => {
    const send = url.protocol === 'https:' ? overHttps : overHttp;
    let response: IncomingMessage | undefined;
    const outgoing = send(url, { headers, ...(signal && { signal }) });
    outgoing.setTimeout(idleMs, () => {
      const silence = Object.assign(new Error(`no data for ${idleMs / 1000} s`), { code: 'ETIMEDOUT' });
      (response ?? outgoing).destroy(silence);
    });
    outgoing.on('error', reject);
    outgoing.on('response', incoming => {
      response = incoming;
      resolve({ incoming, body: bodyOf(incoming) });
    });
    outgoing.end();
  }).catch(error => {
    throw connectionError(error, displayUrl(url), signal);
  });
}

const transientCodes = new Set(
  'ECONNRESET ECONNREFUSED ECONNABORTED EPIPE ETIMEDOUT EAI_AGAIN ENETDOWN ENETUNREACH EHOSTUNREACH'.split(' '),
);

/** What a connection that failed, or broke while its body was read, amounts to; an abort keeps its own reason. */
export function connectionError(error: unknown, from: string, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  const { code, message } = error as NodeJS.ErrnoException;
  // Every error of Node's sockets and parsers has a code; one without is a fault of ours or of a callback.
  if (code === undefined) return error;
  const words: Record<string, string> = {
    ECONNREFUSED: 'the connection was refused',
    ECONNRESET: 'the connection broke',
    ENOTFOUND: 'there is no such host',
    EAI_AGAIN: 'the host name could not be looked up',
  };
  return failed(`${from}: ${words[code] ?? message.replace(/\s+/g, ' ')}`, { transient: transientCodes.has(code) });
}

/** The error for an answer with a status that is not wanted, with a hint on how to mend it. Destroys the body. */
export function statusError({ status, headers, from, body }: Answer): InputError {
  body.destroy();
  const hints: Record<number, string> = {
    401: 'the model does not exist, is private or is gated; check its id, or set HF_TOKEN to a token that may read it',
    403: 'access is denied; a gated model needs access asked for on its page and HF_TOKEN set to a token that may read it',
    404: 'nothing is there; check the model id, the revision and the endpoint',
    416: 'the server cannot send the rest of the file',
    429: 'too many requests',
  };
  const hint = hints[status] ?? (status >= 500 ? 'the server failed' : 'expected a file');
  const code = headers['x-error-code'];
  return failed(`${from}: HTTP ${status}: ${hint}`, {
    transient: (status >= 500 && status !== 501 && status !== 505) || status === 408 || status === 429,
    status,
    code: typeof code === 'string' ? code : undefined,
    retryAfterMs: retryAfter(headers['retry-after']),
  });
}

// Seconds or an HTTP date (RFC 9110, section 10.2.3).
function retryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/**
 * A whole body as bytes.
 * @throws InputError when it is longer than `maxBytes` or the connection breaks.
 */
export async function readBody(answer: Answer, maxBytes: number, signal?: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer.body.chunks()) {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        throw failed(`${answer.from}: the answer is longer than ${maxBytes} bytes`, { transient: false });
      }
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof InputError ? error : connectionError(error, answer.from, signal);
  }
  return Buffer.concat(chunks);
}
