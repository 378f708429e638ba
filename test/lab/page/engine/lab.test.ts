/** The lab's engine in Node, against the library's own calls. */
import { expect } from 'chai';
import type { AttentionInput } from '../../../../src/attention/attention.js';
import { attentionByName } from '../../../../src/attention/index.js';
import { loadClip } from '../../../../src/checkpoint/loadClip.js';
import { InputError } from '../../../../src/errors.js';
import { readPicture } from '../../../../src/image/decode.js';
import type { Picture } from '../../../../src/image/picture.js';
import type { Ask } from '../../../../src/lab/page/engine/asking.js';
import { type Dial, eagerDial, graphDial } from '../../../../src/lab/page/engine/dial.js';
import { type Lab, openLab } from '../../../../src/lab/page/engine/lab.js';
import type { PanelState } from '../../../../src/lab/page/state.js';
import { photoPlanes, protocolForModel } from '../../../../src/segment/input.js';
import { type Method, methodByName } from '../../../../src/segment/methods.js';
import { protocols } from '../../../../src/segment/protocols.js';
import { segment } from '../../../../src/segment/segmenter.js';
import type { Values } from '../../../../src/tensor/compile.js';
import { startEngine } from '../../../../src/tensor/engine.js';
import { type Heads, memory, type Tokens, tensor4d, tidy } from '../../../../src/tensor/tfjs.js';
import { toTensor } from '../../../../src/tensor/values.js';
import { expectClose } from '../../../goldens.js';

const names = 'brick; blue; pink,rose; yellow';
const exact: Picture = await readPicture('examples/scene-2.png');

const withLab = async (dial: Dial, work: (lab: Lab) => Promise<void>): Promise<void> => {
  const lab = await openLab(await loadClip('weights/scenes', { weights: 'file' }), dial);
  try {
    await work(lab);
  } finally {
    await lab.dispose();
  }
};

/** What the library says of a panel. */
async function expected(panel: Method): Promise<Uint8Array | Uint16Array> {
  const clip = await loadClip('weights/scenes');
  const classes = names.split('; ');
  const { labels } = await segment(clip, exact, classes, panel, { base: protocols.sclip });
  clip.dispose();
  return labels;
}

const differing = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).filter((label, i) => label !== b[i]).length;

