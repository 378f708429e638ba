/** What the README and the guide to `compile` say, a reader will try: examples run as they stand and print what they say. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
/** The JavaScript of a page, and what it says that each piece prints. */
const examplesIn = (page: string) =>
  [...page.matchAll(/```js\n(.*?)```\n\nprints\n\n```\n(.*?)```/gs)].map(([, code, output]) => ({
    code: code!,
    output: output!,
  }));
/** Links to files that are not there, of a page in a folder. */
const deadLinks = (page: string, folder: string) =>
  [...page.matchAll(/\]\(([^)#:]+)[^):]*\)/g)]
    .map(([, path]) => path!)
    .filter(path => !existsSync(join(root, folder, path)));

describe('examples', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'readme-'));
    if (!existsSync(join(root, 'dist/index.js'))) throw new Error("dist/ is missing: run 'npm run build' first");
  });
  after(() => rmSync(folder, { recursive: true }));

  /** What a program prints; the files that it names without a folder go into one that is deleted. */
  function printed(code: string): string {
    const inFolder = code.replace(/'([\w-]+\.(?:png|onnx))'/g, (_, name: string) => JSON.stringify(join(folder, name)));
    const args = ['--input-type=module', '-e', inFolder];
    return execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  }

  describe('the README', function () {
    this.timeout(60_000);
    const readme = read('README.md');
    const examples = examplesIn(readme);

    it('has three examples with their output', () => {
      expect(examples).to.have.length(3);
    });

    examples.forEach(({ code, output }, i) => {
      it(`example ${i + 1} prints what it says`, () => {
        expect(printed(code)).to.equal(output);
      });
    });

    it('links to files that are there', () => {
      expect(deadLinks(readme, '.')).to.deep.equal([]);
    });
  });

  describe('the guide to compile', function () {
    this.timeout(60_000);
    const guide = read('docs/compile.md');
    const examples = examplesIn(guide);
    const mark = '-- next example --';
    let outputs: string[];
    before(() => {
      const program = examples.map(({ code }) => code).join(`\nconsole.log(${JSON.stringify(mark)});\n`);
      outputs = printed(program).split(`${mark}\n`);
    });

    it('has examples, each with its output', () => {
      expect(examples).to.have.length(guide.match(/```js/g)!.length).and.length.above(8);
    });

    examples.forEach(({ output }, i) => {
      it(`example ${i + 1} prints what it says`, () => {
        expect(outputs[i]).to.equal(output);
      });
    });

    it("exports a model that Python's onnxruntime runs as it says", function () {
      const python = process.env.CLIPSCOPE_PYTHON;
      if (!python) this.skip();
      const [, code] = /```python\n(.*?)```/s.exec(guide)!;
      expect(execFileSync(python, ['-c', code!], { cwd: folder, encoding: 'utf8' })).to.equal('(2, 65, 128)\n');
    });

    it('links to files that are there', () => {
      expect(deadLinks(guide, 'docs')).to.deep.equal([]);
    });
  });
});
