/** A page in a real browser, for tests, where there is a browser. */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { type Bundle, bundledPage, type Site, startSite } from './site.js';

const usual = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/opt/google/chrome/chrome'];

/** Where a Chromium is: in CLIPSCOPE_CHROMIUM, or where systems put it. */
const executablePath = process.env.CLIPSCOPE_CHROMIUM ?? usual.find(path => existsSync(path));

export interface PageOptions {
  /** Whether the page is cross-origin isolated, so that there are threads. */
  readonly isolated: boolean;
  /** Default: by esbuild. */
  readonly bundle?: Bundle;
  readonly flags?: readonly string[];
}

/** An open page with the package in it. */
export interface Opened {
  readonly page: Page;
  /** What the page has complained of. */
  readonly complaints: string[];
}

/** A browser for the tests of a hook, which are skipped where there is no Chromium. */
export async function launchChromium(
  hook: Mocha.Context,
  flags: readonly string[] = ['--disable-gpu'],
): Promise<Browser> {
  if (!executablePath) {
    console.log(`      skipped: no Chromium in CLIPSCOPE_CHROMIUM or at ${usual.join(', ')}`);
    hook.skip();
  }
  const args = ['--no-sandbox', '--headless=new', '--disable-background-networking', ...flags];
  return chromium.launch({ executablePath, args });
}

/**
 * For a `describe`: a browser and a site for its tests, which are skipped where there is no Chromium.
 * @returns opens a new page; closed with the rest.
 */
export function useChromium({
  isolated,
  bundle = 'esbuild',
  flags = ['--disable-gpu'],
}: PageOptions): () => Promise<Opened> {
  let browser: Browser;
  let site: Site;

  before(async function () {
    this.timeout(60_000);
    browser = await launchChromium(this, flags);
    site = await startSite(await bundledPage(bundle), { isolated });
  });

  after(async () => {
    await browser?.close();
    await site?.close();
  });

  return async () => {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('pageerror', error => complaints.push(error.message));
    page.on('console', message => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    // The development loader writes functions with calls of this.
    await page.addInitScript('globalThis.__name = f => f');
    await page.goto(site.origin);
    await page.waitForFunction('globalThis.clipscope');
    return { page, complaints };
  };
}
