/** The user's own attention on the page: from the editor to a map, and code that came with a link. */
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { hashOf } from '../../../src/lab/page/state.js';
import { labelsOf, type OpenedLab, patience, settle, useLab } from './open.js';

const summed = `import { type Attention, add, mix, scores, softmax } from 'clipscope';
const attention: Attention = ({ q, k, v, scale }) =>
  mix(add(softmax(scores(q, q, scale)), softmax(scores(k, k, scale))), v);
export default attention;
`;
const itself = `import type { Attention } from 'clipscope';
const attention: Attention = ({ v }) => v;
export default attention;
`;

describe('an attention of the user’s own on the page', function () {
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
  const own = () => page.locator('.panel').nth(3);
  const write = async (code: string) => {
    await page.locator('.cm-content').click();
    await page.keyboard.press('ControlOrMeta+a');
    // As from the clipboard: typed, brackets would close themselves.
    await page.locator('.cm-content').evaluate((editor, text) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData('text/plain', text);
      editor.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    }, code);
  };

  it('makes a map beside the others, the same as the same attention of the library', async () => {
    await page.getByText('An attention of your own').click();
    await page.getByRole('button', { name: 'Show it in a panel' }).click();
    await write(summed);
    await page.locator('.panel[data-state=ready]').nth(3).waitFor();
    await settle(page);
    expect(await own().locator('.formula').textContent()).to.equal('X = X_res + yours, then FFN');
    const [mine, theirs] = [await labelsOf(page, 3), await labelsOf(page, 1)];
    expect(mine.filter((label, i) => label !== theirs[i]).length).to.be.below(mine.length / 1000);
    expect(await page.locator('.nearest thead th').last().textContent()).to.equal('yours');
  });

  it('makes another map when it changes, with alpha and FFN as in any panel', async () => {
    const before = await labelsOf(page, 3);
    await write(itself);
    await page.waitForFunction(
      given => {
        const panel = document.querySelectorAll<HTMLElement>('.panel')[3]!;
        return panel.dataset.state === 'ready' && panel.querySelector('.over')!.getAttribute('aria-label') !== given;
      },
      await own().locator('.over').getAttribute('aria-label'),
    );
    expect(await labelsOf(page, 3)).not.to.deep.equal(before);
    await page.locator('.panel').nth(1).getByLabel('Attention', { exact: true }).selectOption('identity');
    for (const at of [1, 3]) {
      await page.locator('.panel').nth(at).locator('input[type=range]').fill('0.5');
      await page.locator('.panel').nth(at).getByLabel('FFN').uncheck();
    }
    await settle(page);
    const [mine, theirs] = [await labelsOf(page, 3), await labelsOf(page, 1)];
    expect(mine.filter((label, i) => label !== theirs[i]).length).to.be.below(mine.length / 1000);
  });

  it('says what fails, where it stands, and leaves the other panels alone', async () => {
    await write(`import type { Attention } from 'clipscope';
const attention: Attention = () => {
  throw new Error('not like this');
};
export default attention;
`);
    await own().locator('.failure').filter({ hasText: 'not like this' }).waitFor();
    expect(await own().getAttribute('data-state')).to.equal('failed');
    await page.locator('.panel').nth(0).locator('input[type=range]').fill('0.5');
    await page.locator('.panel[data-state=ready]').nth(2).waitFor();
    await write(summed);
    await settle(page);
    expect(await own().locator('.failure').isVisible()).to.equal(false);
  });

  it('comes with a link, and runs when the user says so', async () => {
    const panels = [{ method: 'sclip' }, { method: 'sclip', attention: 'mine' }];
    const other = await open(
      `#${hashOf({ classes: 'sand; green; yellow', panels, picture: 'scene-1.png', code: summed })}`,
    );
    await other.page.locator('.cm-content').waitFor();
    await other.page.locator('.patch .plot').waitFor();
    const waiting = other.page.locator('.panel').nth(1);
    const run = other.page.getByRole('button', { name: 'Run it' });
    expect(await run.isVisible()).to.equal(true);
    // Longer than the editor takes to check it.
    await other.page.waitForTimeout(3000);
    expect(await waiting.getAttribute('data-state')).to.equal('busy');
    expect(await waiting.locator('.over').isVisible()).to.equal(false);
    await run.click();
    await settle(other.page);
    const [theirs, mine] = [await labelsOf(other.page, 0), await labelsOf(other.page, 1)];
    expect(mine.filter((label, i) => label !== theirs[i]).length).to.be.below(mine.length / 1000);
    expect(other.complaints).to.deep.equal([]);
    await other.page.context().close();
  });
});
