/**
 * Protocol Buffers' wire format (https://protobuf.dev/programming-guides/encoding), the writing half: ONNX needs three
 * of its wire types and no reading. A library with generated code would be a dependency, a build step and some two
 * hundred kilobytes to do what these lines do; the tests hold the result against `onnx.checker`.
 */

const encoder = new TextEncoder();

/** A message under construction; fields are written in the order of the calls. */
export interface Message {
  /** A whole number as a varint; negative ones take ten bytes. */
  int(field: number, value: number | bigint): Message;
  /** Whole numbers as one packed field. */
  ints(field: number, values: readonly (number | bigint)[]): Message;
  float(field: number, value: number): Message;
  text(field: number, value: string): Message;
  /** Raw bytes, kept by reference until `finish`. */
  bytes(field: number, value: Uint8Array): Message;
  message(field: number, value: Message): Message;
  /** The message as one array. */
  finish(): Uint8Array;
  /** The message as pieces, and its length. */
  readonly pieces: readonly Uint8Array[];
  readonly length: number;
}

const wires = { varint: 0, delimited: 2, fixed32: 5 } as const;

export function message(): Message {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const put = (piece: Uint8Array) => {
    pieces.push(piece);
    length += piece.length;
  };
  const tag = (field: number, wire: number) => put(varint((field << 3) | wire));
  const delimited = (field: number, size: number) => {
    tag(field, wires.delimited);
    put(varint(size));
  };
  const self: Message = {
    int(field, value) {
      tag(field, wires.varint);
      put(varint(value));
      return self;
    },
    ints(field, values) {
      const packed = values.map(varint);
      delimited(
        field,
        packed.reduce((size, piece) => size + piece.length, 0),
      );
      packed.forEach(put);
      return self;
    },
    float(field, value) {
      tag(field, wires.fixed32);
      put(new Uint8Array(Float32Array.of(value).buffer));
      return self;
    },
    text: (field, value) => self.bytes(field, encoder.encode(value)),
    bytes(field, value) {
      delimited(field, value.length);
      put(value);
      return self;
    },
    message(field, value) {
      delimited(field, value.length);
      value.pieces.forEach(put);
      return self;
    },
    finish() {
      const whole = new Uint8Array(length);
      let at = 0;
      for (const piece of pieces) {
        whole.set(piece, at);
        at += piece.length;
      }
      return whole;
    },
    pieces,
    get length() {
      return length;
    },
  };
  return self;
}

/** Seven bits a byte, the lowest first; the top bit says that more follow. */
function varint(value: number | bigint): Uint8Array {
  if (typeof value === 'number' && value >= 0 && value < 128) return Uint8Array.of(value);
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}
