/** TypeScript over attentions, in Node, as it runs in the lab's worker. */
import { ts } from '@ts-morph/common';
import { expect } from 'chai';
import { typesBelow } from '../../../src/lab/build/editorTypes.js';
import { firstAttention } from '../../../src/lab/page/editor/firstAttention.js';
import { type Language, openLanguage } from '../../../src/lab/page/editor/language.js';
import { originalPosition } from '../../../src/lab/page/sandbox/sourceMap.js';

const root = new URL('../../..', import.meta.url).pathname;

/** Code and where in it the mark `|` was. */
function marked(text: string): [code: string, position: number] {
  const position = text.indexOf('|');
  return [text.slice(0, position) + text.slice(position + 1), position];
}

describe('the language of the editor', function () {
  this.timeout(60_000);
  let language: Language;
  let types: Record<string, string>;
  before(() => {
    types = typesBelow(root);
    language = openLanguage(ts, types);
  });

  /** The only problem, with the text that it marks. */
  const problem = (code: string) => {
    const { problems, runnable } = language.check(code);
    expect(problems.map(({ message }) => message)).to.have.length(1);
    expect(runnable).to.equal(undefined);
    const [{ from, to, message }] = problems as [(typeof problems)[0]];
    return { message, marks: code.slice(from, to), line: code.slice(0, from).split('\n').length };
  };
  const body = (text: string) =>
    `import { type Attention, add, mix, scores, softmax } from 'clipscope';\nexport default (({ q, k, v, scale, point }) => {\n${text}\n}) satisfies Attention;\n`;

  it('knows every name of the library, none as any', () => {
    const names = [...types['/src/lab/page/sandbox/library.d.ts']!.matchAll(/export (type )?\{([^}]*)\}/g)].flatMap(
      ([, isType, list]) =>
        list!
          .split(',')
          .map(name => name.trim())
          .filter(name => name && !isType && !name.startsWith('type ')),
    );
    expect(names).to.include.members(['scores', 'mix', 'matMul', 'zeros']);
    for (const name of names) {
      const [code, position] = marked(`import { ${name} } from 'clipscope'; ${name}|`);
      const { type } = language.describe(code, position)!;
      expect(type, name).to.match(/^(\(alias\)|import)/);
      expect(type, name).to.not.match(/: any$/m);
    }
  });

  it('takes the example, and strips its types', () => {
    const { problems, runnable } = language.check(firstAttention);
    expect(problems).to.deep.equal([]);
    expect(runnable!.js)
      .to.match(/^"use strict";/)
      .and.not.match(/: Attention|sourceMappingURL/);
    expect(runnable!.js).to.match(/require\("clipscope"\)/);
  });

  it('tells the place in the text of a place in the JavaScript', () => {
    const code = body(
      '  const weights = softmax(scores(q, k, scale));\n  interface Unused { a: number }\n  return mix(weights, v);',
    );
    const { js, mappings } = language.check(code).runnable!;
    const lines = js.split('\n');
    const line = lines.findIndex(text => text.includes('return')) + 1;
    expect(originalPosition(mappings, { line, column: lines[line - 1]!.indexOf('return') + 1 })).to.deep.equal({
      line: 5,
      column: 3,
    });
    expect(originalPosition(mappings, { line: 999, column: 1 })).to.equal(undefined);
  });

  it('marks errors where they are', () => {
    expect(problem(body('  return mixx(q, v);'))).to.include({ marks: 'mixx', line: 3 });
    expect(problem(body('  return mix(q, v'))).to.include({ line: 4 });
    expect(problem(body("  return mix(softmax(scores(q, 'k', scale)), v);"))).to.include({ marks: "'k'", line: 3 });
    expect(problem(body('  return q.dataSync();')).message).to.match(/'dataSync' does not exist/);
    expect(
      problem("import { readFileSync } from 'node:fs';\nexport default () => readFileSync('x');").message,
    ).to.match(/Cannot find name 'node:fs'/);
    expect(problem(body("  fetch('http://127.0.0.1');\n  return q;")).message).to.match(/Cannot find name 'fetch'/);
    expect(problem(body('  document.title;\n  return q;'))).to.include({ marks: 'document' });
  });

  it('wants an attention of the whole', () => {
    expect(problem('export const attention = 1;').message).to.match(/no default export/);
    expect(problem('').message).to.match(/module/);
    const wrong = problem('const two = 2;\nexport default () => two;\n');
    expect(wrong.message).to.match(/not assignable to type 'Attention'/);
    expect(wrong).to.include({ marks: 'export default () => two;', line: 2 });
  });

  it('completes names of the library and fields of the input', () => {
    const at = (text: string) => {
      const { from, options } = language.complete(...marked(text))!;
      return { from, labels: options.map(({ label }) => label) };
    };
    expect(at(body('  return sco|').replace(/\n\}\).*/s, '')).labels).to.include.members(['scores', 'softmax', 'q']);
    const dotted = at(body('  return q.sh|;'));
    expect(dotted.labels).to.include('shape').and.not.include('dataSync');
    expect(dotted.from).to.equal(body('  return q.').indexOf('q.\n') + 2);
  });

  it('describes names by the library’s own comments', () => {
    const { type, text } = language.describe(...marked(body('  return mix(softmax(sco|res(q, k, scale)), v);')))!;
    expect(type).to.match(/scores\(a: Heads, b: Heads, scale: number/);
    expect(text).to.match(/how much each token/);
  });
});
