/** Positions in the user's own text, from those in the JavaScript that it became. */

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/**
 * Where the last mark at or before a position in generated code comes from, or undefined when its line has none before.
 *
 * @param mappings of a source map of one source (https://tc39.es/ecma426/#sec-mappings): by line, then by mark, the
 * column there, the source, the line and the column here, each as its difference to the one before in base 64
 */
export function originalPosition(mappings: string, { line, column }: Position): Position | undefined {
  let [sourceLine, sourceColumn] = [0, 0];
  let found: Position | undefined;
  for (const [index, marks] of mappings.split(';').slice(0, line).entries()) {
    let generated = 0;
    for (const mark of marks.split(',').filter(Boolean)) {
      const [forward = 0, , down = 0, right = 0] = numbersOf(mark);
      generated += forward;
      sourceLine += down;
      sourceColumn += right;
      if (index !== line - 1 || generated > column - 1) continue;
      found = { line: sourceLine + 1, column: sourceColumn + 1 };
    }
  }
  return found;
}

/** Base 64, lowest digits first: five bits each and whether more follow; of the whole, the lowest bit is the sign. */
function numbersOf(mark: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const character of mark) {
    const digit = digits.indexOf(character);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    value = 0;
    shift = 0;
  }
  return numbers;
}
