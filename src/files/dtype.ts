/**
 * Element types that checkpoints hold, by their safetensors names, with their widths in bytes. Files are little-endian, and
 * the typed arrays below assume that the processor is, too.
 */
export const dtypeWidths = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;

/** One of the thirteen element types. */
export type Dtype = keyof typeof dtypeWidths;

/** Whether a name is that of an element type, spelled as safetensors spells it. */
export function isDtype(name: unknown): name is Dtype {
  return typeof name === 'string' && Object.hasOwn(dtypeWidths, name);
}

/**
 * The bytes of a tensor: the product of its shape times the width, or undefined where that passes 2^53 - 1 and a double
 * could no longer tell two sizes apart. Axes are multiplied in order, so a zero only forgives what follows it.
 */
export function tensorBytes(dtype: Dtype, shape: readonly number[]): number | undefined {
  let size = 1;
  for (const axis of shape) {
    size *= axis;
    if (size > Number.MAX_SAFE_INTEGER) return undefined;
  }
  size *= dtypeWidths[dtype];
  return size > Number.MAX_SAFE_INTEGER ? undefined : size;
}

// One table look-up per half: sign, exponent and fraction of all 65,536 halves are decoded once, on first use.
let halfTable: Float32Array | undefined;

function halves(): Float32Array {
  if (halfTable) return halfTable;
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const magnitude =
      exponent === 31
        ? fraction
          ? Number.NaN
          : Number.POSITIVE_INFINITY
        : exponent === 0
          ? fraction * 2 ** -24
          : (1024 + fraction) * 2 ** (exponent - 25);
    table[bits] = bits & 0x8000 ? -magnitude : magnitude;
  }
  halfTable = table;
  return table;
}

/** A typed array over `bytes`, copied only where its alignment forbids a view. */
function view<T>(
  Type: { new (buffer: ArrayBufferLike, offset: number, length: number): T; BYTES_PER_ELEMENT: number },
  bytes: Uint8Array,
): T {
  // The constructor, not `slice`: a Node.js Buffer's `slice` shares memory and stays unaligned.
  const aligned = bytes.byteOffset % Type.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  return new Type(aligned.buffer, aligned.byteOffset, aligned.byteLength / Type.BYTES_PER_ELEMENT);
}

/**
 * Little-endian bytes of any dtype as float32 values; `into` (its first elements) saves an allocation.
 * F16 and BF16 are exact (a NaN may lose its payload); F64 and integers beyond 2^24 are rounded once to the nearest
 * float32, ties to even.
 * @throws RangeError when `bytes` is no whole number of elements or `into` is too short.
 */
export function toFloat32(dtype: Dtype, bytes: Uint8Array, into?: Float32Array): Float32Array {
  const count = bytes.length / dtypeWidths[dtype];
  if (!Number.isInteger(count))
    throw new RangeError(`toFloat32: ${bytes.length} bytes are no whole number of ${dtype}`);
  const out = into ? into.subarray(0, count) : new Float32Array(count);
  if (out.length < count) throw new RangeError(`toFloat32: 'into' holds ${out.length} values, ${count} wanted`);
  switch (dtype) {
    case 'F16': {
      const bits = view(Uint16Array, bytes);
      const table = halves();
      for (let i = 0; i < count; i++) out[i] = table[bits[i]!]!;
      break;
    }
    case 'BF16': {
      const bits = view(Uint16Array, bytes);
      const words = new Uint32Array(out.buffer, out.byteOffset, count);
      for (let i = 0; i < count; i++) words[i] = bits[i]! << 16;
      break;
    }
    case 'I64':
    case 'U64': {
      const values = dtype === 'I64' ? view(BigInt64Array, bytes) : view(BigUint64Array, bytes);
      for (let i = 0; i < count; i++) out[i] = roundToOdd(values[i]!);
      break;
    }
    default:
      out.set(numberView(dtype, bytes));
  }
  return out;
}

/**
 * A 64-bit integer as a double that rounds to the same float32. Beyond 2^53 the lost low bits are folded into the last
 * kept one, because rounding twice, to a double and then to a float, can land on the wrong side of a tie.
 */
function roundToOdd(value: bigint): number {
  const near = Number(value);
  if (Number.isSafeInteger(near)) return near;
  const high = value >> 11n;
  return Number(high << 11n === value ? high : high | 1n) * 2048;
}

function numberView(dtype: Exclude<Dtype, 'F16' | 'BF16' | 'I64' | 'U64'>, bytes: Uint8Array): ArrayLike<number> {
  switch (dtype) {
    case 'F32':
      return view(Float32Array, bytes);
    case 'F64':
      return view(Float64Array, bytes);
    case 'I32':
      return view(Int32Array, bytes);
    case 'U32':
      return view(Uint32Array, bytes);
    case 'I16':
      return view(Int16Array, bytes);
    case 'U16':
      return view(Uint16Array, bytes);
    case 'I8':
      return view(Int8Array, bytes);
    case 'U8':
    case 'BOOL':
      return bytes;
  }
}

const scratchFloat = new Float32Array(1);
const scratchBits = new Uint32Array(scratchFloat.buffer);

/** The float16 bits nearest to a float32 value, ties to even; 65520 and beyond become infinity, NaN stays NaN. */
export function toFloat16Bits(value: number): number {
  scratchFloat[0] = value;
  const bits = scratchBits[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal: the value in units of 2^-24, rounded half to even.
    const units = Math.abs(scratchFloat[0]!) * 2 ** 24;
    const floor = Math.floor(units);
    const rest = units - floor;
    return sign | (floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0));
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

/** The bfloat16 bits nearest to a float32 value, ties to even; overflow becomes infinity, NaN stays NaN. */
export function toBfloat16Bits(value: number): number {
  scratchFloat[0] = value;
  const bits = scratchBits[0]!;
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/**
 * Float32 values as little-endian bytes of a floating dtype, each rounded to the nearest, ties to even. F32 is a view of
 * the same memory, not a copy.
 */
export function fromFloat32(dtype: 'F32' | 'F16' | 'BF16', values: Float32Array): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const convert = dtype === 'F16' ? toFloat16Bits : toBfloat16Bits;
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) bits[i] = convert(values[i]!);
  return new Uint8Array(bits.buffer);
}
