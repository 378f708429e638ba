import { expect } from 'chai';
import { block } from '../../../src/model/block.js';
import { openPoints } from '../../../src/model/points.js';
import { prefixFrom } from '../../../src/model/prefix.js';
import { guideOf } from '../../../src/segment/guide.js';
import { scClip } from '../../../src/segment/methods.js';
import { localOutlierFactors, outliersOf, quantile, repairMatrix } from '../../../src/segment/scclip/outliers.js';
import { scClipSteps, similarityAttention } from '../../../src/segment/scclip/scclip.js';
import { type ScClipSettings, scClipBlocks } from '../../../src/segment/scclip/settings.js';
import { engineRunner, openRunner, type Runner } from '../../../src/tensor/runner.js';
import {
  add,
  div,
  matMul,
  sub,
  sum,
  type Tensor,
  type Tensor3D,
  tensor,
  tidy,
  transpose,
} from '../../../src/tensor/tfjs.js';
import { useEngine, withoutLeak } from '../../engine.js';
import { expectClose } from '../../goldens.js';
import { golden, integers, runGuide, towers, valuesOfGolden } from '../guided.js';

const tolerance = { maxAbs: 5e-4 };
const noTexts = { data: new Float32Array(64), shape: [64, 1] };

/** What a golden's name says of its settings. */
function settingsOf(name: string): Partial<ScClipSettings> {
  const beta = /beta([\d.]+\d)/.exec(name)?.[1];
  const own = /nn(\d+)\.pre(\d)\.post(\d)\.multi(\d)-(\d)/.exec(name)?.slice(1).map(Number);
  const [neighbours, similarity, aggregation, start, end] = own ?? [];
  return {
    ...(beta && { beta: Number(beta) }),
    ...(own && {
      neighbours: neighbours!,
      blocks: { similarity: similarity!, aggregation: aggregation!, sum: { start: start!, end: end! } },
    }),
  };
}

describe('SC-CLIP against the published code', () => {
  let all: ReturnType<typeof towers>;
  const runners: Record<string, Runner> = {};
  before(useEngine);
  before(async () => {
    all = towers();
    runners.engine = engineRunner;
    runners.ort = await openRunner('ort', { threads: 1 });
  });
  after(async () => {
    await runners.ort!.dispose();
    all.release();
  });

  const names = Object.keys(golden).filter(
    name => name.startsWith('scclip/') && !/\.step\d|as_published_wrong_positions/.test(name),
  );

  it('all cases are there', () => {
    expect(names).to.have.length(12);
  });

  for (const name of names) {
    const [, tower, input] = /^scclip\/(\w+)\.(\w+)\./.exec(name)! as unknown as [string, 'deep7' | 'deep12', string];
    const pixels = () => valuesOfGolden(`pixels/${input}${input.startsWith('big') ? '.scclip' : ''}`);
    const open = () => {
      const { variant, protocol } = scClip(settingsOf(name));
      return guideOf(variant)!(all[tower], variant, protocol);
    };

    for (const kind of ['engine', 'ort']) {
      it(`${name}, ${kind}`, () =>
        withoutLeak(async () => {
          const { patches } = await runGuide(all[tower], open(), runners[kind]!, pixels(), noTexts);
          expect(patches.shape).to.deep.equal(golden[name]!.shape);
          expectClose(patches.data, golden[name]!.data as Float32Array, tolerance, { shape: patches.shape });
        }));
    }

    if (!golden[`${name}.step1_lof_scores`]) continue;
    it(`${name}: step by step`, () =>
      withoutLeak(async () => {
        const clip = all[tower];
        const guide = open();
        const run = await runGuide(clip, guide, engineRunner, pixels(), noTexts);
        const { rows, columns } = { rows: pixels().shape[2]! / 16, columns: pixels().shape[3]! / 16 };
        const n = rows * columns;
        const values = (which: string) => golden[`${name}.${which}`]!.data as Float32Array;
        const expectStep = (actual: Tensor, which: string) =>
          expectClose(actual.dataSync(), values(which), tolerance, { name: which, shape: actual.shape });

        const { neighbours, contamination, beta, ...own } = scClip(settingsOf(name)).protocol.scclip!;
        const factors = localOutlierFactors(run.look.data as Float32Array, n, neighbours);
        expectClose(factors, values('step1_lof_scores'), tolerance, { name: 'LOF' });
        expectClose([quantile(factors, 1 - contamination)], values('step1_lof_threshold'), tolerance);
        const outliers = outliersOf(factors, contamination);
        expect(outliers).to.deep.equal(integers(golden[`${name}.step1_outlier_indices`]!));

        tidy(() => {
          const tensors = run.prefix.map(({ data, shape }) => tensor(data as Float32Array, [...shape]));
          const prefix = prefixFrom({ patterns: [], ...guide.reads }, tensors);
          const repair = tensor(repairMatrix({ rows, columns }, outliers), [1, n, n]) as Tensor3D;
          const { layers } = clip.config.image!;
          const blocks = own.blocks ?? scClipBlocks(layers);
          const entering = prefix.states[layers - 1]!;
          expectStep(entering.patches, 'step1_lof_input_patches');
          const steps = scClipSteps(clip, prefix, repair, { beta, classWeight: 0.3, blocks });
          expectStep(transpose(steps.repaired, [0, 2, 1]), 'step2_anomalies_replaced_map');
          expectStep(steps.alike, 'step3_mid_similarity');
          expectStep(steps.entering, 'step3_pre_aggregated_patches');

          const seen = openPoints('image', ['image.attn.pattern', 'image.attn_out'], { see: ['*'] });
          const attention = similarityAttention(steps.alike);
          const { image: config } = clip.config;
          const last = clip.weights.image!.blocks.at(-1)!;
          block(steps.entering, last, { config: config! }, seen.point, { attention, residual: false, ffn: false });
          expectStep(seen.seen['image.attn.pattern']!, 'step4_last_block_attention');
          expectStep(seen.seen['image.attn_out']!, 'step4_last_block_attn_out');

          // The published code adds the second branch to the first in place: what is stored as the first holds both.
          expectStep(steps.shared, 'step5_single_layer_branch');
          const multi = tensor(values('step6_multi_layer_branch'), steps.shared.shape);
          const single = sub(steps.shared, multi);
          const later = tensor(values('step5_after_similarity_beta_zeroed'), [1, n, n]);
          const weights = div(later, add(sum(later, -1, true), 1e-6));
          expectClose(matMul(weights, steps.single).dataSync(), single.dataSync(), tolerance, { name: 'single' });
          expectClose(matMul(weights, steps.multi).dataSync(), multi.dataSync(), tolerance, { name: 'multi' });
        });
      }));
  }
});
