/** What the README says, a reader will try: its examples run as they stand and print what it says they print. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const examples = [...readme.matchAll(/```js\n(.*?)```\n\nprints\n\n```\n(.*?)```/gs)];

describe('the README', () => {
  let folder: string;
  before(function () {
    folder = mkdtempSync(join(tmpdir(), 'readme-'));
    if (!existsSync(join(root, 'dist/index.js'))) throw new Error("dist/ is missing: run 'npm run build' first");
    this.timeout(60_000);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('has three examples with their output', () => {
    expect(examples).to.have.length(3);
  });

  examples.forEach(([, code, output], i) => {
    it(`example ${i + 1} prints what it says`, () => {
      const inFolder = code!.replace("'overlay.png'", JSON.stringify(join(folder, 'overlay.png')));
      const printed = execFileSync(process.execPath, ['--input-type=module', '-e', inFolder], {
        cwd: root,
        encoding: 'utf8',
      });
      expect(printed).to.equal(output);
    });
  });

  it('links to files that are there', () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path!);
    expect(links.filter(path => !existsSync(join(root, path)))).to.deep.equal([]);
  });
});
