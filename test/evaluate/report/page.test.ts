/** The report as a person opens it: a file, in a browser. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { reportHtml } from '../../../src/evaluate/report/page.js';
import type { Report } from '../../../src/evaluate/report/report.js';
import { launchChromium } from '../../browser/chromium.js';
import { hostile, sampleReport } from './sample.js';

describe('the report in a browser', function () {
  this.timeout(60_000);
  let folder: string | undefined;
  let browser: Browser | undefined;

  before(async function () {
    browser = await launchChromium(this);
    folder = mkdtempSync(join(tmpdir(), 'report-'));
  });

  after(async () => {
    await browser?.close();
    if (folder) rmSync(folder, { recursive: true });
  });

  /** Opens a page and looks; nothing may be asked for but the file. @returns what the browser complained of */
  async function opened(text: string, look: (page: Page) => Promise<void>): Promise<string[]> {
    const path = join(folder!, 'report.html');
    writeFileSync(path, text);
    const page = await browser!.newPage();
    const [requests, complaints]: [string[], string[]] = [[], []];
    page.on('request', request => requests.push(request.url()));
    page.on('pageerror', error => complaints.push(error.message));
    page.on('console', message => complaints.push(message.text()));
    await page.goto(pathToFileURL(path).href);
    await look(page);
    await page.close();
    expect(requests.filter(url => !url.startsWith('data:'))).to.deep.equal([pathToFileURL(path).href]);
    return complaints;
  }

  /** As `opened`, of a report of which nothing may be complained. */
  async function shown(report: Report, look: (page: Page) => Promise<void>): Promise<void> {
    expect(await opened(reportHtml(report), look)).to.deep.equal([]);
  }

  /** `what` of each element that a selector finds, in the page's own words. */
  const each = <T>(page: Page, selector: string, what: string): Promise<T[]> =>
    page.evaluate(`[...document.querySelectorAll(${JSON.stringify(selector)})].map(element => ${what})`);

  const textsOf = (page: Page, table: string): Promise<string[][]> =>
    each(page, `#${table} tbody tr`, '[...element.cells].map(cell => cell.textContent.trim())');

  it('shows the figures of the table', async () => {
    const report = await sampleReport();
    const { methods, dataset } = report.table;
    const figure = (score: number | null) => (100 * score!).toFixed(2);
    await shown(report, async page => {
      expect(await textsOf(page, 'scores')).to.deep.equal(
        methods.map(({ name, mIoU, interval, mAcc, aAcc, boundaryIoU }) => [
          name,
          figure(mIoU),
          `${figure(interval[0])} to ${figure(interval[1])}`,
          ...[mAcc, aAcc, boundaryIoU].map(figure),
        ]),
      );
      expect(await textsOf(page, 'classes')).to.deep.equal(
        dataset.classes.map((name, c) => [name, ...methods.map(({ perClass }) => figure(perClass[c]!.iou))]),
      );
      const exact = await each<number[]>(
        page,
        '#classes tbody tr',
        '[...element.cells].slice(1).map(cell => Number(cell.dataset.value))',
      );
      expect(exact).to.deep.equal(dataset.classes.map((_, c) => methods.map(({ perClass }) => perClass[c]!.iou)));
      const bars = await each<number>(page, '#classes .fill', "Number(element.getAttribute('width')) / 72");
      for (const [i, share] of bars.entries()) expect(share).to.be.closeTo(exact.flat()[i]!, 1e-4);
      expect(bars.length).to.equal(dataset.classes.length * methods.length);
      const text = await page.locator('body').innerText();
      const { hash, weights } = report.table.identity;
      for (const part of [hash, weights, 'protocol.stride', 'seed 0', 'a broken file', 'onnxruntime 1.20.0']) {
        expect(text).to.include(part);
      }
    });
  });

  it('shows each image with its labels, in the colours of its legend', async () => {
    const report = await sampleReport();
    await shown(report, async page => {
      const sizes = await each<number>(page, '.panel img', 'element.naturalWidth');
      expect(sizes).to.deep.equal(Array(report.images.length * 4).fill(96));
      const photo = 'getComputedStyle(element).backgroundImage';
      const photos = await each<string>(page, '.panels > figure:first-child > .panel', photo);
      expect(photos).to.deep.equal(report.images.map(({ photo }) => `url("${photo}")`));
      const opacity = async () => (await each<string>(page, '.panel img', 'getComputedStyle(element).opacity'))[0];
      expect(await opacity()).to.equal('0.6');
      await page.locator('#cover').fill('100');
      expect(await opacity()).to.equal('1');
      const captions = await page.locator('article').first().locator('figcaption').allInnerTexts();
      const scores = report.images[0]!.scores.map(score => (100 * score!).toFixed(2));
      expect(captions).to.deep.equal([
        'photo',
        'truth',
        ...['clip', 'sclip', 'clearclip'].map((name, m) => `${name} ${scores[m]}`),
      ]);
    });
  });

  it('sorts by a click on a heading, what is not known last', async () => {
    const { table } = await sampleReport();
    const [first, ...others] = table.methods;
    const perClass = first!.perClass.map((one, c) => (c === 2 ? { ...one, iou: null } : one));
    await shown({ table: { ...table, methods: [{ ...first!, perClass }, ...others] } }, async page => {
      const column = async () => (await textsOf(page, 'classes')).map(([, score]) => score);
      const known = perClass.flatMap(({ iou }) => (iou === null ? [] : [iou])).sort((a, b) => b - a);
      const falling = known.map(score => (100 * score).toFixed(2));
      const button = page.locator('#classes button').nth(1);
      await button.click();
      expect(await column()).to.deep.equal([...falling, '–']);
      expect(await page.locator('#classes th[aria-sort]').getAttribute('aria-sort')).to.equal('descending');
      await button.click();
      expect(await column()).to.deep.equal([...falling.toReversed(), '–']);
      await page.locator('#classes button').first().click();
      const names = (await textsOf(page, 'classes')).map(([name]) => name);
      expect(names).to.deep.equal([...table.dataset.classes].sort());
    });
  });

  it('shows hostile names as they are', async () => {
    const report = await sampleReport(hostile);
    await shown(report, async page => {
      const names = (await textsOf(page, 'classes')).map(([name]) => name);
      const spelled = ['| ](javascript:alert(1)) `x` **y**\\u{000a}# z', '\\u{202e}gnp.exe & &lt;b&gt; \\u{0000}'];
      expect(names.slice(0, 6)).to.deep.equal([...hostile.slice(0, 4), ...spelled]);
      await page.locator('th .name').nth(2).hover();
      expect(await page.evaluate('globalThis.owned')).to.equal(undefined);
      expect(await each(page, 'script, svg[onload], [onmouseover], [onerror]', '0')).to.have.length(1);
      expect(await page.title()).to.equal(`${hostile[3]} – clipscope`);
    });
  });

  it('lets no script run but its own, should markup get in after all', async () => {
    const markup = '<script>globalThis.owned = true</script>';
    const spoilt = reportHtml(await sampleReport()).replace('<main>', () => `<main>${markup}`);
    const complaints = await opened(spoilt, async page => {
      expect(await page.evaluate('globalThis.owned')).to.equal(undefined);
      await page.locator('#scores button').first().click();
      expect(await page.locator('#scores th[aria-sort]').count()).to.equal(1);
    });
    expect(complaints).to.have.length(1);
    expect(complaints[0]).to.include('Content Security Policy');
  });
});
