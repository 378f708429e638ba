/** A report of drawn scenes whose labels were spoilt in several ways, under names that mean harm. */
import type { MethodRecord } from '../../../src/evaluate/methods/resolve.js';
import { imageCounts } from '../../../src/evaluate/metrics/imageCounts.js';
import type { ImageRecord } from '../../../src/evaluate/records.js';
import { notableImages } from '../../../src/evaluate/report/notable.js';
import type { Report } from '../../../src/evaluate/report/report.js';
import { reportImage } from '../../../src/evaluate/report/reportImage.js';
import { tableOf } from '../../../src/evaluate/table.js';
import { type Picture, rgbPicture } from '../../../src/image/picture.js';
import { drawScene, sceneCanvas } from '../../../src/scenes/draw.js';
import { sceneLabels } from '../../../src/scenes/labels.js';
import { sceneAt } from '../../../src/scenes/scene.js';
import { sceneClassNames } from '../../../src/scenes/world.js';
import { protocolFor } from '../../../src/segment/protocols.js';

/** Names that would do something if they were taken for markup. */
export const hostile = [
  '<script>globalThis.owned = true</script>',
  '"><img src=x onerror="globalThis.owned = true">',
  "' onmouseover='globalThis.owned = true",
  '</title></style></script><svg onload=globalThis.owned=true>',
  '| ](javascript:alert(1)) `x` **y**\n# z',
  '\u202egnp.exe & &lt;b&gt; \u0000',
] as const;

const size = 96;

interface Sample {
  readonly picture: Picture;
  readonly truth: Uint8Array;
  readonly predictions: readonly Uint8Array[];
}

/** Scene `index`: its labels moved by `shift` pixels, or with a class in the place of every second one. */
function sampleAt(index: number): Sample {
  const scene = sceneAt(7, index);
  const canvas = sceneCanvas(scene.size);
  drawScene(scene, canvas);
  const truth = sceneLabels(scene, canvas, 'colours');
  truth.fill(255, 0, 5 * size);
  const moved = (shift: number) => truth.map((_, i) => truth[Math.max(0, i - shift)]!).map(orFirst);
  const confused = truth.map((label, i) => orFirst(i % size > 20 + 3 * index ? label : (label + 2) % 14));
  return { picture: rgbPicture(size, size, canvas.pixels), truth, predictions: [moved(2), moved(9), confused] };
}

const orFirst = (label: number): number => (label === 255 ? 0 : label);

/** A report on `count` scenes; `names` of the first classes and of methods, and the image that failed, as given. */
export async function sampleReport(names: readonly string[] = [], count = 12): Promise<Required<Report>> {
  const classes = sceneClassNames('colours').map((name, i) => names[i] ?? name);
  const samples = Array.from({ length: count }, (_, i) => sampleAt(i));
  const records: ImageRecord[] = samples.map(({ truth, predictions }, i) => ({
    id: names[i] ?? `scene ${i}`,
    height: size,
    width: size,
    methods: predictions.map(labels =>
      imageCounts(truth, labels, { classes: classes.length, height: size, width: size }),
    ),
  }));
  const failed: ImageRecord = { id: 'last', height: 1, width: 1, methods: [], failure: names[0] ?? 'a broken file' };
  const input = {
    plan: { dataset: 'scenes:seed=7', model: 'weights/scenes', methods: [], engine: 'ort', shardSize: 4, limit: 13 },
    dataset: { spec: names[3] ?? 'scenes:seed=7', kind: 'scenes', classes },
    identity: { hash: '1'.repeat(64), version: '1.0.0', weights: '2'.repeat(64), dataset: '3'.repeat(64) },
    versions: { clipscope: '1.0.0', node: '20.0.0', onnxruntime: '1.20.0' },
    methods: (['clip', 'sclip', 'clearclip'] as const).map((method, m) => ({
      name: names[m] ?? method,
      record: recordOf(method),
    })),
  };
  const table = tableOf(input as unknown as Parameters<typeof tableOf>[0], [
    { shard: 0, images: [...records, failed] },
  ]);
  const images = await Promise.all(
    notableImages(records, classes.length, 2).map(notable => {
      const { picture, truth, predictions } = samples[notable.index]!;
      return reportImage(notable, picture, truth, predictions, classes);
    }),
  );
  const norms = input.methods.map(({ name }, m) => ({ name, residual: 12.5, attention: 3.25 + m }));
  return { table, norms, images };
}

function recordOf(method: 'clip' | 'sclip' | 'clearclip'): MethodRecord {
  const { datasets: _, ...protocol } = protocolFor(method);
  const variant = method === 'clearclip' ? { attention: 'qq', residual: false, ffn: false } : { attention: 'csa' };
  return {
    method,
    variant,
    protocol,
    wording: 'sclip',
    templates: ['a photo of a {}.', 'a drawing of a {}, '.repeat(9)],
  };
}
