/** A page with the sandbox and the checker, and code that is tried in it. */
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import type { LabServer } from '../../../src/lab/server/server.js';
import { launchChromium } from '../../browser/chromium.js';
import { noise } from '../../browser/tasks.js';
import { startLab, until } from '../labSite.js';

const site = fileURLToPath(new URL('./page', import.meta.url));
export const [h, n, d] = [4, 10, 8];
const heads = [1, h, n, d] as const;

/** What the attentions of the tests are given. */
export const values = {
  q: { data: [...noise(h * n * d, 1)], shape: heads },
  k: { data: [...noise(h * n * d, 2)], shape: heads },
  v: { data: [...noise(h * n * d, 3)], shape: heads },
  input: { data: [...noise(n * h * d, 4)], shape: [1, n, h * d] },
  scale: 1 / Math.sqrt(d),
  grid: { rows: 3, columns: 3 },
};

/** What became of code. */
export interface Attempted {
  readonly failure?: { readonly message: string; readonly line?: number; readonly column?: number };
  readonly z?: number[];
  readonly pattern?: number[];
  readonly seconds?: { readonly compile: number; readonly run: number };
  /** From the call to its answer. */
  readonly milliseconds: number;
}

export interface SandboxPage {
  page(): Page;
  /** Checks code in the page and runs it in the sandbox. */
  attempt(code: string): Promise<Attempted>;
  /** Runs JavaScript as it is, such as the types would not let pass. */
  unchecked(js: string): Promise<Attempted>;
  /** What the page has complained of, and asked of a server. */
  readonly complaints: readonly string[];
  readonly requests: readonly string[];
}

/** For a `describe`: such a page, or the tests are skipped where there is no Chromium. */
export function useSandboxPage(): SandboxPage {
  let browser: Browser;
  let lab: LabServer;
  let page: Page;
  const complaints: string[] = [];
  const requests: string[] = [];

  before(async function () {
    this.timeout(120_000);
    browser = await launchChromium(this);
    lab = await startLab(site);
    page = await browser.newPage();
    page.on('pageerror', error => complaints.push(error.message));
    page.on('console', message => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('request', request => requests.push(request.url()));
    await page.goto(lab.url);
    await until(page, 'globalThis.openSandbox');
    await page.evaluate('globalThis.checker = openChecker(); globalThis.sandbox = openSandbox({ seconds: 3 })');
  });
  after(async () => {
    await browser?.close();
    await lab?.close();
  });

  const run = (runnable: string): Promise<Attempted> =>
    page.evaluate(`(async () => {
      const { problems, runnable } = ${runnable};
      if (!runnable) return { failure: { message: 'types: ' + problems[0].message } };
      const values = Object.fromEntries(Object.entries(${JSON.stringify(values)}).map(([name, value]) =>
        [name, value.data ? { ...value, data: Float32Array.from(value.data) } : value]));
      const begin = performance.now();
      const { result, failure } = await sandbox.run(runnable, values);
      const milliseconds = performance.now() - begin;
      if (failure) return { failure, milliseconds };
      const { z, pattern, seconds } = result;
      return { z: [...z.data], pattern: pattern && [...pattern.data], seconds, milliseconds };
    })()`);

  return {
    page: () => page,
    attempt: code => run(`await checker.check(${JSON.stringify(code)})`),
    unchecked: js => run(`{ runnable: ${JSON.stringify({ js, mappings: '' })} }`),
    complaints,
    requests,
  };
}

/** An attention of such a body, with what it imports. */
export const importing = (names: string, body: string): string =>
  `import { type Attention, ${names} } from 'clipscope';
const mine: Attention = ({ q, k, v, scale, grid, point }) => {
${body}
};
export default mine;
`;

export const fine = importing('mix, scores, softmax', '  return mix(softmax(scores(q, q, scale)), v);');
