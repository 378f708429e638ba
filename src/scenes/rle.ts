/**
 * A mask as COCO's compressed run lengths: runs down the columns, the first of pixels outside, each from the fourth on
 * as its difference to the one before the last, in groups of five bits as ASCII from `0` on.
 * @param inside whether the pixel at an index of the row-by-row map is in the mask
 */
export function runLengths(width: number, height: number, inside: (index: number) => boolean): string {
  const runs: number[] = [];
  let length = 0;
  let current = false;
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      if (inside(y * width + x) !== current) {
        runs.push(length);
        length = 0;
        current = !current;
      }
      length++;
    }
  }
  runs.push(length);
  return runs.map((run, i) => letters(i > 2 ? run - runs[i - 2]! : run)).join('');
}

/** A signed number in groups of five bits, lowest first; bit 5 says that more follow. */
function letters(value: number): string {
  let text = '';
  for (let rest = value, more = true; more; ) {
    const group = rest & 31;
    rest >>= 5;
    // Done where what is left is nothing but the sign that the group's highest bit already shows.
    more = rest !== (group & 16 ? -1 : 0);
    text += String.fromCharCode(48 + group + (more ? 32 : 0));
  }
  return text;
}
