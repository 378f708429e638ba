/** Every operation of the table, eagerly on the cpu backend and compiled; and the page that is written from it. */
import { readFileSync } from 'node:fs';
import { engine, Tensor } from '@tensorflow/tfjs-core';
import { expect } from 'chai';
import { type CompileOptions, compile, type InputSpec } from '../../../src/tensor/compile.js';
import { startEngine } from '../../../src/tensor/engine.js';
import { enableGradients } from '../../../src/tensor/gradients.js';
import { add, mul, square, sum, tensor, tidy } from '../../../src/tensor/tfjs.js';
import { kernels } from '../../../src/tensor/trace/kernels/index.js';
import type { Kernel } from '../../../src/tensor/trace/kernels/kernel.js';
import { withoutLeak } from '../../engine.js';
import { expectClose } from '../../goldens.js';
import { sections } from './ops/index.js';
import { page } from './ops/page.js';
import { at, type Row } from './ops/row.js';

const options: CompileOptions = { threads: 1 };

type Made = Tensor | readonly Tensor[];
type Given = ReturnType<typeof at>;

const runOf = (row: Row) => row.run as (...inputs: Tensor[]) => Made;
const asList = (made: Made): readonly Tensor[] => (made instanceof Tensor ? [made] : made);
const isReal = ({ dtype }: { dtype: string }) => dtype === 'float32';

const values = (row: Row, inputs: Tensor[]) => asList(runOf(row)(...inputs));

/** The sum of `y^2/2 + y^3/3` over all results `y`: its slopes `y + y^2` are no constant, of unit vectors neither. */
function loss(row: Row, inputs: Tensor[]): Tensor {
  const terms = values(row, inputs)
    .filter(isReal)
    .map(y => sum(mul(square(y), add(mul(y, 1 / 3), 0.5))));
  return terms.reduce((total, term) => add(total, term));
}

/** The gradients of the loss with respect to all real inputs. */
const gradients = (row: Row, inputs: Tensor[]): Tensor[] =>
  engine().gradients(() => loss(row, inputs) as never, inputs.filter(isReal)).grads;

/** The same by finite differences, in double precision but for the operation itself. */
function differences(row: Row, inputs: readonly Given[], which: number): number[] {
  const step = 1e-2;
  const lossAt = (place: number, by: number): number =>
    tidy(() => {
      const moved = inputs.map(({ data, shape, dtype }, i) => {
        const elements = data.slice();
        if (i === which) elements[place]! += by;
        return tensor(elements, shape, dtype);
      });
      const made = values(row, moved).filter(isReal);
      return made.reduce((all, x) => x.dataSync<'float32'>().reduce((sum, y) => sum + y * y * (0.5 + y / 3), all), 0);
    });
  return Array.from(inputs[which]!.data, (_, place) => (lossAt(place, step) - lossAt(place, -step)) / (2 * step));
}

/** The sizes of the batch that a row is run at: two when it is free. */
const batchesOf = ({ inputs }: Row): number[] => (inputs.some(({ shape }) => shape.includes('batch')) ? [2, 3] : [1]);

const titleOf = ({ op, note, inputs }: Row) =>
  `${op}${note ? `: ${note}` : ''} (${inputs.map(({ dtype, shape }) => `${dtype} [${shape}]`).join(', ')})`;

/** Runs something of a row compiled, and hands its results to be checked, with the inputs they came of. */
async function compiled(
  row: Row,
  outcome: (row: Row, inputs: Tensor[]) => readonly Tensor[],
  check: (actual: readonly { data: Float32Array; shape: number[]; dtype: string }[], given: Given[]) => void,
): Promise<void> {
  const specs = row.inputs.map(({ shape, dtype }): InputSpec => ({ shape, dtype }));
  const fast = await compile(((...inputs: Tensor[]) => outcome(row, inputs)) as never, specs, options);
  for (const batch of batchesOf(row)) {
    const given = row.inputs.map(input => at(batch, input));
    check((await fast(...given)) as never, given);
  }
  await fast.dispose();
}

/** What sums of products may differ by goes with the largest of them. */
function toleranceOf({ near0 = false }: Row, expected: Tensor) {
  const finite = Array.from(expected.dataSync<'float32'>()).filter(Number.isFinite);
  const largest = finite.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  return { maxAbs: near0 ? 0 : 2e-6 * largest, relative: 1e-5 };
}

/** Compares with what is done eagerly. */
function expectEager(row: Row, outcome: typeof values): Parameters<typeof compiled>[2] {
  return (actual, given) =>
    tidy(() => {
      const inputs = given.map(({ data, shape, dtype }) => tensor(data, shape, dtype));
      const expected = outcome(row, inputs);
      expect(actual.length).to.equal(expected.length);
      expected.forEach((x, i) => {
        const { data, shape, dtype } = actual[i]!;
        expect([dtype, ...shape]).to.deep.equal([x.dtype, ...x.shape]);
        expectClose(data, x.dataSync(), toleranceOf(row, x), { name: `result ${i}`, shape });
      });
    });
}

describe('operations, compiled', () => {
  const used = new Set<string>();
  const originals = { ...kernels };
  const table = kernels as Record<string, Kernel>;
  before(() => startEngine('cpu'));
  before(() => {
    enableGradients();
    for (const [name, kernel] of Object.entries(originals)) {
      table[name] = (...given) => {
        used.add(name);
        return kernel(...given);
      };
    }
  });
  after(() => {
    Object.assign(table, originals);
  });

  for (const { title, rows } of sections) {
    describe(title, () => {
      for (const row of rows) {
        it(titleOf(row), () => withoutLeak(() => compiled(row, values, expectEager(row, values))));
        if (!row.gradient) continue;
        it(`${titleOf(row)}: gradients`, () =>
          withoutLeak(() =>
            compiled(row, gradients, (actual, given) => {
              if (row.gradient !== 'numeric') expectEager(row, gradients)(actual, given);
              if (row.gradient === 'eager') return;
              const real = given.flatMap((input, i) => (isReal(input) ? [i] : []));
              real.forEach((input, i) => {
                const { data, shape } = actual[i]!;
                const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
                const allowed = { maxAbs: 1e-4 + 1e-2 * largest };
                expectClose(data, differences(row, given, input), allowed, {
                  name: `against differences, ${i}`,
                  shape,
                });
              });
            }),
          ));
      }
    });
  }

  // In a group of its own, because a test that stands beside groups runs before them.
  describe('all together', () => {
    it('are all the kernels that are known', () => {
      expect(Object.keys(kernels).filter(name => !used.has(name))).to.deep.equal([]);
    });

    it('are on the page', () => {
      const written = readFileSync(new URL('../../../docs/ops.md', import.meta.url), 'utf8');
      expect(written, 'run npx tsx test/tensor/trace/ops/writePage.ts').to.equal(page());
    });
  });
});
