import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/**
 * Where downloads and computed features are kept: `CLIPSCOPE_CACHE`, else `clipscope` in `XDG_CACHE_HOME`, else
 * `~/.cache/clipscope`. The folder need not exist. As the XDG specification asks, a relative `XDG_CACHE_HOME` is ignored.
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.CLIPSCOPE_CACHE) return resolve(env.CLIPSCOPE_CACHE);
  const base = env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME) ? env.XDG_CACHE_HOME : join(homedir(), '.cache');
  return join(base, 'clipscope');
}
