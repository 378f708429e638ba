import { join } from 'node:path';
import { type PullOptions, pull } from '../../src/checkpoint/pull.js';
import type { ScriptedServer } from '../files/scriptedServer.js';
import { inTemporaryFolder } from '../files/temporary.js';
import { type FakeHubOptions, type FakeModel, startHub } from './fakeHub.js';

const variables = ['CLIPSCOPE_CACHE', 'HF_ENDPOINT', 'HF_TOKEN'];

/** Runs a test with an empty cache and none of the user's settings, which are put back afterwards. */
export async function withEmptyCache(work: (dir: string) => Promise<void>): Promise<void> {
  const before = variables.map(name => process.env[name]);
  await inTemporaryFolder(async dir => {
    for (const name of variables) delete process.env[name];
    process.env.CLIPSCOPE_CACHE = join(dir, 'cache');
    try {
      await work(dir);
    } finally {
      variables.forEach((name, i) => {
        if (before[i] === undefined) delete process.env[name];
        else process.env[name] = before[i];
      });
    }
  });
}

/** The same with a hub; `get` pulls from it. */
export function withHub(
  models: Record<string, FakeModel>,
  options: FakeHubOptions,
  check: (
    get: (id: string, options?: PullOptions) => ReturnType<typeof pull>,
    place: { dir: string; cache: string; hub: ScriptedServer },
  ) => Promise<void>,
): Promise<void> {
  return withEmptyCache(async dir => {
    const hub = await startHub(models, options);
    try {
      await check((id, more) => pull(id, { endpoint: hub.url, backoffMs: 1, ...more }), {
        dir,
        cache: join(dir, 'cache'),
        hub,
      });
    } finally {
      await hub.close();
    }
  });
}
