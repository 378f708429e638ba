import { expect } from 'chai';
import { attentions } from '../../../src/attention/index.js';
import type { Variant } from '../../../src/model/imageTower.js';
import { prefixNames } from '../../../src/model/prefix.js';
import { guideOf } from '../../../src/segment/guide.js';
import { resClip } from '../../../src/segment/methods.js';
import { clearPaths, feedbackMatrix } from '../../../src/segment/resclip/feedback.js';
import { patchClasses } from '../../../src/segment/resclip/patchClasses.js';
import { feedbackScores, resClipAttention } from '../../../src/segment/resclip/resclip.js';
import type { ResClipSettings } from '../../../src/segment/resclip/settings.js';
import { engineRunner, openRunner, type Runner } from '../../../src/tensor/runner.js';
import { type Pattern, pad, reshape, type Tensor3D, tensor, tidy } from '../../../src/tensor/tfjs.js';
import { atOnce } from '../../../src/turns.js';
import { useEngine, withoutLeak } from '../../engine.js';
import { expectClose } from '../../goldens.js';
import { pixelsOf } from '../../model/tiny.js';
import { golden, integers, runGuide, towers, turned, valuesOfGolden } from '../guided.js';

const tolerance = { maxAbs: 5e-4 };
const off = { residual: false, ffn: false } as const;
const bases: Record<string, Variant> = {
  vanilla: {},
  sclip: { attention: attentions.csa! },
  clearclip: { ...off, attention: attentions.qq! },
  naclip: { ...off, attention: attentions.naclip! },
  resclip: { ...off, attention: attentions.naclip! },
};
const none = { tau: 1, lambda: 0 };
const rcs = { tau: 2, lambda: 0.3 };
const sfr = { tau: 2.1, lambda: 0.7 };
const parts: Record<string, Partial<ResClipSettings>> = {
  off: { rcs: none, sfr: none },
  rcs: { rcs, sfr: none },
  sfr: { rcs: none, sfr },
  rcs_sfr: { rcs, sfr },
  'rcs_sfr.no_path_check': { rcs, sfr, pathCheck: false },
  'rcs_sfr.thd0.11_r0.4_s1.8': {
    rcs: { tau: 2, lambda: 0.4 },
    sfr: { tau: 1.8, lambda: 0.7 },
    threshold: 0.11,
  },
};
const blocks = { deep7: { start: 2, end: 5 }, deep12: { start: 5, end: 9 } };

/** Features of all tokens without the class token's row. */
const withoutClass = (name: string) => {
  const { data, shape } = golden[name]!;
  return (data as Float32Array).subarray(shape.at(-1));
};