const refusal = async (attempt: () => unknown): Promise<string> => {
  try {
    await attempt();
  } catch (error) {
    expect(error).to.be.instanceOf(InputError);
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
};

describe('the lab', function () {
  this.timeout(60_000);
  before(() => startEngine('wasm'));

  const changed = (method: string, variant: Method['variant']): Method => {
    const known = methodByName(method);
    return { ...known, variant: { ...known.variant, ...variant } };
  };
  const panels: [PanelState, Method][] = [
    [{ method: 'clip' }, methodByName('clip')],
    [{ method: 'clearclip' }, methodByName('clearclip')],
    [{ method: 'naclip' }, methodByName('naclip')],
    [{ method: 'gem' }, methodByName('gem')],
    [{ method: 'scclip' }, methodByName('scclip')],
    [{ method: 'sclip', residual: 0.4 }, changed('sclip', { residual: 0.4 })],
    [{ method: 'sclip', residual: false, ffn: false }, changed('sclip', { residual: false, ffn: false })],
    [
      { method: 'clearclip', attention: 'vv', residual: 2, ffn: true },
      changed('clearclip', { attention: attentionByName('vv'), residual: 2, ffn: true }),
    ],
  ];

  it('makes the maps that the library makes, of methods as they are and changed', async () => {
    await withLab(graphDial(), async lab => {
      lab.look(exact);
      await lab.name(names);
      for (const [panel, method] of panels) {
        const { labels, shares, width, height } = await lab.segment('a', panel);
        expect([width, height]).to.deep.equal([exact.width, exact.height]);
        expect(differing(labels, await expected(method)), JSON.stringify(panel)).to.be.below(labels.length / 1000);
        expect(shares.reduce((a, b) => a + b)).to.be.closeTo(1, 1e-9);
      }
    });
  });

  it('turns the factor without another graph, and back', async () => {
    const dial = graphDial();
    let made = 0;
    const { prepare } = dial.runner;
    const counting: Dial['runner'] = {
      ...dial.runner,
      prepare: (fn, signature) =>
        prepare((...inputs) => {
          made++;
          return fn(...inputs);
        }, signature),
    };
    await withLab({ ...dial, runner: counting }, async lab => {
      lab.look(exact);
      await lab.name(names);
      const whole = await lab.segment('a', { method: 'sclip' });
      const recorded = made;
      const half = await lab.segment('a', { method: 'sclip', residual: 0.5 });
      const again = await lab.segment('a', { method: 'sclip', residual: 1 });
      expect(made).to.equal(recorded);
      expect(differing(whole.labels, half.labels)).to.be.above(100);
      expect(again.labels).to.deep.equal(whole.labels);
      // Another variant runs its own last block and no more: one function, recorded at two batch sizes.
      await lab.segment('b', { method: 'clip' });
      expect(made).to.equal(recorded + 2);
    });
  });

  it('computes eagerly where there are no graphs, the same', async () => {
    await withLab(await eagerDial('wasm'), async lab => {
      lab.look(exact);
      await lab.name(names);
      for (const [panel, method] of panels.slice(4, 6)) {
        const { labels } = await lab.segment('a', panel);
        expect(differing(labels, await expected(method))).to.be.below(labels.length / 1000);
      }
    });
  });

  for (const engine of ['graphs', 'eager'] as const) {
    it(`has the user's attention computed elsewhere, on values, between the parts of the block (${engine})`, async () => {
      const given: number[][] = [];
      const csa = attentionByName('csa');
      const elsewhere: Ask = async ({ q, k, v, input, scale, grid }) => {
        given.push([...q.shape], [...input.shape], [grid.rows, grid.columns]);
        const z = tidy(() =>
          csa({ ...heads({ q, k, v }), input: toTensor(input) as Tokens, scale, grid, point: (_, value) => value }),
        );
        const data = (await z.data()) as Float32Array;
        z.dispose();
        return { data, shape: z.shape };
      };
      await withLab(engine === 'graphs' ? graphDial() : await eagerDial('wasm'), async lab => {
        lab.look(exact);
        await lab.name(names);
        const mine: PanelState = { method: 'sclip', attention: 'mine', residual: 0.4 };
        expect(await refusal(() => lab.segment('a', mine))).to.contain('run the one in the editor first');
        const { labels } = await lab.segment('a', mine, undefined, elsewhere);
        expect(given).to.deep.equal([
          [9, 4, 65, 32],
          [9, 65, 128],
          [8, 8],
        ]);
        const builtIn = await lab.segment('b', { method: 'sclip', residual: 0.4 });
        expect(differing(labels, builtIn.labels)).to.be.below(labels.length / 1000);
        const failing: Ask = async () => {
          throw new InputError('code: no');
        };
        expect(await refusal(() => lab.segment('a', mine, undefined, failing))).to.equal('code: no');
      });
    });
  }

  it('shows where a patch looks in every block and head, and how long it is', async () => {
    await withLab(graphDial(), async lab => {
      const { rows, columns } = lab.look(exact);
      expect([rows, columns]).to.deep.equal([16, 16]);
      await lab.name(names);
      await lab.segment('a', { method: 'clearclip' });
      const sight = await lab.cell({ row: 5, column: 9 }, ['a', 'none']);
      // Of nine windows 48 pixels apart, the one around (66, 114) has its middle at (48 or 96, 96 or 144).
      expect(sight.window).to.deep.equal({ y1: 0, x1: 48, y2: 96, x2: 144 });
      expect(sight.patch).to.deep.equal({ row: 5, column: 5 });

      const clip = await loadClip('weights/scenes');
      const protocol = protocolForModel(protocols.sclip, clip.config.image!, clip.settings.protocol);
      const { values } = photoPlanes(exact, protocol, clip.preprocessor);
      const pixels = Float32Array.from({ length: 3 * 96 * 96 }, (_, i) => {
        const [channel, y, x] = [Math.floor(i / 9216), Math.floor(i / 96) % 96, i % 96];
        return values[(channel * 192 + y) * 192 + 48 + x]!;
      });
      const { seen } = clip.image(tensor4d(pixels, [1, 3, 96, 96]), {
        see: ['blocks.*.attn.pattern', 'blocks.*.attn_out', 'blocks.*.resid_pre'],
        positions: protocol.positions,
      });
      for (const [layer, head] of [
        [0, 0],
        [2, 3],
        [4, 1],
      ] as const) {
        const pattern = await seen[`image.blocks.${layer}.attn.pattern`]!.array();
        const row = (pattern as number[][][][])[0]![head]![1 + 5 * 8 + 5]!;
        const at = layer * 4 + head;
        const shown = [sight.toClass[at]!, ...sight.attention.subarray(at * 64, (at + 1) * 64)];
        expectClose(Float32Array.from(shown), Float32Array.from(row), { maxAbs: 1e-5 }, { shape: [1, 65] });
      }
      const out = (await seen['image.blocks.4.attn_out']!.array()) as number[][][];
      const lines = sight.norms.find(({ point }) => point === 'attn_out')!;
      const lengths = out[0]!.map(token => Math.hypot(...token));
      expect(lines.patch[4]!).to.be.closeTo(lengths[46]!, 1e-3);
      expect(lines.classToken[4]!).to.be.closeTo(lengths[0]!, 1e-3);
      expect(lines.mean[4]!).to.be.closeTo(lengths.slice(1).reduce((a, b) => a + b) / 64, 1e-3);
      clip.dispose();
    });
  });

  it('gives the cosines of a cell and of a class everywhere as the map has them', async () => {
    await withLab(graphDial(), async lab => {
      lab.look(exact);
      await lab.name(names);
      await lab.segment('a', { method: 'clearclip' });
      const clip = await loadClip('weights/scenes');
      const { logits } = await segment(clip, exact, names.split('; '), undefined, { base: protocols.sclip });
      clip.dispose();
      const planes = logits();
      const plane = (query: number) => planes.subarray(query * 96 * 96, (query + 1) * 96 * 96);
      const pink = plane(2).map((value, i) => Math.max(value, plane(3)[i]!));
      const heat = lab.heat('a', 2);
      expectClose(heat.values, pink, { maxAbs: 1e-4 }, { shape: [96, 96] });
      const { cosines } = await lab.cell({ row: 5, column: 9 }, ['a']);
      // Cells are 12 pixels of 192; the picture has 96.
      const at = 33 * 96 + 57;
      const there = [plane(0)[at]!, plane(1)[at]!, pink[at]!, plane(4)[at]!];
      expectClose(Float32Array.from(cosines.a!), Float32Array.from(there), { maxAbs: 1e-4 });
      expect(await refusal(() => lab.heat('a', 4))).to.equal('lab: there is no class 4');
      expect(await refusal(() => lab.heat('b', 0))).to.equal("lab: panel 'b' has no map yet");
    });
  });

  it('keeps no tensors, over 50 turns, new names and pictures', async () => {
    await withLab(graphDial(), async lab => {
      const other = await readPicture('examples/scene-1.png');
      const turn = async (i: number) => {
        lab.look(i % 2 ? exact : other);
        await lab.name(names);
        await lab.segment('a', { method: 'sclip', residual: i / 25 });
        await lab.cell({ row: i % 16, column: 3 }, ['a']);
      };
      await turn(0);
      const before = memory().numTensors;
      for (let i = 1; i <= 50; i++) await turn(i);
      expect(memory().numTensors).to.equal(before);
    });
  });

  it('refuses what comes too early or lies outside, in one line', async () => {
    await withLab(graphDial(), async lab => {
      expect(await refusal(() => lab.segment('a', { method: 'clip' }))).to.equal('lab: expected a picture first');
      lab.look(exact);
      expect(await refusal(() => lab.segment('a', { method: 'clip' }))).to.equal('lab: expected class names first');
      expect(await refusal(() => lab.name('cat;;dog'))).to.contain('class 2: a name is empty');
      expect(await refusal(() => lab.name(`${'very '.repeat(80)}long`))).to.contain('at most 32 tokens');
      await lab.name(names);
      expect(await refusal(() => lab.segment('a', { method: 'clop' }))).to.contain('did you mean clip');
      expect(await refusal(() => lab.cell({ row: 16, column: 0 }, []))).to.equal(
        'lab: expected a cell of 16 x 16, got 16, 0',
      );
    });
  });
});

const heads = ({ q, k, v }: Record<'q' | 'k' | 'v', Values>): Pick<AttentionInput, 'q' | 'k' | 'v'> => ({
  q: toTensor(q) as Heads,
  k: toTensor(k) as Heads,
  v: toTensor(v) as Heads,
});
