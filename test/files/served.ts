import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type DownloadOptions, download } from '../../src/files/download.js';
import { type Script, type ScriptedServer, startServer } from './scriptedServer.js';
import { inTemporaryFolder } from './temporary.js';

export const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
/** What the file holds, unless a test says otherwise. */
export const content = randomBytes(300_000);
export const hash = sha256(content);
/** Repeats without waiting. */
export const quick: DownloadOptions = { backoffMs: 1 };

/** Serves by a script and downloads `/model.bin` into a new folder. */
export async function served(
  script: Script,
  check: (get: (options?: DownloadOptions, path?: string) => ReturnType<typeof download>, at: Place) => Promise<void>,
): Promise<void> {
  await inTemporaryFolder(async dir => {
    const server = await startServer(script);
    const path = join(dir, 'model.bin');
    try {
      await check((options, to = path) => download(`${server.url}/model.bin`, to, { ...quick, ...options }), {
        dir,
        path,
        server,
      });
    } finally {
      await server.close();
    }
  });
}

export interface Place {
  dir: string;
  path: string;
  server: ScriptedServer;
}