describe('ResCLIP against the published code', () => {
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

  const names = Object.keys(golden).filter(name => /^resclip\/[^.]+\.[^.]+\.[^.]+\.(off|rcs|sfr|rcs_sfr)/.test(name));
  const cases = names.filter(name => !/step\d/.test(name));

  it('all cases are there', () => {
    expect(cases).to.have.length(164);
  });

  for (const name of cases) {
    const [, tower, input, base, part] = /^resclip\/(\w+)\.(\w+)\.(\w+)\.(.+)$/.exec(name)! as unknown as [
      string,
      'deep7' | 'deep12',
      string,
      string,
      string,
    ];
    const open = () => {
      const { variant, protocol } = resClip({ base: bases[base]!, blocks: blocks[tower], ...parts[part] });
      return guideOf(variant)!(all[tower], variant, protocol);
    };
    const texts = () => turned(valuesOfGolden(`resclip/${tower}.${input}.${base}.query_features`));
    // Compiling takes its time: all bases in one part, and one base in all parts.
    const compiled = part === 'rcs_sfr' ? input !== 'square1' : base === 'naclip' && input === 'wide';
    const kinds = compiled ? ['engine', 'ort'] : ['engine'];

    for (const kind of kinds) {
      it(`${name}, ${kind}`, () =>
        withoutLeak(async () => {
          const run = await runGuide(all[tower], open(), runners[kind]!, valuesOfGolden(`pixels/${input}`), texts());
          expectClose(run.patches.data, withoutClass(name), tolerance, { shape: run.patches.shape });
        }));
    }
  }

  for (const tower of ['deep7', 'deep12'] as const) {
    for (const [input, base, part] of [
      ['square0', 'resclip', 'rcs_sfr'],
      ['square0', 'sclip', 'rcs_sfr'],
      ['square0', 'sclip', 'rcs_sfr.no_path_check'],
      ['wide', 'resclip', 'rcs_sfr.no_path_check'],
      ['wide', 'sclip', 'rcs_sfr'],
      ['big96x128', 'resclip', 'rcs_sfr'],
    ] as const) {
      it(`${tower}, ${input}, ${base}, ${part}: step by step`, () =>
        withoutLeak(async () => {
          const clip = all[tower];
          const name = `resclip/${tower}.${input}.${base}.${part}`;
          const settings = { base: bases[base]!, blocks: blocks[tower], ...parts[part] };
          const { variant, protocol } = resClip(settings);
          const { resclip, scale } = protocol;
          const guide = guideOf(variant)!(clip, variant, protocol);
          const pixels = valuesOfGolden(`pixels/${input}`);
          const texts = turned(valuesOfGolden(`resclip/${tower}.${input}.${base}.query_features`));
          const run = await runGuide(clip, guide, engineRunner, pixels, texts);
          const step = (which: string) => golden[`${name}.${which}`];
          const expectStep = (actual: ArrayLike<number>, which: string) => {
            const expected = step(which);
            if (expected) expectClose(actual, expected.data as Float32Array, tolerance, { name: which });
          };

          const place = prefixNames({ patterns: [], ...guide.reads }).length - 1;
          const mean = run.prefix[place]!;
          expectStep(mean.data as Float32Array, 'step1_rcs_attention_mean');

          const [, , height, width] = pixels.shape as [number, number, number, number];
          const grid = { rows: height / 16, columns: width / 16 };
          const window = { values: pixels.data as Float32Array, height, width };
          const cosines = run.look.data as Float32Array;
          const classes = atOnce(patchClasses(cosines, grid, window, 16, { scale, ...resclip! }));
          expect([...classes]).to.deep.equal(integers(step('step3_patch_class')!));
          const valid = step('step4_path_valid');
          if (valid) expect([...clearPaths(classes, grid)]).to.deep.equal([...(valid.data as Uint8Array)]);

          const n = classes.length;
          const matrix = feedbackMatrix(classes, grid, resclip!);
          const framed = new Float32Array((n + 1) ** 2);
          for (let a = 0; a < n; a++) framed.set(matrix.subarray(a * n, (a + 1) * n), (a + 1) * (n + 1) + 1);
          expectStep(framed, 'step5_sfr_attention');

          tidy(() => {
            const added = tensor(feedbackScores(matrix, resclip!.sfr), [1, n, n]) as Tensor3D;
            const mask = reshape<Pattern>(
              pad(added, [
                [0, 0],
                [1, 0],
                [1, 0],
              ]),
              [1, 1, n + 1, n + 1],
            );
            const attention = resClipAttention(
              bases[base]!.attention!,
              resclip!.rcs,
              reshape<Pattern>(tensor(mean.data as Float32Array), [...mean.shape]),
              { ...resclip!.sfr, mask },
            );
            const last = clip.config.image!.layers - 1;
            const see = [`blocks.${last}.attn.pattern`, `blocks.${last}.attn_out`];
            const { seen } = clip.image(pixelsOf(golden[`pixels/${input}`]!), {
              last: { ...bases[base]!, attention },
              see,
            });
            expectStep(seen[`image.${see[0]}`]!.dataSync(), 'step6_last_block_attention');
            expectStep(seen[`image.${see[1]}`]!.dataSync(), 'step7_last_block_attn_out');
          });
        }));
    }
  }
});
