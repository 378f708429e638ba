/** The lab's page in a browser, over the lab's own server. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { type LabServer, startServer } from '../../../src/lab/server/server.js';
import { labRoutes } from '../../../src/lab/server/site.js';
import { launchChromium } from '../../browser/chromium.js';

export interface OpenedLab {
  readonly page: Page;
  /** What the page has complained of. */
  readonly complaints: string[];
}

/** How long a page may take on a machine that has other work. */
export const patience = 60_000;

/** For a `describe`: opens pages of a lab with the embedded model; skipped where there is no Chromium. */
export function useLab(): (hash?: string, options?: BrowserContextOptions) => Promise<OpenedLab> {
  let browser: Browser;
  let server: LabServer;
  before(async function () {
    this.timeout(patience);
    browser = await launchChromium(this);
    server = await startServer(await labRoutes({ model: 'weights/scenes', name: 'weights/scenes' }), 0);
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });
  return async (hash = '', options = {}) => {
    const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(patience);
    const complaints: string[] = [];
    page.on('pageerror', error => complaints.push(error.message));
    page.on('console', message => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    // The development loader writes functions with calls of this.
    await page.addInitScript('globalThis.__name = f => f');
    await page.goto(server.url + hash);
    return { page, complaints };
  };
}

/** Waits until every panel has its map, and one patch is looked at. */
export async function settle(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const panels = [...document.querySelectorAll<HTMLElement>('.panel')];
    return panels.length > 0 && panels.every(({ dataset }) => dataset.state === 'ready');
  });
  await page.locator('.patch .plot').waitFor();
}

/** A panel's classes by index, read off the colours that it is painted in. */
export async function labelsOf(page: Page, panel: number): Promise<number[]> {
  return page.evaluate(panel => {
    const numbers = (colour: string) => colour.match(/\d+/g)!.map(Number);
    const classes = [...document.querySelectorAll<HTMLElement>('.legend .swatch')].map(({ style }) =>
      numbers(style.background || style.backgroundColor),
    );
    const known = new Map<number, number>();
    const key = (rgb: readonly number[]) => rgb.reduce((sum, value) => 256 * sum + value, 0);
    classes.forEach((rgb, label) => {
      known.set(key(rgb), label);
      // Where two classes meet, the line between them is in a lighter tone of the class.
      known.set(key([...new Uint8ClampedArray(rgb.map(value => 255 - (255 - value) / 3))]), label);
    });
    const canvas = document.querySelectorAll<HTMLCanvasElement>('.panel .over')[panel]!;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    return Array.from(
      { length: data.length / 4 },
      (_, i) => known.get(key([...data.subarray(4 * i, 4 * i + 3)])) ?? -1,
    );
  }, panel);
}
