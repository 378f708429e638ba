/**
 * One run of the tower for everything: the blocks before the last once, the last one in every way that is asked for, and
 * what studies look at beside it, window by window.
 */
import type { Clip } from '../model/clip.js';
import { gridOf } from '../model/config.js';
import { projectTokens } from '../model/imageTower.js';
import { openPoints } from '../model/points.js';
import type { PositionMode } from '../model/positions.js';
import { patchCosines, patchesOf } from '../segment/cosines.js';
import { type DenseRun, prepareDense, type WindowBatch } from '../segment/denseRun.js';
import type { Values } from '../tensor/compile.js';
import type { Runner } from '../tensor/runner.js';
import type { Pixels, Tensor, Tensor2D } from '../tensor/tfjs.js';
import { type GaugeContext, type GaugeName, gauges } from './gauges.js';
import { type Setting, settingName, trained, variantOf } from './settings.js';
import { blocksOf, type Needs } from './study.js';

/** All that several studies need, each thing once; what is trained comes first. */
export function joinNeeds(all: readonly Needs[]): Required<Needs> {
  const attentions = [...new Set(all.flatMap(needs => needs.attentions ?? []))];
  const looked = attentions.map((attention): Setting => ({ ...trained, attention }));
  const settings = [trained, ...all.flatMap(({ scores = [] }) => scores), ...looked];
  const gauges = new Map<string, Set<GaugeName>>();
  for (const [point, names] of all.flatMap(needs => Object.entries(needs.gauges ?? {}))) {
    gauges.set(point, new Set([...(gauges.get(point) ?? []), ...names]));
  }
  return {
    scores: [...new Map(settings.map(setting => [settingName(setting), setting])).values()],
    gauges: Object.fromEntries([...gauges].map(([point, names]) => [point, [...names]])),
    attentions,
  };
}

/** Takes what was seen in one window. */
export type OnWindow = (grid: WindowBatch['grid'], values: (name: string) => Float32Array) => void;

/**
 * Prepares a dense run of settings whose windows are also looked at. Windows run one at a time, so that what is seen
 * takes the memory of one.
 */
export async function openInstrument(
  clip: Clip,
  { scores, gauges: asked, attentions }: Required<Needs>,
  positions: PositionMode,
  runner: Runner,
  onWindow: OnWindow,
): Promise<DenseRun> {
  const config = clip.config.image!;
  const variants = scores.map(variantOf);
  const lastOutput = `image.blocks.${config.layers - 1}.attn_out`;
  // Globs, because a last block without its feed-forward layer has not all of these points.
  const watched = [...Object.keys(asked), ...(attentions.length > 0 ? ['attn_out'] : [])];
  const see = [...new Set(watched)].map(point => `blocks.*.${point}`);

  const lookThrough = (pixels: Pixels, features: Tensor2D) => {
    const [, , height, width] = pixels.shape;
    const outputs = clip.variants(pixels, variants, { see, positions });
    const { seen, tokens: end } = outputs[0]!;
    const context: GaugeContext = {
      grid: gridOf(config, height, width),
      project: tokens =>
        projectTokens({ config, weights: clip.weights.image!, points: openPoints('image', []) }, tokens),
      end,
    };
    const looks: Record<string, Tensor> = {};
    const measure = (name: string, value: Tensor, by: GaugeName) => {
      for (const [part, values] of Object.entries(gauges[by](value, context))) looks[`${name}.${part}`] = values;
    };
    for (const i of blocksOf(config)) {
      for (const [point, names] of Object.entries(asked)) {
        for (const name of names) measure(`blocks.${i}.${point}`, seen[`image.blocks.${i}.${point}`]!, name);
      }
    }
    for (const name of attentions) {
      const at = scores.findIndex(({ attention }) => attention === name);
      measure(`last.${name}`, outputs[at]!.seen[lastOutput]!, 'norms');
    }
    // Block by block and before the end, so that a graph can let go of each block once it is measured.
    return { looks, cosines: outputs.map(({ tokens }) => patchCosines(patchesOf(tokens), features)) };
  };

  const run = await prepareDense(
    clip,
    variants.map(variant => ({ variant })),
    positions,
    runner,
  );
  const whole = await runner.prepare(lookThrough, [
    { shape: [1, 3, 'height', 'width'] },
    { shape: [clip.config.embedding, 'queries'] },
  ]);
  return {
    ...run,
    async cosines({ grid, pixels, texts }) {
      const [count = 0, ...shape] = pixels.shape;
      const size = pixels.data.length / count;
      const made: Values[][] = [];
      for (let i = 0; i < count; i++) {
        const data = pixels.data.slice(i * size, (i + 1) * size);
        const { cosines, looks } = await whole({ data, shape: [1, ...shape] } as Values, texts);
        onWindow(grid, name => looks[name]!.data as Float32Array);
        made.push(cosines);
      }
      return scores.map((_, s) => joined(made.map(cosines => cosines[s]!)));
    },
    async dispose() {
      await whole.dispose();
      await run.dispose();
    },
  };
}

/** The same values of one window after another as a batch. */
function joined(parts: readonly Values[]): Values {
  const { data, shape } = parts[0]!;
  const all = new Float32Array(parts.length * data.length);
  parts.forEach((part, i) => {
    all.set(part.data as Float32Array, i * data.length);
  });
  return { data: all, shape: [parts.length, ...shape.slice(1)] };
}
