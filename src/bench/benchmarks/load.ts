/** A fresh process from file to first embedding: what it takes in time and memory. */
import { type Bench, isAbsent, raceFresh, versus } from '../bench.js';
import type { Timing } from '../interleave.js';
import type { Absent } from '../lane.js';
import type { Row } from '../report.js';
import { median } from '../statistics.js';
import { atUnitLength, furtherRows, type ImagePeer, imagePeers, ourImage, peerImage, rowOf } from './images.js';

const fresh = true;
const [timeRow, memoryRow] = ['load', 'memory'];

export const rows = [timeRow, memoryRow];
export const peerRows = rows.flatMap(furtherRows);

export async function run(bench: Bench): Promise<void> {
  const wanted = imagePeers.filter(peer => [timeRow, memoryRow].some(row => bench.wants(rowOf(row, peer))));
  const lanes = await Promise.all(wanted.map(async peer => [peer, await peerImage(bench, peer, { fresh })] as const));
  const { timings, peaks } = await raceFresh<ImagePeer | 'ours'>(bench, {
    // One image and no more: as the commands run it.
    ours: ourImage(bench, { fresh, pack: false }),
    ...(Object.fromEntries(lanes) as Record<ImagePeer, Absent>),
  });
  const times = wanted.map((peer): Row => {
    const theirs = atUnitLength(timings[peer], bench);
    const terms = { peer, ...(peer === 'onnxruntime' && { asked: 0.6 }) };
    return versus(rowOf(timeRow, peer), timings.ours as Timing, theirs, terms);
  });
  const sizes = wanted.map((peer, i): Row => {
    const { ratio: _, note, ...row } = times[i]!;
    const middle = median(peaks.ours);
    return {
      ...row,
      name: rowOf(memoryRow, peer),
      median: middle / 1e6,
      min: Math.min(...peaks.ours) / 1e6,
      unit: 'MB',
      ...(peer === 'onnxruntime' && { asked: 0.75 }),
      ...(times[i]!.ratio !== undefined && !isAbsent(timings[peer]) && { ratio: middle / median(peaks[peer]) }),
      note: 'largest resident size',
    };
  });
  for (const row of [...times, ...sizes]) if (bench.wants(row.name)) bench.add(row);
}
