/** The other end of `src/bench/lane.ts`, for peers in Node. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

export const given = JSON.parse(process.argv[2]);

/** Float32 values of a file, `count` of them. */
export function floats(file, count) {
  const bytes = readFileSync(file);
  return new Float32Array(bytes.buffer, bytes.byteOffset, count);
}

const cpuNow = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const say = value => process.stdout.write(`${JSON.stringify(value)}\n`);

/**
 * Answers requests with runs of what `prepare` gives, an async function that returns a Float32Array; with `fresh`, a run
 * prepares too.
 */
export async function serve(about, prepare) {
  try {
    const work = given.fresh ? async () => (await prepare())() : await prepare();
    say({ about });
    for await (const line of createInterface({ input: process.stdin })) {
      const { output } = JSON.parse(line);
      const wall = performance.now();
      const cpu = cpuNow();
      const result = await work();
      const took = { cpu: cpuNow() - cpu, wall: performance.now() - wall };
      const [total, peak] = [cpuNow(), process.resourceUsage().maxRSS * 1024];
      if (output !== null) writeFileSync(output, result);
      say({ ...took, total, peak });
    }
  } catch (error) {
    say({ error: String(error.message).split('\n', 1)[0] });
  }
}
