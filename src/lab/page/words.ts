/** What the page says while something is under way, and when it went wrong. */
import type { Progress } from './engine/protocol.js';

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export function wordsOf({ what, done, total }: Progress): string {
  if (what === 'bytes')
    return `loading the model, ${(done / 2 ** 20).toFixed(1)} of ${(total / 2 ** 20).toFixed(1)} MiB`;
  if (what === 'graphs') return 'preparing the model';
  return `${what}: ${done} of ${total}`;
}
