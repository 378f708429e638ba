/**
 * Resizes a 12-megapixel picture to a short side of 224 here and in Pillow, in turns, and compares time and pixels.
 *
 *     npx tsx bench/resize.ts [--python PATH] [--rounds N]
 *
 * PATH is a Python that has Pillow (`python3` unless told otherwise); without one, only our own times are printed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { rgbPicture } from '../src/image/picture.js';
import { clipPreprocess, cropForModel } from '../src/image/preprocess.js';
import { type ResizeFilter, resize } from '../src/image/resize.js';

const width = 4000;
const height = 3000;
const target = { width: 298, height: 224 };
const filters: ResizeFilter[] = ['bicubic', 'bilinear', 'lanczos'];

const { values: options } = parseArgs({
  options: { python: { type: 'string', default: 'python3' }, rounds: { type: 'string', default: '15' } },
});
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new RangeError(`--rounds: expected a whole number, got ${options.rounds}`);

/** Soft shapes with some noise, like a photograph: neither flat nor all noise. */
function photo(): Uint8Array {
  const pixels = new Uint8Array(width * height * 3);
  let state = 1;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      const noise = (state >>> 27) - 16;
      pixels[i++] = 120 + 90 * Math.sin(x / 170 + y / 300) + noise;
      pixels[i++] = 128 + 80 * Math.cos(y / 90 - x / 700) + noise;
      pixels[i++] = (x ^ y) & 255;
    }
  }
  return pixels;
}

interface Peer {
  readonly version: string;
  ask(line: string): Promise<string>;
  close(): void;
}

/** Starts Python on the pixels of `file`; the reason in words when it or Pillow is not there. */
async function startPillow(python: string, file: string): Promise<Peer | string> {
  const script = fileURLToPath(new URL('./pillow_resize.py', import.meta.url));
  const child: ChildProcess = spawn(python, [script, file, `${width}`, `${height}`], { stdio: 'pipe' });
  let trouble = '';
  child.stderr!.on('data', chunk => {
    trouble += chunk;
  });
  const ended = new Promise<undefined>(resolve => {
    child.on('error', error => {
      trouble += error.message;
      resolve(undefined);
    });
    child.on('close', () => resolve(undefined));
  });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const next = () => Promise.race([lines.next().then(({ value }) => value as string | undefined), ended]);
  const version = await next();
  if (version === undefined) {
    await ended;
    return trouble.trim().split('\n').at(-1) || 'it ended without a word';
  }
  return {
    version,
    async ask(line) {
      child.stdin!.write(`${line}\n`);
      const answer = await next();
      if (answer === undefined) throw new Error(`Pillow stopped: ${trouble}`);
      return answer;
    },
    close: () => child.stdin!.end(),
  };
}

function timed(run: () => void): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

function summary(times: number[]): { min: number; median: number } {
  const sorted = [...times].sort((a, b) => a - b);
  return { min: sorted[0]!, median: sorted[Math.floor(sorted.length / 2)]! };
}

const columns = (cells: string[]) => console.log(cells.map((cell, i) => cell.padEnd(i === 0 ? 30 : 16)).join(''));
const milliseconds = ({ min, median }: { min: number; median: number }) => `${min.toFixed(1)} / ${median.toFixed(1)}`;

const folder = mkdtempSync(join(tmpdir(), 'resize-'));
try {
  const picture = rgbPicture(width, height, photo());
  const file = join(folder, 'pixels');
  writeFileSync(file, picture.data);
  const peer = await startPillow(options.python, file);

  console.log(`${cpus()[0]?.model ?? 'unknown CPU'} x ${cpus().length}, load ${loadavg()[0]!.toFixed(2)}`);
  console.log(`Node ${process.versions.node}, ${typeof peer === 'string' ? `no Pillow (${peer})` : peer.version}`);
  console.log(`${width} x ${height} RGB to ${target.width} x ${target.height}, ${rounds} rounds in turns, one warm-up`);
  columns(['', 'ours min/med', 'Pillow', 'ratio of min', 'of medians', 'max difference']);
  for (const filter of filters) {
    const ours: number[] = [];
    const crops: number[] = [];
    const theirs: number[] = [];
    const spec = { ...clipPreprocess(224), filter };
    for (let round = -1; round < rounds; round++) {
      const own = timed(() => resize(picture, target.width, target.height, filter));
      const crop = timed(() => cropForModel(picture, spec));
      const peerTime =
        typeof peer === 'string' ? Number.NaN : Number(await peer.ask(`${filter} ${target.width} ${target.height} -`));
      if (round < 0) continue;
      ours.push(own);
      crops.push(crop);
      theirs.push(peerTime);
    }
    let difference = 'not compared';
    if (typeof peer !== 'string') {
      const output = join(folder, 'output');
      await peer.ask(`${filter} ${target.width} ${target.height} ${output}`);
      const expected = readFileSync(output);
      const { data } = resize(picture, target.width, target.height, filter);
      difference = String(expected.reduce((worst, value, i) => Math.max(worst, Math.abs(value - data[i]!)), 0));
    }
    for (const [name, own] of [
      [filter, summary(ours)],
      [`${filter}, central crop only`, summary(crops)],
    ] as const) {
      const peerSummary = summary(theirs);
      const ratios = [own.min / peerSummary.min, own.median / peerSummary.median];
      const known = typeof peer !== 'string';
      columns([
        name,
        milliseconds(own),
        known ? milliseconds(peerSummary) : '-',
        ...ratios.map(ratio => (known ? ratio.toFixed(2) : '-')),
        name === filter ? difference : '',
      ]);
    }
  }
  if (typeof peer !== 'string') peer.close();
} finally {
  rmSync(folder, { recursive: true });
}
