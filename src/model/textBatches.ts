/** Texts by their lengths: those of one length run together. */
import { InputError } from '../errors.js';
import type { TextConfig } from './config.js';

/** Tokens of one batch of texts: more gain nothing, and the memory of a run grows with them. */
export const tokensAtOnce = 2048;

/** Indices of texts of one length, in batches of at most `limit` tokens (at least one text). */
export function batchesByLength(lengths: readonly number[], limit: number): number[][] {
  const byLength = new Map<number, number[]>();
  lengths.forEach((n, row) => {
    const rows = byLength.get(n);
    if (rows) rows.push(row);
    else byLength.set(n, [row]);
  });
  const batches: number[][] = [];
  for (const [n, rows] of byLength) {
    const size = Math.max(1, Math.min(rows.length, Math.floor(limit / n)));
    for (let i = 0; i < rows.length; i += size) batches.push(rows.slice(i, i + size));
  }
  return batches;
}

/** @throws InputError for no texts, one longer than the context, or an id outside the vocabulary. */
export function checkIds(texts: readonly ArrayLike<number>[], { context, vocabulary }: TextConfig): void {
  if (texts.length === 0) throw new InputError('text: expected at least one text, got none');
  texts.forEach((ids, row) => {
    if (!(ids.length > 0 && ids.length <= context)) {
      throw new InputError(`text: expected 1 to ${context} token ids, text ${row} has ${ids.length}`);
    }
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      if (Number.isInteger(id) && id >= 0 && id < vocabulary) continue;
      throw new InputError(`text: expected ids from 0 to ${vocabulary - 1}, text ${row} holds ${id} at position ${i}`);
    }
  });
}
