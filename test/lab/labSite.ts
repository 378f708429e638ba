/** The lab's own server, for tests, with a page that was bundled as the lab is. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { build } from 'vite';
import { labBuild } from '../../src/lab/build/config.js';
import { type LabServer, startServer } from '../../src/lab/server/server.js';
import { labRoutes } from '../../src/lab/server/site.js';

const built = new Map<string, Promise<string>>();

/** Bundles the page in a folder, once for all tests. @returns the folder of the bundle */
export function builtPage(page: string): Promise<string> {
  const known = built.get(page);
  if (known) return known;
  const folder = mkdtempSync(join(tmpdir(), 'clipscope-lab-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const building = build({ ...labBuild(page, folder), logLevel: 'error' }).then(() => folder);
  built.set(page, building);
  return building;
}

/** Serves the bundle of a page with the embedded model, at any free port. */
export const startLab = async (page: string): Promise<LabServer> =>
  startServer(await labRoutes({ model: 'weights/scenes', name: 'embedded', page: await builtPage(page) }), 0);

/** Waits until an expression is true in the page. Playwright's own way would need `eval`, which the policy forbids. */
export async function until(page: Page, expression: string, seconds = 60): Promise<void> {
  for (const end = Date.now() + 1000 * seconds; !(await page.evaluate(`Boolean(${expression})`)); ) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${expression}`);
    await page.waitForTimeout(20);
  }
}
