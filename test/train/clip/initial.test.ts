import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import type { ClipConfig } from '../../../src/model/config.js';
import { type Tensor, tidy } from '../../../src/tensor/tfjs.js';
import { leavesOf } from '../../../src/tensor/trace/structure.js';
import { initialWeights } from '../../../src/train/clip/initial.js';
import { sinePositions } from '../../../src/train/clip/sinePositions.js';
import { useEngine } from '../../engine.js';
import { expectClose } from '../../goldens.js';

const common = { activation: 'quick_gelu', layerNormEpsilon: 1e-5 } as const;
const config = {
  embedding: 48,
  image: { ...common, width: 64, layers: 3, heads: 2, mlpWidth: 256, patch: 8, imageSize: 64 },
  text: {
    ...common,
    width: 32,
    layers: 2,
    heads: 2,
    mlpWidth: 128,
    context: 30,
    vocabulary: 90,
    pooling: 'largest-id',
  },
} as const satisfies ClipConfig;

const valuesOf = (tensor: Tensor): Float32Array => tensor.dataSync<'float32'>();
const deviationOf = (values: Float32Array): number =>
  Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);

/** Weights as `[path, tensor]`. */
const drawn = (options: Parameters<typeof initialWeights>[1]): [string, Tensor][] =>
  leavesOf(initialWeights(config, options)).map(({ path, tensor }) => [path.join('.'), tensor]);

/** The deviation that OpenAI's rules give a tensor, by its path; 0 for a bias, undefined for a normalisation's gain. */
function expectedDeviation(path: string): number | undefined {
  const width = path.startsWith('image') ? 64 : 32;
  const layers = path.startsWith('image') ? 3 : 2;
  if (path.endsWith('bias')) return 0;
  if (/\.ln\w+\.weight$/.test(path)) return undefined;
  if (path === 'image.patch') return 1 / Math.sqrt(3 * 192);
  if (path === 'text.table') return 0.02;
  if (path === 'text.positions') return 0.01;
  if (/\.(out|fc2)\.weight$/.test(path)) return 1 / Math.sqrt(2 * layers * width);
  if (/\.fc1\.weight$/.test(path)) return 1 / Math.sqrt(2 * width);
  return 1 / Math.sqrt(width);
}

describe('initialWeights', () => {
  before(useEngine);

  it('draws every weight with the deviation of the rules, and no two alike', () =>
    tidy(() => {
      const seen = new Set<number>();
      for (const [path, tensor] of drawn({ seed: 1 })) {
        const values = valuesOf(tensor);
        const deviation = expectedDeviation(path);
        if (path === 'logitScale') {
          expect(values[0]).to.be.closeTo(Math.log(1 / 0.07), 1e-6);
        } else if (deviation === undefined) {
          expectClose(values, new Float32Array(values.length).fill(1), { maxAbs: 0 }, { name: path });
        } else if (deviation === 0) {
          expectClose(values, new Float32Array(values.length), { maxAbs: 0 }, { name: path });
        } else {
          // Five times the deviation of a sample's deviation.
          const spread = 5 / Math.sqrt(2 * values.length);
          expect(deviationOf(values) / deviation, path).to.be.within(1 - spread, 1 + spread);
          expect(seen.has(values[0]!), path).to.equal(false);
          seen.add(values[0]!);
        }
      }
      expect(seen.size).to.equal(5 + 3 * 6 + 3 + 2 * 6 - 1);
    }));

  it('gives the same for the same seed, the same as ever', () =>
    tidy(() => {
      const hashOf = (seed: number) => {
        const hash = createHash('sha256');
        for (const [path, tensor] of drawn({ seed })) hash.update(path).update(valuesOf(tensor));
        return hash.digest('hex').slice(0, 16);
      };
      expect(hashOf(1)).to.equal('c7c8a4c04d9d17b9');
      expect(hashOf(2)).to.not.equal(hashOf(1));
    }));

  it('puts sines for positions alone, as large as patches of pixels of deviation 1 become', () =>
    tidy(() => {
      const random = new Map(drawn({ seed: 1 }));
      const sine = new Map(drawn({ seed: 1, positions: 'sine' }));
      const changed = [...random].filter(([path, tensor]) => deviationOf(difference(tensor, sine.get(path)!)) > 0);
      expect(changed.map(([path]) => path).filter(path => path === 'image.positions')).to.have.length(1);
      const patches = deviationOf(valuesOf(sine.get('image.patch')!)) * Math.sqrt(192);
      const positions = valuesOf(sine.get('image.positions')!).subarray(64);
      expect(deviationOf(positions) / patches).to.be.within(0.97, 1.03);
    }));

  it('refuses a config without both towers', () => {
    const { image, text, embedding } = config;
    expect(() => initialWeights({ image, embedding }, { seed: 1 })).to.throw(InputError, /image and a text tower/);
    expect(() => initialWeights({ text, embedding }, { seed: 1 })).to.throw(InputError, /image and a text tower/);
  });
});

const difference = (a: Tensor, b: Tensor): Float32Array => {
  const [x, y] = [valuesOf(a), valuesOf(b)];
  return x.map((value, i) => value - y[i]!);
};

describe('sinePositions', () => {
  before(useEngine);

  const [side, width] = [6, 32];
  const rows = () =>
    tidy(() => {
      const values = valuesOf(sinePositions(side, width, 0.5)).slice();
      return Array.from({ length: 1 + side * side }, (_, i) => values.subarray(i * width, (i + 1) * width));
    });

  it('leaves the class token alone and gives all patches rows of the same size', () => {
    const [first, ...patches] = rows();
    expect(deviationOf(first!)).to.equal(0);
    for (const row of patches) expect(deviationOf(row)).to.be.closeTo(0.5, 1e-6);
  });

  it('makes the product of two rows a matter of how far apart their patches are', () => {
    const [, ...patches] = rows();
    const at = (row: number, column: number) => patches[row * side + column]!;
    const product = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
    const nearby = product(at(0, 0), at(1, 2));
    for (const [row, column] of [
      [1, 1],
      [4, 3],
      [0, 3],
    ] as const) {
      expect(product(at(row, column), at(row + 1, column + 2))).to.be.closeTo(nearby, 1e-5);
    }
    expect(product(at(2, 2), at(2, 2))).to.be.greaterThan(nearby + 0.5);
    // Rows and columns are told apart.
    expect(product(at(0, 0), at(3, 1))).to.not.be.closeTo(product(at(0, 0), at(3, 2)), 1e-2);
    expect(deviationOf(at(0, 2).map((x, i) => x - at(2, 0)[i]!))).to.be.greaterThan(0.1);
  });

  it('refuses a width that does not part in four', () => {
    expect(() => sinePositions(4, 30, 1)).to.throw(InputError, /multiple of 4, got 30/);
  });
});
