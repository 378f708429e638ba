/** Models picked from disk, pictures of the user's own, and files that are neither. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { labelsOf, type OpenedLab, patience, settle, useLab } from './open.js';

const model = 'weights/scenes';
const parts = ['model.safetensors', 'config.json', 'preprocessor_config.json', 'clipscope.json'];

const chunk = (name: string, data: Uint8Array): Buffer => {
  const body = Buffer.concat([Buffer.from(name), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  // The checksum is not what these files are about; browsers stop at a wrong one.
  return Buffer.concat([length, body, Buffer.alloc(4)]);
};

const png = (width: number, height: number): Buffer => {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const pixels = chunk('IDAT', deflateSync(Buffer.alloc(1000)));
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', header), pixels]);
};

const text = (content: string) => Buffer.from(content, 'latin1');
const scene = readFileSync('examples/scene-2.png');

const pictures: Record<string, readonly [bytes: Buffer, why: string]> = {
  'empty.png': [text(''), 'expected a PNG, JPEG'],
  'words.png': [text('just words'), 'expected a PNG, JPEG'],
  'page.png': [text('<!doctype html><script>alert(1)</script>'), 'expected a PNG, JPEG'],
  'drawing.svg': [text('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'), 'expected a PNG, JPEG'],
  'signature.png': [scene.subarray(0, 8), 'expected a PNG, JPEG'],
  'zeros.png': [Buffer.alloc(5000), 'expected a PNG, JPEG'],
  'none.png': [png(0, 0), 'damaged'],
  'cut.png': [scene.subarray(0, 40), 'damaged'],
  'bomb.png': [png(60_000, 60_000), 'its header says 60000 x 60000'],
  'wide.png': [png(2 ** 31 - 1, 1), 'its header says 2147483647 x 1'],
  'bomb.gif': [text(`GIF89a${'\xff'.repeat(10)}`), 'its header says 65535 x 65535'],
  'cut.jpg': [text('\xff\xd8\xff\xc0\0\x11\x08\0\x10\0\x10\x03'), 'damaged'],
  '<img src=x onerror=alert(1)>.png': [text('no'), "'<img src=x onerror=alert(1)>.png': expected"],
};

/** What is done to a good folder, and what the reader says of it. */
const folders: Record<string, readonly [spoil: (folder: string) => void, why: string]> = {
  'no weights': [folder => rmSync(join(folder, 'model.safetensors')), 'expected the weights as model.safetensors'],
  'a cut file': [folder => cut(join(folder, 'model.safetensors'), 1000), 'model.safetensors'],
  'a header without end': [folder => writeFileSync(join(folder, 'model.safetensors'), lie()), 'model.safetensors'],
  'a config that is no JSON': [folder => writeFileSync(join(folder, 'config.json'), '{"a":'), 'config.json'],
  'a config of another model': [
    folder =>
      edit(join(folder, 'config.json'), config => ({
        ...config,
        vision_config: { ...(config.vision_config as object), hidden_size: 768 },
      })),
    '768',
  ],
  'a config beyond all bounds': [
    folder =>
      edit(join(folder, 'config.json'), config => ({
        ...config,
        vision_config: { ...(config.vision_config as object), num_hidden_layers: 1e9 },
      })),
    'layers',
  ],
  'a huge config': [folder => writeFileSync(join(folder, 'config.json'), ' '.repeat(5 << 20)), 'at most 4 MiB'],
};

function cut(file: string, bytes: number): void {
  writeFileSync(file, readFileSync(file).subarray(0, bytes));
}

/** A header that claims more bytes than there are. */
function lie(): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.writeBigUInt64LE(2n ** 62n);
  return bytes;
}

function edit(file: string, change: (value: Record<string, unknown>) => object): void {
  writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, 'utf8')))));
}

describe('files that a user gives to the lab', function () {
  this.timeout(2 * patience);
  const open = useLab();
  let lab: OpenedLab;
  let page: Page;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'clipscope-lab-'));
    lab = await open();
    page = lab.page;
    page.on('dialog', () => lab.complaints.push('a script ran'));
    await settle(page);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  afterEach(() => {
    expect(lab.complaints).to.deep.equal([]);
  });

  const notice = () => page.locator('.head > .notice');
  const give = (name: string, buffer: Buffer) =>
    page
      .getByLabel('Picture', { exact: true })
      .and(page.locator('input'))
      .setInputFiles({ name, mimeType: 'image/png', buffer });
  const pick = (path: string) => page.getByLabel('Folder of a model').setInputFiles(path);
  const saidOnce = async (why: string) => {
    await notice().filter({ hasText: why }).waitFor();
    const message = (await notice().textContent())!.replace(/ Dismiss$/, '');
    expect(message).not.to.match(/[\n\r]|\bat \w+ \(/);
    return message;
  };

  function copied(name: string): string {
    const path = join(folder, name);
    mkdirSync(path);
    for (const part of parts) copyFileSync(join(model, part), join(path, part));
    return path;
  }

  for (const [name, [bytes, why]] of Object.entries(pictures)) {
    it(`refuse the picture ${name}, keeping the one before`, async () => {
      await give(name, bytes);
      const message = await saidOnce(why);
      expect(message).to.contain(`'${name}'`);
      expect(await page.locator('.caption bdi').textContent()).to.equal('scene-1.png');
      await notice().getByRole('button', { name: 'Dismiss' }).click();
    });
  }

  it('take a picture of their own, whose name is text', async () => {
    await give('<b>mine.png', scene);
    await page.locator('.caption bdi').filter({ hasText: '<b>mine.png' }).waitFor();
    await settle(page);
    expect(await page.locator('.caption b').count()).to.equal(0);
    expect(await page.locator('.examples [aria-pressed=true]').count()).to.equal(0);
    await page.getByRole('button', { name: 'As commands' }).click();
    expect(await page.locator('dialog pre').textContent()).to.contain("compare '<b>mine.png'");
    await page.getByRole('button', { name: 'Close' }).click();
    await page.locator('.examples button').first().click();
    await page.locator('.caption bdi').filter({ hasText: 'scene-1.png' }).waitFor();
    await settle(page);
  });

  it('take a model out of a folder, which makes the same maps', async () => {
    const before = await labelsOf(page, 2);
    const path = copied('my model');
    writeFileSync(join(path, 'notes.txt'), 'not a part of it');
    await pick(path);
    await page.locator('#model').filter({ hasText: 'my model: 5 blocks' }).waitFor();
    await settle(page);
    expect(await labelsOf(page, 2)).to.deep.equal(before);
    await page.getByRole('button', { name: 'As commands' }).click();
    expect(await page.locator('dialog pre').textContent()).to.contain("--model 'my model'");
    await page.getByRole('button', { name: 'Close' }).click();
  });

  for (const [what, [spoil, why]] of Object.entries(folders)) {
    it(`refuse a folder with ${what}, keeping the model before`, async () => {
      const path = copied(what);
      spoil(path);
      await pick(path);
      await saidOnce(why);
      await page.locator('#model').filter({ hasText: 'my model: 5 blocks' }).waitFor();
      await settle(page);
      expect(basename(path)).to.equal(what);
    });
  }
});
