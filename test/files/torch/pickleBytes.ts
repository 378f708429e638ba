/** Pickles written byte by byte, so that a test can say what no pickler would. */

/** A piece of a pickle. */
export type Code = readonly number[];

export function little(value: number | bigint, width: number): Code {
  const bits = BigInt.asUintN(8 * width, BigInt(value));
  return Array.from({ length: width }, (_, i) => Number((bits >> BigInt(8 * i)) & 255n));
}

export function ascii(text: string): Code {
  return [...Buffer.from(text, 'utf8')];
}

export const op = {
  none: [0x4e],
  true: [0x88],
  false: [0x89],
  mark: [0x28],
  stop: [0x2e],
  emptyTuple: [0x29],
  tuple: [0x74],
  emptyList: [0x5d],
  append: [0x61],
  appends: [0x65],
  emptyDict: [0x7d],
  setItem: [0x73],
  setItems: [0x75],
  reduce: [0x52],
  newObject: [0x81],
  build: [0x62],
  persistent: [0x51],
  stackGlobal: [0x93],
  memoize: [0x94],
} satisfies Record<string, Code>;

export const put = (index: number): Code => [0x71, index];
export const get = (index: number): Code => [0x68, index];

/** A whole pickle. */
export function pickle(...parts: Code[]): Uint8Array {
  return Uint8Array.from([[0x80, 2], ...parts, op.stop].flat());
}

export function text(value: string): Code {
  const bytes = ascii(value);
  return [0x58, ...little(bytes.length, 4), ...bytes];
}

/** BININT where it fits, LONG1 where not. */
export function int(value: number | bigint): Code {
  if (BigInt.asIntN(32, BigInt(value)) === BigInt(value)) return [0x4a, ...little(value, 4)];
  return [0x8a, 16, ...little(value, 16)];
}

export function float(value: number): Code {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return [0x47, ...bytes];
}

export function global(module: string, name: string): Code {
  return [0x63, ...ascii(`${module}\n${name}\n`)];
}

export function tuple(...items: Code[]): Code {
  return [...op.mark, ...items.flat(), ...op.tuple];
}

export function list(...items: Code[]): Code {
  return [...op.emptyList, ...op.mark, ...items.flat(), ...op.appends];
}

export function fill(entries: readonly (readonly [Code, Code])[]): Code {
  return [...op.mark, ...entries.flat(2), ...op.setItems];
}

export function dict(...entries: (readonly [string, Code])[]): Code {
  return [...op.emptyDict, ...fill(entries.map(([key, value]) => [text(key), value]))];
}

export function call(callee: Code, ...args: Code[]): Code {
  return [...callee, ...tuple(...args), ...op.reduce];
}

export const orderedDict: Code = call(global('collections', 'OrderedDict'));

export interface TensorCode {
  /** Name of the storage class, without `Storage`. */
  type?: string;
  key?: string;
  /** Elements the storage claims. */
  claims?: number | bigint;
  offset?: number | bigint;
  shape: readonly (number | bigint)[];
  strides?: readonly (number | bigint)[];
  /** The sixth part of a persistent id, which only the legacy form has. */
  legacy?: boolean;
}

export function persistentId({ type = 'Float', key = '0', claims, shape, legacy }: TensorCode): Code {
  const elements = claims ?? shape.map(Number).reduce((product, size) => product * size, 1);
  const parts = [text('storage'), global('torch', `${type}Storage`), text(key), text('cpu'), int(elements)];
  return [...tuple(...parts, ...(legacy ? [op.none] : [])), ...op.persistent];
}

export function rowMajor(shape: readonly (number | bigint)[]): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (const size of [...shape].reverse()) {
    strides.unshift(stride);
    stride *= Number(size);
  }
  return strides;
}

/** What torch.save writes for a tensor. */
export function tensor(spec: TensorCode): Code {
  const { offset = 0, shape, strides = rowMajor(shape) } = spec;
  return call(
    global('torch._utils', '_rebuild_tensor_v2'),
    persistentId(spec),
    int(offset),
    tuple(...shape.map(int)),
    tuple(...strides.map(int)),
    op.false,
    orderedDict,
  );
}
