/** The configuration of `train clipself`: a JSON file in which every key is known and nothing contradicts anything else. */
import * as z from '../../files/schema.js';
import { sceneOptions } from '../../scenes/options.js';
import {
  type Contradiction,
  count,
  faultOf,
  optimiserKeys,
  parseConfig,
  rate,
  runKeys,
  share,
  size,
  trainingSeed,
  warmup,
  warmupFault,
} from '../../train/configFile.js';

const path = z.string().min(1);

// Defaults are those of the published runs (section 4.1 of arXiv 2310.01403, and their code).
const schema = z.strictObject({
  /** Of the pictures' order, of scenes, and of the regions chosen. */
  seed: trainingSeed.default(0),
  /** The model that teaches and that training starts from. */
  model: path,
  data: z.strictObject({
    /** A folder of pictures, those in folders below it too. */
    images: z.exactOptional(path),
    /** Procedural scenes instead. */
    scenes: z.exactOptional(
      z.strictObject({
        objects: z.exactOptional(z.tuple([count, count])),
        radius: z.exactOptional(z.tuple([z.number(), z.number()])),
      }),
    ),
    /** Pictures a step. */
    batch: count.max(1000).default(2),
    /** Side of the student's pictures in pixels; default 64 patches. */
    size: z.exactOptional(size),
    /** Cells that a picture is cut into, or boxes that are known of it. */
    regions: z.enum(['grid', 'boxes']).default('grid'),
    /** COCO-style annotations of the pictures; scenes know their own boxes. */
    boxes: z.exactOptional(path),
    /** Most rows and columns of a grid. */
    maxSplit: count.max(64).default(6),
    /** Most regions of a picture. */
    maxRegions: count.max(1000).default(20),
    /** Sides of the teacher's crop to those of the region; default 1 for grids, 1.5 for boxes. */
    cropScale: z.exactOptional(z.number().min(0.1).max(10)),
  }),
  /** Attention in windows, in all blocks but the `global` ones. */
  windows: z.exactOptional(
    z.strictObject({ size: count.max(1000), global: z.array(z.int().nonnegative()).default([]) }),
  ),
  train: z
    .strictObject({
      /** How many of the last blocks; default all. */
      layers: z.exactOptional(count),
      /** Patches, class token, positions and the normalisation after them, too. */
      stem: z.boolean().default(false),
    })
    .prefault({}),
  steps: z.exactOptional(count),
  /** Times that every picture is seen, where no steps are given; default 6. */
  epochs: z.exactOptional(count.max(100_000)),
  optimiser: z
    .strictObject({
      rate: rate.default(1e-5),
      warmup: warmup.default(1000),
      ...optimiserKeys({ beta2: 0.999, epsilon: 1e-8, decay: 0.1 }),
    })
    .prefault({}),
  /** Share of what was trained in the weights that are saved; the rest is the teacher's. */
  alpha: share.default(0.7),
  ...runKeys,
});

/** A configuration with every default filled in that depends on neither model nor pictures. */
export type TrainClipselfConfig = z.infer<typeof schema>;

/**
 * Checks a configuration and fills in what it leaves out.
 * @param name what error messages call it
 * @throws InputError in one line that names the key and the fault
 */
export const parseClipselfConfig = (json: unknown, name: string): TrainClipselfConfig =>
  parseConfig(schema, json, name, contradiction);

/** The first key that contradicts another, and how. */
function contradiction({ data, steps, epochs, optimiser, evaluation }: TrainClipselfConfig): Contradiction | undefined {
  const { images, scenes, size, regions, boxes } = data;
  if ((images === undefined) === (scenes === undefined)) {
    return ["'data'", `expected either images or scenes, got ${images === undefined ? 'neither' : 'both'}`];
  }
  if (boxes !== undefined && (scenes || regions === 'grid')) {
    return [
      "'data.boxes'",
      scenes ? 'scenes know their own boxes' : "no grid needs them; leave them out, or regions: 'boxes'",
    ];
  }
  if (regions === 'boxes' && images !== undefined && boxes === undefined) {
    return ["'data.regions'", "boxes of pictures need a file of them, 'data.boxes'"];
  }
  if (steps !== undefined && epochs !== undefined)
    return ["'epochs'", 'steps are given already; leave one of them out'];
  if (scenes && steps === undefined) return ["'steps'", 'scenes never end, so their number has to be given'];
  if (evaluation && !scenes) return ["'evaluation'", 'it is done on scenes, by a model trained on them'];
  const sceneFault = scenes && faultOf(() => sceneOptions({ ...scenes, ...(size !== undefined && { size }) }));
  if (sceneFault) return ["'data.scenes'", sceneFault];
  return steps === undefined ? undefined : warmupFault(optimiser, steps);
}
