/** Image embeddings: float against other libraries' float, and eight-bit against float. */
import { type Bench, isAbsent, race, versus } from '../bench.js';
import type { Timing } from '../interleave.js';
import type { Absent } from '../lane.js';
import { normal } from '../random.js';
import { timed } from '../report.js';
import { argmaxAgreement, leastCosine, medianRatio, relativeDifference, unitRows } from '../statistics.js';
import { atUnitLength, furtherRows, type ImagePeer, imagePeers, ourImage, peerImage, rowOf } from './images.js';

const batches = [1, 8] as const;
const floatRow = (batch: number) => `embed/float/b${batch}`;
const s8Row = 'embed/s8/b1';

export const rows = [...batches.map(floatRow), s8Row];
export const peerRows = batches.flatMap(batch => furtherRows(floatRow(batch)));

export async function run(bench: Bench): Promise<void> {
  for (const batch of batches) await float(bench, batch);
  if (bench.wants(s8Row)) await eightBit(bench);
}

async function float(bench: Bench, batch: number): Promise<void> {
  const wanted = imagePeers.filter(peer => bench.wants(rowOf(floatRow(batch), peer)));
  if (wanted.length === 0) return;
  const lanes = await Promise.all(wanted.map(async peer => [peer, await peerImage(bench, peer, { batch })] as const));
  const timings = await race<ImagePeer | 'ours'>(bench, {
    ours: ourImage(bench, { batch }),
    ...(Object.fromEntries(lanes) as Record<ImagePeer, Absent>),
  });
  for (const peer of wanted) {
    const terms = { peer, ...(peer === 'onnxruntime' && { asked: 0.95 }) };
    const theirs = atUnitLength(timings[peer], bench);
    bench.add(versus(rowOf(floatRow(batch), peer), timings.ours as Timing, theirs, terms));
  }
}

/** Classes that patches are told apart by: directions without meaning, for weights without meaning. */
const classCount = 21;

async function eightBit(bench: Bench): Promise<void> {
  const timings = await race(bench, {
    ours: ourImage(bench, { quantize: 's8' }),
    float: ourImage(bench),
    peer: await peerImage(bench, 'onnxruntime'),
  });
  const [mine, float] = [timings.ours as Timing, timings.float as Timing];
  const peer = isAbsent(timings.peer) ? undefined : timings.peer;
  const dense = await race(
    { ...bench, rounds: 1 },
    {
      ours: ourImage(bench, { quantize: 's8', output: 'tokens' }),
      float: ourImage(bench, { output: 'tokens' }),
    },
  );
  const width = bench.embedding;
  const [patches, patchesOfFloat] = [dense.ours, dense.float].map(timing => (timing as Timing).output.subarray(width));
  const classes = unitRows(normal(classCount * width, 9), width);
  bench.add({
    ...timed(s8Row, mine),
    ratio: medianRatio(mine.cpu, (peer ?? float).cpu),
    asked: 0.65,
    peer: peer ? 'onnxruntime, float' : 'ours, float',
    difference: relativeDifference(mine.output, float.output),
    cosine: leastCosine(mine.output, float.output, width),
    agreement: argmaxAgreement(patches!, patchesOfFloat!, classes, width),
  });
}
