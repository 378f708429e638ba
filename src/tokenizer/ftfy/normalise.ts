/**
 * Unicode normalisation NFC in linear time. The engine's own is quadratic in the length of a run of combining marks
 * that are out of canonical order: minutes for a hostile megabyte. Runs longer than any text has are ordered first.
 */

const longRun = /(?<!\p{M})\p{M}{256,}/gu;

/** Canonical order puts it behind every other mark: its combining class, 240, is the highest. */
const lastMark = '\u0345';

/** Whether canonical order puts `b` before `a` where the text has `a b`. */
function swaps(a: string, b: string): boolean {
  return a !== b && (a + b).normalize('NFD') === b + a;
}

/** A stretch of decomposed marks in canonical order: by combining class, else as they stood. */
function order(stretch: readonly string[]): string {
  const distinct = [...new Set(stretch)].sort((a, b) => (swaps(a, b) ? 1 : swaps(b, a) ? -1 : 0));
  const classOf = new Map<string, string[]>();
  const classes: string[][] = [];
  distinct.forEach((mark, i) => {
    if (i === 0 || swaps(mark, distinct[i - 1]!)) classes.push([]);
    classOf.set(mark, classes.at(-1)!);
  });
  for (const mark of stretch) classOf.get(mark)!.push(mark);
  return classes.flat().join('');
}

/** A run of marks in canonical order. Marks of class zero keep their places, and none passes them. */
function orderRun(run: string): string {
  const decompositions = new Map<string, string[]>();
  const hasClass = new Map<string, boolean>();
  let out = '';
  let stretch: string[] = [];
  for (const composed of run) {
    let marks = decompositions.get(composed);
    if (!marks) {
      marks = [...composed.normalize('NFD')];
      decompositions.set(composed, marks);
      for (const mark of marks) hasClass.set(mark, mark === lastMark || swaps(lastMark, mark));
    }
    for (const mark of marks) {
      if (hasClass.get(mark)) {
        stretch.push(mark);
      } else {
        out += order(stretch) + mark;
        stretch = [];
      }
    }
  }
  return out + order(stretch);
}

/** `text` in normalisation form NFC. */
export function toNfc(text: string): string {
  return text.replace(longRun, orderRun).normalize('NFC');
}
