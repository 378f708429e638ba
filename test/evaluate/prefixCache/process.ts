/** A process that keeps windows `from` to `to` in a folder, and reads what it can: see limit.test.ts. */
import { fill, found, keyOf, open } from './windows.js';

const [folder, bytes, from, to] = process.argv.slice(2) as [string, string, string, string];
const warnings: string[] = [];
const first = open(folder, { bytes: Number(bytes), warnings });
await fill(first, Number(from), Number(to));
for (let n = Number(from); n < Number(to); n++) await first.get(keyOf(n));
const cache = open(folder, { bytes: Number(bytes), warnings });
const there = await found(cache, Number(to));
process.stdout.write(JSON.stringify({ warnings, there, statistics: first.statistics }));
