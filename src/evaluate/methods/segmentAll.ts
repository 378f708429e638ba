/** Every method of a plan over one picture after another, in as few runs of the shared blocks as can be. */
import { createHash } from 'node:crypto';
import type { LoadedClip } from '../../checkpoint/loadClip.js';
import type { Picture } from '../../image/picture.js';
import type { PrefixStore } from '../../segment/prefixStore.js';
import { openSegmenter, type Segmentation } from '../../segment/segmenter.js';
import type { TextFeatures } from '../../segment/textFeatures.js';
import { openRunner, type Runner } from '../../tensor/runner.js';
import type { EvaluationPlan } from '../plan.js';
import { geometryOf } from './geometry.js';
import type { MethodGroup } from './groups.js';

/** What is made ready, and how. */
export interface SegmentAllOptions {
  readonly groups: readonly MethodGroup[];
  /** Of each group's names. */
  readonly texts: readonly TextFeatures[];
  readonly plan: EvaluationPlan;
  /** Whether networks run in a thread of their own. */
  readonly apart: boolean;
  readonly prefixes?: PrefixStore | undefined;
}

/** All methods, ready. */
export interface SegmentAll {
  /** One segmentation a method, in the plan's order. */
  segment(picture: Picture): Promise<Segmentation[]>;
  dispose(): Promise<void>;
}

/** Prepares all methods. @throws InputError as `openSegmenter`, or for an engine that is not there */
export async function segmentAll(clip: LoadedClip, options: SegmentAllOptions): Promise<SegmentAll> {
  const { groups, texts, plan, apart, prefixes } = options;
  const ready: { group: MethodGroup; segment(picture: Picture, pictureId?: string): Promise<Segmentation[]> }[] = [];
  const runners: Runner[] = [];
  const dispose = async () => {
    for (const runner of runners.splice(0)) await runner.dispose();
  };
  try {
    for (const [g, group] of groups.entries()) {
      const [first] = group.methods;
      const runner = await runnerFor(group, plan, apart);
      runners.push(runner);
      const { segment } = await openSegmenter(clip, group.methods, {
        runner,
        protocol: geometryOf(first!.protocol),
        ...(prefixes && { prefixes }),
      });
      ready.push({
        group,
        segment: (picture, pictureId) =>
          segment(picture, first!.vocabulary, { texts: texts[g]!, ...(pictureId !== undefined && { pictureId }) }),
      });
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    async segment(picture) {
      const pictureId = prefixes && pixelHash(picture);
      const all: Segmentation[] = [];
      for (const { group, segment } of ready) {
        for (const [i, one] of (await segment(picture, pictureId)).entries()) all[group.places[i]!] = one;
      }
      return all;
    },
    dispose,
  };
}

function runnerFor({ methods: [first] }: MethodGroup, plan: EvaluationPlan, apart: boolean): Promise<Runner> {
  const { engine, threads, quantize } = plan;
  return openRunner(engine, {
    host: apart ? 'worker' : 'inline',
    // Windows have one size, so one graph serves them all; whole images come in many, and each needs a graph.
    pack: first!.protocol.window > 0,
    keep: 2,
    ...(threads !== undefined && { threads }),
    ...(quantize !== undefined && { quantize }),
  });
}

/** What a prefix cache knows a picture by. */
function pixelHash({ width, height, mode, data, palette }: Picture): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([width, height, mode]))
    .update(data);
  if (palette) hash.update(palette.rgb);
  return hash.digest('hex');
}
