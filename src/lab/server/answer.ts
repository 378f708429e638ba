/** Answers one request, from the list of routes and nothing else. */
import { open } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { guarding } from './headers.js';
import type { Route, Routes } from './routes.js';

const longestUrl = 2048;

/** Why a request is refused: a status, and a line. */
type Refusal = readonly [status: number, reason: string];

/**
 * @param hosts what the `Host` header may say: another name that leads to this computer is another site's page asking
 */
export async function answer(
  routes: Routes,
  hosts: readonly string[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = request.url ?? '';
  const route = routes.get(url);
  const refusal = refusalOf(request, hosts) ?? (route ? undefined : ([404, 'nothing here'] as const));
  if (refusal) return refuse(response, refusal, request.method === 'HEAD');
  await send(route!, url, request, response);
}

function refusalOf(
  { method = '', url = '', headers, rawHeaders }: IncomingMessage,
  hosts: readonly string[],
): Refusal | undefined {
  const given = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host');
  if (given.length !== 1 || !hosts.includes(headers.host ?? '')) return [421, `expected ${hosts[0]} as the host`];
  if (method !== 'GET' && method !== 'HEAD') return [405, 'expected GET or HEAD'];
  const length = headers['content-length'];
  if (headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')) {
    return [413, 'expected no body'];
  }
  if (url.length > longestUrl) return [414, `expected an address of at most ${longestUrl} characters`];
  // Browsers say who asks: another site may link here, not fetch from here.
  const from = headers['sec-fetch-site'];
  const elsewhere = from !== undefined && from !== 'same-origin' && from !== 'none';
  if (elsewhere && headers['sec-fetch-mode'] !== 'navigate') return [403, 'this is for its own page'];
  return undefined;
}

/** Answers and hangs up: what follows on the connection may be a body. */
function refuse(response: ServerResponse, [status, reason]: Refusal, head: boolean): void {
  const body = `${reason}\n`;
  response.writeHead(status, {
    ...guarding(''),
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    connection: 'close',
    ...(status === 405 && { allow: 'GET, HEAD' }),
  });
  response.end(head ? undefined : body);
}

async function send(route: Route, url: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { body, bytes, type, sha256, immutable } = route;
  const etag = `"${sha256}"`;
  const headers = {
    ...guarding(url),
    etag,
    'cache-control': immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
  };
  if (request.headers['if-none-match'] === etag) return void response.writeHead(304, headers).end();
  const whole = { ...headers, 'content-type': type, 'content-length': bytes };
  if (request.method === 'HEAD') return void response.writeHead(200, whole).end();
  if (Buffer.isBuffer(body)) return void response.writeHead(200, whole).end(body);
  const file = await open(body.file).catch(() => undefined);
  try {
    const stats = await file?.stat();
    if (!file || stats?.size !== bytes || stats.mtimeMs !== body.modified) {
      return refuse(response, [410, 'the file has changed; start clipscope lab again'], false);
    }
    response.writeHead(200, whole);
    if (bytes === 0) return void response.end();
    await pipeline(file.createReadStream({ autoClose: false, end: bytes - 1, highWaterMark: 1 << 18 }), response);
  } finally {
    await file?.close();
  }
}
