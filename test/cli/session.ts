/**
 * Runs the command lines that come as JSON on standard input, one a line, and answers each with a line of JSON. One
 * process for many, because starting Node and an engine for each would take longer than all they do.
 */
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import type { run as Run } from '../../src/cli/program.js';

const { run }: { run: typeof Run } = await import(pathToFileURL(process.argv[2]!).href);
const streams = ['stdout', 'stderr'] as const;
const write = process.stdout.write.bind(process.stdout);

for await (const line of createInterface({ input: process.stdin })) {
  const { args, cwd } = JSON.parse(line) as { args: string[]; cwd: string };
  process.chdir(cwd);
  const said = { stdout: '', stderr: '' };
  for (const name of streams) {
    process[name].write = ((text: string | Uint8Array) => {
      said[name] += text;
      return true;
    }) as typeof write;
  }
  const status = await run(args);
  process.stdout.removeAllListeners('error');
  write(`${JSON.stringify({ status, ...said })}\n`);
}
