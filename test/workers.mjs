// Before Node 22.15, tsx reads TypeScript in the main thread alone; tests of what starts threads need it there too.
import * as module from 'node:module';
import { isMainThread } from 'node:worker_threads';

if (!isMainThread && !module.registerHooks) (await import('tsx/esm/api')).register();
