/** The editor in a real browser, under the lab's policy. */
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import type { LabServer } from '../../../src/lab/server/server.js';
import { launchChromium } from '../../browser/chromium.js';
import { startLab, until } from '../labSite.js';

const site = fileURLToPath(new URL('../sandbox/page', import.meta.url));

describe('the editor', function () {
  this.timeout(120_000);
  let browser: Browser;
  let lab: LabServer;
  let page: Page;
  const complaints: string[] = [];

  before(async function () {
    browser = await launchChromium(this);
    lab = await startLab(site);
    page = await browser.newPage();
    page.on('pageerror', error => complaints.push(error.message));
    page.on('console', message => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    await page.goto(lab.url);
    await until(page, 'globalThis.createEditor');
    await page.evaluate(`
      globalThis.told = [];
      globalThis.counts = [];
      globalThis.editor = createEditor(document.body, {
        code: firstAttention,
        label: 'Your attention',
        onCode: checked => told.push(checked),
        onErrors: count => counts.push(count),
      })`);
  });
  after(async () => {
    await browser?.close();
    await lab?.close();
  });
  afterEach(() => expect(complaints).to.deep.equal([]));

  const told = () => page.evaluate<{ code: string; js: string }[]>('told');
  /** Puts code there, waits for its check, and gives what the list says. */
  async function problems(code: string): Promise<string[]> {
    const before = await page.evaluate<number>('counts.length');
    await page.evaluate(`editor.setCode(${JSON.stringify(code)})`);
    await until(page, `counts.length > ${before}`);
    return page.getByRole('status').getByRole('button').allTextContents();
  }

  it('starts with an attention that has no errors', async () => {
    await until(page, 'told.length === 1');
    const [{ code, js }] = (await told()) as [{ code: string; js: string }];
    expect(code).to.equal(await page.evaluate('firstAttention'));
    expect(js).to.match(/require\("clipscope"\)/);
    expect(await page.evaluate('counts')).to.deep.equal([0]);
  });

  it('is a text field with a name, and looks like an editor in spite of the policy', async () => {
    const field = page.getByRole('textbox', { name: 'Your attention' });
    expect(await field.count()).to.equal(1);
    const family = await field.evaluate(
      element =>
        (globalThis as never as { getComputedStyle(e: unknown): { fontFamily: string } }).getComputedStyle(element)
          .fontFamily,
    );
    expect(family).to.match(/monospace/);
    expect(
      await page.locator('.cm-gutters').evaluate(gutters => (gutters as never as { clientWidth: number }).clientWidth),
    ).to.be.above(10);
  });

  it('marks errors where they are, and tells of none of that code', async () => {
    const before = (await told()).length;
    const list = await problems(
      "import { mix } from 'clipscope';\nexport default (({ q }) => {\n  return mixx(q, 1);\n});\n",
    );
    expect(list.join('\n')).to.match(/Line 3: Cannot find name 'mixx'/);
    await page.waitForSelector('.cm-lintRange-error');
    expect(await page.locator('.cm-lintRange-error').allTextContents()).to.include('mixx');
    expect(await page.locator('.cm-lint-marker-error').count()).to.be.above(0);
    expect((await told()).length).to.equal(before);
    await page.getByRole('button', { name: /mixx/ }).click();
    await page.keyboard.type('Z');
    expect(await page.evaluate('editor.code()')).to.match(/return Zmixx/);
  });

  it('completes names while one types, and says what they are', async () => {
    await page.evaluate('editor.setCode(firstAttention); editor.focus()');
    await page.keyboard.press('Control+End');
    await page.keyboard.type('attentions');
    await page.keyboard.type('X'.repeat(0));
    await page.keyboard.press('Escape');
    await page.keyboard.type('\nsoft');
    await page.waitForSelector('.cm-tooltip-autocomplete');
    expect(await page.locator('.cm-completionLabel').allTextContents()).to.include('softmax');
    await page.keyboard.press('Escape');
    await page.evaluate('editor.setCode(firstAttention)');
    await page.locator('.cm-line', { hasText: 'const pattern' }).getByText('scores').first().hover();
    await page.waitForSelector('.hint');
    expect(await page.locator('.hint').textContent()).to.match(/how much each token of/);
  });

  it('shows where code failed when it ran, until it changes', async () => {
    await problems("import { gem } from 'clipscope';\n\nexport default gem();\n");
    await page.evaluate("editor.showFailure({ message: 'RangeError: no', line: 3, column: 16 })");
    expect(await page.getByRole('status').getByRole('button').allTextContents()).to.deep.equal([
      'Line 3: RangeError: no',
    ]);
    expect(await page.locator('.cm-lintRange-error').allTextContents()).to.deep.equal(['gem();']);
    await page.evaluate("editor.showFailure({ message: 'it takes longer than 5 s' })");
    expect(await page.getByRole('status').textContent()).to.equal('Line 1: it takes longer than 5 s');
    expect(await problems("import { gem } from 'clipscope';\nexport default gem();\n")).to.deep.equal([]);
  });

  it('brings a map’s values within a second of the last key', async () => {
    const seconds = await page.evaluate<number>(`(async () => {
      const sandbox = openSandbox();
      const of = (...shape) => ({ shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, Math.sin) });
      const heads = () => of(1, 12, 197, 64);
      const values = { q: heads(), k: heads(), v: heads(), input: of(1, 197, 768), scale: 1 / 8, grid: { rows: 14, columns: 14 } };
      await sandbox.run(told[0], values);
      const before = told.length;
      const begin = performance.now();
      editor.setCode(firstAttention.replace('q, q', 'v, v'));
      while (told.length === before) await new Promise(resolve => setTimeout(resolve, 5));
      const { failure } = await sandbox.run(told.at(-1), values);
      sandbox.dispose();
      if (failure) throw new Error(failure.message);
      return (performance.now() - begin) / 1000;
    })()`);
    console.log(`      ${seconds.toFixed(2)} s`);
    expect(seconds).to.be.below(3);
  });

  it('goes away whole', async () => {
    await page.evaluate('editor.dispose()');
    expect(await page.evaluate('document.body.childElementCount')).to.equal(0);
    for (let i = 0; page.workers().length > 0 && i < 100; i++) await page.waitForTimeout(20);
    expect(page.workers()).to.deep.equal([]);
  });
});
