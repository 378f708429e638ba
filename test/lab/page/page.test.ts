/** The page from its start to what is taken away from it, with the embedded model. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { expect } from 'chai';
import type { Locator, Page } from 'playwright-core';
import { labelsOf, type OpenedLab, patience, settle, useLab } from './open.js';

const classes = 'sand; green; yellow';
const common = ['examples/scene-1.png', '--classes', classes, '--json', '--quiet'];

interface Described {
  readonly name: string;
  readonly pixels: number;
}

/** What the command line says of the same picture: pixels by class. */
function commandLine(...parts: string[]): number[][] {
  const json = JSON.parse(execFileSync('node', ['dist/cli.js', ...parts, ...common], { encoding: 'utf8' }));
  const found: { classes: Described[] }[] = json.panels ?? json.images;
  return found.map(({ classes }) => classes.map(({ pixels }) => pixels));
}

const counted = (labels: readonly number[], count: number): number[] =>
  Array.from({ length: count }, (_, label) => labels.filter(one => one === label).length);

/** Moves a slider as a user does, and waits for the map. */
async function slide(page: Page, panel: Locator, value: string): Promise<void> {
  await panel.locator('input[type=range]').fill(value);
  await settle(page);
}

describe('the page of the lab', function () {
  this.timeout(2 * patience);
  const open = useLab();
  let lab: OpenedLab;
  let page: Page;

  before(async () => {
    lab = await open();
    page = lab.page;
    await settle(page);
  });
  afterEach(() => {
    expect(lab.complaints).to.deep.equal([]);
  });
  const panel = (at: number) => page.locator('.panel').nth(at);

  it('begins with an example, names for it, and three methods side by side', async () => {
    expect(await page.locator('#model').textContent()).to.match(
      /5 blocks × 4 heads, width 128.*WebAssembly, \d threads?/,
    );
    expect(await page.locator('#classes').inputValue()).to.equal(classes);
    expect(await page.locator('.formula').allTextContents()).to.deep.equal([
      'X = X_res + qk, then FFN',
      'X = X_res + csa, then FFN',
      'X = qq',
    ]);
    expect(await page.locator('.heads canvas').count()).to.equal(20);
    expect(await page.locator('.nearest tbody tr').count()).to.equal(3);
  });

  it('shows the maps that the command line makes', async () => {
    const expected = commandLine('compare', '--methods', 'clip,sclip,clearclip');
    for (const [i, pixels] of expected.entries()) {
      const labels = await labelsOf(page, i);
      expect(labels).not.to.include(-1);
      counted(labels, 3).forEach((count, label) => {
        expect(Math.abs(count - pixels[label]!), `panel ${i}, class ${label}`).to.be.at.most(9);
      });
    }
  });

  it('turns alpha, and says how to do the same on the command line', async () => {
    const before = await labelsOf(page, 1);
    await slide(page, panel(1), '0.5');
    expect(await panel(1).locator('.formula').textContent()).to.equal('X = X_res + 0.50·csa, then FFN');
    const labels = await labelsOf(page, 1);
    expect(labels).not.to.deep.equal(before);
    await page.getByRole('button', { name: 'As commands' }).click();
    const text = (await page.locator('dialog pre').textContent())!;
    expect(text).to.contain('npx clipscope compare examples/scene-1.png --methods clip,clearclip');
    const command = '--method sclip --attention csa --residual 0.5 --ffn on';
    expect(text).to.contain(command);
    await page.getByRole('button', { name: 'Close' }).click();
    const [pixels] = commandLine('segment', ...command.split(' '));
    counted(labels, 3).forEach((count, label) => {
      expect(Math.abs(count - pixels![label]!)).to.be.at.most(9);
    });
    await slide(page, panel(1), '1');
    expect(await labelsOf(page, 1)).to.deep.equal(before);
  });

  it('switches residual, FFN, attention and method', async () => {
    await panel(2).getByLabel('residual').check();
    await panel(2).getByLabel('FFN').check();
    await panel(2).getByLabel('Attention', { exact: true }).selectOption('csa');
    await settle(page);
    expect(await panel(2).locator('.formula').textContent()).to.equal('X = X_res + csa, then FFN');
    expect(await labelsOf(page, 2)).to.deep.equal(await labelsOf(page, 1));
    await panel(2).getByLabel('Method').selectOption('scclip');
    await settle(page);
    expect(await panel(2).getByLabel('residual').isVisible()).to.equal(false);
    await panel(2).getByLabel('Method').selectOption('clearclip');
    await settle(page);
    expect(await panel(2).locator('.formula').textContent()).to.equal('X = qq');
  });

  it('adds panels up to six, and takes them away but for the last', async () => {
    const add = page.getByRole('button', { name: 'Add a panel' });
    while (await add.isEnabled()) await add.click();
    expect(await page.locator('.panel').count()).to.equal(6);
    await settle(page);
    for (let left = 5; left >= 3; left--) await panel(left).getByRole('button', { name: 'Remove this panel' }).click();
    expect(await page.locator('.panel').count()).to.equal(3);
  });

  it('looks at the patch under a click, and at the next one by the arrow keys', async () => {
    const stage = page.locator('.picture .stage');
    const box = (await stage.boundingBox())!;
    await stage.click({ position: { x: 0.78 * box.width, y: 0.82 * box.height } });
    const title = page.locator('#patch-title');
    await title.filter({ hasText: 'Patch 14, 13' }).waitFor();
    await settle(page);
    const green = page.locator('.nearest tr', { hasText: 'green' });
    expect(await green.locator('td').nth(2).getAttribute('class')).to.equal('number best');
    await stage.focus();
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowUp');
    await title.filter({ hasText: 'Patch 13, 12' }).waitFor();
    for (let i = 0; i < 20; i++) await page.keyboard.press('ArrowDown');
    await title.filter({ hasText: 'Patch 16, 12' }).waitFor();
    const said = page.locator('.picture [aria-live]').filter({ hasText: /^row 16, column 12: \w+ 0\.\d\d$/ });
    await said.waitFor({ state: 'attached' });
    await page.locator('.head-map').nth(6).hover();
    expect(await page.locator('.picture .heat').isVisible()).to.equal(true);
    await page.mouse.move(0, 0);
    expect(await page.locator('.picture .heat').isVisible()).to.equal(false);
  });

  it('shows the cosines of a class while it is pressed', async () => {
    const green = page.locator('.legend button').nth(1);
    await green.click();
    await page.locator('.panel .over[data-shows=heat]').nth(2).waitFor();
    expect(await green.getAttribute('aria-pressed')).to.equal('true');
    expect(await page.locator('.panel .over').first().getAttribute('aria-label')).to.equal('cosines with green');
    await green.click();
    await page.locator('.panel .over[data-shows=labels]').nth(2).waitFor();
  });

  it('checks names while they are typed', async () => {
    const field = page.locator('#classes');
    await field.fill('sand; ; green');
    const failure = page.locator('#classes-failure');
    await failure.filter({ hasText: 'class 2: a name is empty' }).waitFor();
    expect(await field.getAttribute('aria-invalid')).to.equal('true');
    await field.fill('<img src=x onerror=alert(1)>, green; sand');
    await page.locator('.legend bdi').filter({ hasText: '<img src=x onerror=alert(1)>' }).waitFor();
    await settle(page);
    expect(await page.locator('.legend img').count()).to.equal(0);
    await field.fill(classes);
    await page.waitForFunction(() => document.querySelectorAll('.legend li').length === 3);
    await settle(page);
  });

  it('is in its address, from which another page begins', async () => {
    await slide(page, panel(0), '0.25');
    await page.waitForURL(/panel=clip,residual:0\.25/);
    const { hash } = new URL(page.url());
    const other = await open(hash);
    await settle(other.page);
    expect(await other.page.locator('.formula').allTextContents()).to.deep.equal(
      await page.locator('.formula').allTextContents(),
    );
    expect(await other.page.locator('#patch-title').textContent()).to.contain('Patch 16, 12');
    expect(await labelsOf(other.page, 0)).to.deep.equal(await labelsOf(page, 0));
    expect(other.complaints).to.deep.equal([]);
    await other.page.context().close();
    await slide(page, panel(0), '1');
  });

  it('begins as it comes, saying why, where an address is none', async () => {
    const other = await open('#v=1&panel=clop');
    await settle(other.page);
    const notice = other.page.locator('.notice').first();
    expect(await notice.textContent()).to.contain("unknown method 'clop'; did you mean clip");
    await notice.getByRole('button', { name: 'Dismiss' }).click();
    expect(await notice.isVisible()).to.equal(false);
    expect(other.complaints).to.deep.equal([]);
    await other.page.context().close();
  });

  it('saves all maps as one picture', async () => {
    const waiting = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save picture' }).click();
    const download = await waiting;
    expect(download.suggestedFilename()).to.equal('scene-1-maps.png');
  });

  it('loads the model out of the cache when it comes again', async () => {
    await page.reload();
    await settle(page);
    expect(await page.locator('#model').textContent()).to.contain('from the cache');
  });

  it('keeps no tensors over 50 turns', async () => {
    const engine = page.workers().find(worker => worker.url().includes('worker'))!;
    const tensors = () =>
      engine.evaluate(() => {
        const { _tfengine } = globalThis as unknown as { _tfengine: { memory(): { numTensors: number } } };
        return _tfengine.memory().numTensors;
      });
    await slide(page, panel(0), '0.05');
    const before = await tensors();
    for (let i = 1; i <= 50; i++) await slide(page, panel(0), String(i / 20));
    expect(await tensors()).to.equal(before);
  });

  it('is legible by day, by night and on a phone', async () => {
    const folder = process.env.CLIPSCOPE_SCREENSHOTS;
    if (folder) mkdirSync(folder, { recursive: true });
    const ways = {
      day: { colorScheme: 'light' },
      night: { colorScheme: 'dark' },
      phone: { colorScheme: 'light', viewport: { width: 360, height: 740 } },
    } as const;
    for (const [name, options] of Object.entries(ways)) {
      const other = await open('', options);
      await settle(other.page);
      const overflow = await other.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, `${name}: wider than the window`).to.be.at.most(0);
      if (folder) await other.page.screenshot({ path: `${folder}/lab-${name}.png`, fullPage: true });
      expect(other.complaints).to.deep.equal([]);
      await other.page.context().close();
    }
  });
});
