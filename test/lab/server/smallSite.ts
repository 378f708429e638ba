/** A server to ask with bytes of one's own, over a page of a few files beside which others lie. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Routes } from '../../../src/lab/server/routes.js';
import { type LabServer, startServer } from '../../../src/lab/server/server.js';
import { labRoutes } from '../../../src/lab/server/site.js';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends bytes as they are, and reads until the server hangs up or has been quiet for a while. */
export function raw(port: number, request: string, quiet = 400): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    let timer: NodeJS.Timeout;
    const later = () => {
      clearTimeout(timer);
      timer = setTimeout(() => socket.destroy(), quiet);
    };
    socket.on('connect', () => {
      socket.write(request, 'latin1');
      later();
    });
    socket.on('data', chunk => {
      text += chunk.toString('latin1');
      later();
    });
    socket.on('error', error => ((error as NodeJS.ErrnoException).code === 'ECONNRESET' ? undefined : reject(error)));
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
  });
}

export function parsed(text: string): Answer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const headers = Object.fromEntries(
    lines.map(line => [line.split(':', 1)[0]!.toLowerCase(), line.replace(/^[^:]*: /, '')]),
  );
  return { status: Number(first.split(' ')[1]), headers, body: rest.join('\r\n\r\n') };
}

export interface SmallSite {
  readonly folder: string;
  readonly routes: Routes;
  readonly url: string;
  readonly host: string;
  readonly port: number;
  ask(path: string, headers?: Record<string, string>, method?: string): Promise<Answer>;
  close(): Promise<void>;
}

/** Serves such a page, with the embedded model. */
export async function startSmallSite(): Promise<SmallSite> {
  const folder = mkdtempSync(join(tmpdir(), 'clipscope-site-'));
  const page = join(folder, 'page');
  mkdirSync(join(page, 'assets'), { recursive: true });
  writeFileSync(join(page, 'index.html'), '<!doctype html><title>lab</title>');
  writeFileSync(join(page, 'assets', 'index-abc.js'), 'export {};');
  writeFileSync(join(page, 'empty.css'), '');
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  symlinkSync(join(folder, 'secret.txt'), join(page, 'link.txt'));
  symlinkSync(folder, join(page, 'up'));
  const routes = await labRoutes({ model: 'weights/scenes', name: 'embedded', page });
  const lab: LabServer = await startServer(routes, 0);
  const { host, port: digits } = new URL(lab.url);
  const port = Number(digits);
  return {
    folder,
    routes,
    url: lab.url,
    host,
    port,
    async ask(path, headers = {}, method = 'GET') {
      const all = Object.entries({ host, connection: 'close', ...headers });
      const lines = all.map(([name, value]) => `${name}: ${value}\r\n`);
      return parsed(await raw(port, `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`));
    },
    async close() {
      await lab.close();
      rmSync(folder, { recursive: true });
    },
  };
}
