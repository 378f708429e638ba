/** The lab's server: on this computer alone, for a list of paths. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InputError } from '../../errors.js';
import { answer } from './answer.js';
import { guarding } from './headers.js';
import type { Routes } from './routes.js';

export interface LabServer {
  /** Where the page is. */
  readonly url: string;
  /** Ends all connections and stops. */
  close(): Promise<void>;
}

/** A browser opens six connections; more than a few browsers' worth are none of a person's. */
const mostConnections = 64;

/**
 * Starts the server on the loopback address.
 *
 * @param port 0 for any that is free
 * @throws InputError when the port is taken or not to be had
 */
export async function startServer(routes: Routes, port: number): Promise<LabServer> {
  const limits = { maxHeaderSize: 8192, headersTimeout: 10_000, requestTimeout: 10_000, keepAliveTimeout: 5_000 };
  const server = createServer(limits);
  server.maxConnections = mostConnections;
  server.maxHeadersCount = 64;
  await listening(server, port);
  const { port: actual } = server.address() as AddressInfo;
  const hosts = ['127.0.0.1', 'localhost'].map(name => (actual === 80 ? name : `${name}:${actual}`));
  server.on('request', (request, response) => {
    // A browser that goes away, or a disk that fails, ends one answer.
    answer(routes, hosts, request, response).catch(() => response.destroy());
  });
  server.on('checkContinue', (_request, response) => {
    response.writeHead(417, { ...guarding(''), connection: 'close' }).end();
  });
  return {
    url: `http://${hosts[0]}/`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = { EADDRINUSE: 'something else listens there', EACCES: 'only a superuser may listen there' };
      const known = reason[error.code as keyof typeof reason];
      if (!known) return reject(error);
      reject(new InputError(`lab: port ${port}: ${known}; choose another with --port, or 0 for any`));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
}
