/**
 * A mistake in what the user gave: a broken file, an unknown name, a value out of range. Its message is one line that
 * says which function or file, what was expected, what came, and how to mend it. The command line prints the message
 * alone and exits with status 2; every other error is a fault of ours.
 */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** Edit distance with insertions, deletions and substitutions at cost 1, cut off early once it must exceed `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substitution, previous[j]! + 1, row[j - 1]! + 1));
    }
    if (Math.min(...row) > limit) return limit + 1;
    previous = row;
  }
  return previous[b.length]!;
}

/**
 * The known names most like `word`, best first: those within a third of its length in edits, or containing it.
 * Empty when nothing is close.
 */
export function nearest(word: string, known: Iterable<string>, count = 3): string[] {
  const asked = word.slice(0, 200).toLowerCase();
  const limit = Math.max(2, Math.floor(asked.length / 3));
  const scored: { name: string; distance: number }[] = [];
  for (const name of known) {
    const candidate = name.toLowerCase();
    // A part of the whole counts as near, but not a short name that happens to stand in a long one.
    const [short, long] = asked.length < candidate.length ? [asked, candidate] : [candidate, asked];
    const contains = short.length > 1 && long.includes(short) && (short === asked || 2 * short.length >= long.length);
    const distance = contains ? 0.5 : editDistance(asked, candidate, limit);
    if (distance <= limit) scored.push({ name, distance });
  }
  return scored
    .sort((a, b) => a.distance - b.distance || a.name.length - b.name.length)
    .slice(0, count)
    .map(({ name }) => name);
}

/** `"; did you mean a, b?"`, or all the known names when none is close and the list is short, or nothing. */
export function suggestion(word: string, known: Iterable<string>): string {
  const all = [...known];
  const close = nearest(word, all);
  if (close.length > 0) return `; did you mean ${close.join(', ')}?`;
  return all.length > 0 && all.length <= 20 ? `; known: ${all.join(', ')}` : '';
}
