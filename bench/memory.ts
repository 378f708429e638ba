/**
 * Peak resident memory of a fresh process that does nothing but load a checkpoint, over the size of its file. Runs the
 * built package (`npm run build`); the sources through tsx, which adds some 60 MB of its own, when there is none.
 *
 *     npx tsx bench/memory.ts [--engine NAME] [--filter TEXT] [--rounds N] [--json]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { randomVitB16 } from '../src/bench/randomModel.js';
import { median } from '../src/bench/statistics.js';
import { benchOptions, openReport } from './report.js';

const options = benchOptions({ rounds: 3 });
const report = await openReport('memory of loading: peak resident size over the size of the file', options);
const built = new URL('../dist/index.js', import.meta.url);
const entry = existsSync(built) ? built : new URL('../src/index.ts', import.meta.url);

/** Peak of a process that starts the engine and loads `path`, in bytes; without a path, of the engine alone. */
function peakOf(path?: string): number {
  const code = `
    import { loadClip, startEngine } from ${JSON.stringify(entry.href)};
    await startEngine(${JSON.stringify(options.engine)});
    ${path === undefined ? '' : `await loadClip(${JSON.stringify(path)});`}
    console.log(process.resourceUsage().maxRSS * 1024);`;
  const loader = entry === built ? [] : ['--import', 'tsx'];
  const child = spawnSync(process.execPath, [...loader, '--input-type=module', '-e', code], { encoding: 'utf8' });
  const peak = Number(child.stdout);
  if (child.status !== 0 || !(peak > 0)) throw new Error(`the loading process failed: ${child.stderr}`);
  return peak;
}

const peaks = (path?: string) => Array.from({ length: options.rounds }, () => peakOf(path));
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;

const idle = median(peaks());
report.add({ name: 'the engine and nothing loaded', rate: megabytes(idle), note: entry === built ? 'dist' : 'tsx' });

const cases = [
  { name: 'image tower, F32, Hugging Face', model: { visionOnly: true }, asked: 1.3 },
  { name: 'image tower, F32, OpenAI', model: { visionOnly: true, layout: 'openai' }, asked: 1.3 },
  // Weights compute as F32 whatever they are stored as: twice the file is the least that can be.
  { name: 'image tower, F16, Hugging Face', model: { visionOnly: true, dtype: 'F16' }, asked: undefined },
  { name: 'both towers, F32, Hugging Face', model: {}, asked: 1.3 },
] as const;
for (const { name, model, asked } of cases) {
  if (!report.wants(name)) continue;
  const path = randomVitB16(model);
  const size = statSync(path.endsWith('.safetensors') ? path : join(path, 'model.safetensors')).size;
  const measured = peaks(path);
  const middle = median(measured);
  report.add({
    name,
    ratio: middle / size,
    ...(asked && { asked }),
    rate: `${megabytes(middle)} of ${megabytes(size)}`,
    note: `${((middle - idle) / size).toFixed(3)} above the idle engine; least ${megabytes(Math.min(...measured))}`,
  });
}
report.finish();
