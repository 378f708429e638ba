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
  /** The message as one array; `moved` is told of the bytes of each piece, and what it returns is waited for. */
  finish(moved: (bytes: number) => Promise<void> | undefined): Promise<Uint8Array>;
  /** The message as pieces, and its length. */
  readonly pieces: readonly Piece[];
  readonly length: number;
}

/** Single bytes as they come, or many at once: an array for each field of a few bytes would take longer than all else. */
type Piece = number[] | Uint8Array;

/** From so many bytes on they are kept by reference. */
const many = 256;

const wires = { varint: 0, delimited: 2, fixed32: 5 } as const;

export function message(): Message {
  const pieces: Piece[] = [];
  let length = 0;
  const put = (piece: Piece) => {
    length += piece.length;
    if (piece.length >= many) {
      pieces.push(piece);
      return;
    }
    let last = pieces.at(-1);
    if (!Array.isArray(last) || last.length >= many) {
      last = [];
      pieces.push(last);
    }
    for (const byte of piece) last.push(byte);
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
      const packed = values.flatMap(varint);
      delimited(field, packed.length);
      put(packed);
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
    async finish(moved) {
      const whole = new Uint8Array(length);
      let at = 0;
      for (const piece of pieces) {
        whole.set(piece, at);
        at += piece.length;
        const turn = moved(piece.length);
        if (turn) await turn;
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
function varint(value: number | bigint): number[] {
  if (typeof value === 'number' && value >= 0 && value < 128) return [value];
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return bytes;
}
