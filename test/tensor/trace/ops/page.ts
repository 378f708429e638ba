/** The page that says what compiles, written from the table that is tested. */
import { getKernelsForBackend } from '@tensorflow/tfjs-core';
import { kernels } from '../../../../src/tensor/trace/kernels/index.js';
import { sections } from './index.js';
import type { Row, Section } from './row.js';

const introduction = `# What \`compile\` knows

Generated from the table in \`test/tensor/trace/ops\` by \`npx tsx test/tensor/trace/ops/writePage.ts\`. Each case of an
operation is done eagerly on TensorFlow.js' cpu backend and compiled, and the results are compared; gradients are
compared with the eager ones and with finite differences.

\`import { tf } from 'clipscope'\` has TensorFlow.js' operations under these names; the usual ones are exported singly, too.
[compile.md](compile.md) is the guide.

- *Types*: of the first input, as tested.
- *Batch*: one graph serves every size of the first axis. Where it does not, give the batch as a number.
- *Gradient*: through the operation, compiled (\`enableGradients()\` first). Operations without a mark have none in
  TensorFlow.js, or none of use.

What depends on constants alone is computed while a function is compiled, whatever the operation. Numbers that a
function takes from the batch size, such as \`x.shape[0]\`, are computed where the graph runs as long as they are whole
and follow it linearly; a constant \`1 / x.shape[0]\` does not, a division by \`x.shape[0]\` does.
`;

const lineOf = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

function lines(op: string, rows: readonly Row[]): string {
  const types = new Set(rows.map(({ inputs }) => inputs[0]!.dtype));
  const isFree = rows.some(({ inputs }) => inputs.some(({ shape }) => shape.includes('batch')));
  const limits = new Set(rows.flatMap(({ limits }) => limits ?? []));
  const gradient = rows.some(row => row.gradient) ? 'yes' : '';
  return lineOf([`\`${op}\``, [...types].join(', '), isFree ? 'free' : 'fixed', gradient, [...limits].join('; ')]);
}

function tableOf({ title, rows }: Section): string {
  const byName = new Map<string, Row[]>();
  for (const row of rows) byName.set(row.op, [...(byName.get(row.op) ?? []), row]);
  const head = [lineOf(['Operation', 'Types', 'Batch', 'Gradient', 'Limits']), lineOf(Array(5).fill('---'))];
  return [`## ${title}`, '', ...head, ...[...byName].map(([op, cases]) => lines(op, cases))].join('\n');
}

/** They take no tensor and so depend on constants alone. */
const alwaysComputed = ['LinSpace'];

/** Kernels of the cpu backend that have no graph form. */
export const refusedKernels = (): string[] =>
  getKernelsForBackend('cpu')
    .map(({ kernelName }) => kernelName)
    .filter(name => !(name in kernels) && !alwaysComputed.includes(name))
    .sort();

function refusals(): string {
  return `## What is refused

While a function is recorded, by name, with the reason:

- reading a value (\`dataSync\`, \`print\`, a branch on a value), unless it is made of constants;
- randomness and dropout: make the noise an input;
- strings and complex numbers, and arithmetic of booleans without a cast;
- these kernels of TensorFlow.js, of which many have results whose size depends on values:
  ${refusedKernels()
    .map(name => `\`${name}\``)
    .join(', ')}.
`;
}

/** The page. The cpu backend must have been loaded. */
export const page = (): string =>
  [introduction, ...sections.map(tableOf), refusals()].join('\n\n').replace(/\n{3,}/g, '\n\n');
