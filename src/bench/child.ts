/** The process of one of our candidates: see `lane.ts` for what it says and hears. */
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { InputError } from '../errors.js';
import { cpuNow } from './machine.js';
import { type Given, tasks } from './tasks/index.js';
import type { Work } from './tasks/work.js';

const say = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);

async function serve(given: Given): Promise<void> {
  const prepare = (): Promise<Work> => tasks[given.task](given as never);
  const work: Work = given.fresh ? async () => (await prepare())() : await prepare();
  say({ about: {} });
  for await (const line of createInterface({ input: process.stdin })) {
    const { output } = JSON.parse(line) as { output: string | null };
    const wall = performance.now();
    const cpu = cpuNow();
    const result = await work();
    const took = { cpu: cpuNow() - cpu, wall: performance.now() - wall };
    const [total, peak] = [cpuNow(), process.resourceUsage().maxRSS * 1024];
    if (output !== null) writeFileSync(output, Float32Array.from(result));
    say({ ...took, total, peak });
  }
  await work.end?.();
}

await serve(JSON.parse(process.argv[2]!)).catch((error: Error) => {
  say({ error: error.message, input: error instanceof InputError });
});
