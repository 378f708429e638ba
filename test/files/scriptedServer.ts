/** A server on 127.0.0.1 that misbehaves as told, for the tests of downloads. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
}

export interface ScriptedServer {
  /** `http://127.0.0.1:PORT` */
  url: string;
  /** Every request so far. */
  seen: SeenRequest[];
  close(): Promise<void>;
}

export type Script = (request: IncomingMessage, response: ServerResponse, index: number) => void;

/** Starts a server whose n-th request (from 0) is answered by `script(request, response, n)`. */
export async function startServer(script: Script): Promise<ScriptedServer> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    seen.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers });
    script(request, response, seen.length - 1);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    async close() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

export interface FileAnswer {
  /** Quoted or not, as the header shall have it. */
  etag?: string;
  /** Cuts the connection after this many bytes of this answer. */
  breakAfter?: number;
  ignoreRange?: boolean;
  /** Leaves the length out (a chunked body). */
  noLength?: boolean;
  headers?: Record<string, string>;
}

/** Answers as a well-behaved file server: 200, 206 or 416, with `If-Range` and `If-None-Match` honoured. */
export function sendFile(request: IncomingMessage, response: ServerResponse, bytes: Buffer, answer: FileAnswer = {}) {
  const { etag, breakAfter, ignoreRange = false, noLength = false } = answer;
  const headers: Record<string, string> = { ...answer.headers, ...(etag !== undefined && { etag }) };
  if (etag !== undefined && request.headers['if-none-match'] === etag) {
    response.writeHead(304, headers).end();
    return;
  }
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const stale = request.headers['if-range'] !== undefined && request.headers['if-range'] !== etag;
  const start = range && !stale && !ignoreRange ? Number(range[1]) : 0;
  if (start > 0 && start >= bytes.length) {
    response.writeHead(416, { ...headers, 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  if (start > 0) headers['content-range'] = `bytes ${start}-${bytes.length - 1}/${bytes.length}`;
  if (!noLength) headers['content-length'] = String(bytes.length - start);
  response.writeHead(start > 0 ? 206 : 200, headers);
  if (breakAfter === undefined || start + breakAfter >= bytes.length) {
    response.end(bytes.subarray(start));
  } else {
    response.write(bytes.subarray(start, start + breakAfter));
    // Closed, not reset: all that was written arrives first, however busy the machine is.
    response.socket?.end();
  }
}
