/** A real Redis server of a test's own: on a free loopback port, in a temporary folder, ended by its process. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Undefined where Redis is installed; else why the tests that need it do not run. */
export const noRedis =
  spawnSync('redis-server', ['--version']).status === 0
    ? undefined
    : 'redis-server (package redis-server) is not installed';

/** Skips a test or a suite, saying why, where there is no Redis. */
export function needsRedis(context: Mocha.Context): void {
  if (noRedis === undefined) return;
  console.warn(`      skipped: ${noRedis}`);
  context.skip();
}

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** Stops and starts it again, on its port, with what it kept. */
  restart(awayMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Starts a server that keeps what it is told through a restart. @param settings further arguments, such as a password */
export async function startRedis(settings: readonly string[] = []): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'clipscope-redis-'));
  const port = await freePort();
  const fixed = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'yes'];
  let server = await start([...fixed, ...settings]);
  const stop = async () => {
    const ended = once(server, 'exit');
    server.kill('SIGTERM');
    await ended;
  };
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    async restart(awayMs) {
      await stop();
      await new Promise(done => setTimeout(done, awayMs));
      server = await start([...fixed, ...settings]);
    },
    async close() {
      await stop();
      rmSync(folder, { recursive: true });
    },
  };
}

async function start(args: readonly string[]): Promise<ChildProcess> {
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  for await (const text of server.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    said += text;
    if (/Ready to accept connections/.test(said)) {
      server.stdout.resume();
      return server;
    }
  }
  throw new Error(`redis-server ended: ${said}`);
}

/** A loopback port on which nothing listens now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise(done => server.close(done));
  return port;
}
