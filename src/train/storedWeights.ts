/** Weights as they are computed with, and as checkpoints hold them. */

/**
 * What lies in a record of weights, or of values for them, under a role's name; undefined where nothing does. Roles are
 * paths in the weights but for the groups of a block's parts.
 */
export function weightAt(weights: object, role: string): unknown {
  const path = role.replace(/\.(attn|mlp)\./, '.').replace(/\.patch\.weight$/, '.patch');
  return path
    .split('.')
    .reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], weights);
}

/** What is looked up by rows; every other matrix is multiplied with, and lies transposed in a checkpoint. */
const lookedUp = /\.(table|positions)$/;

/**
 * The values of a weight in the order of a checkpoint, where a map is `[outputs, inputs]`.
 * @param shape of the role
 */
export function storedOrder(role: string, values: Float32Array, [rows, ...rest]: readonly number[]): Float32Array {
  if (rest.length === 0 || lookedUp.test(role)) return values;
  const columns = values.length / rows!;
  const turned = new Float32Array(values.length);
  for (let r = 0; r < rows!; r++) for (let c = 0; c < columns; c++) turned[r * columns + c] = values[c * rows! + r]!;
  return turned;
}
