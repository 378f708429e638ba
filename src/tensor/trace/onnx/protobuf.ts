/**
 * Protocol Buffers' wire format (https://protobuf.dev/programming-guides/encoding), the writing half: ONNX needs three
 * of its wire types and no reading. A library with generated code would be a dependency, a build step and some two
 * hundred kilobytes to do what these lines do; the tests hold the result against `onnx.checker`.
 */

const encoder = new TextEncoder();

/** From so many bytes on they are kept by reference. */
const many = 256;

const wires = { varint: 0, delimited: 2, fixed32: 5 } as const;

/**
 * A message under construction; fields are written in the order of the calls. A model is some thousands of small
 * messages, written once by a process that has just started: fields go straight into an array of bytes, since code that
 * pushed them singly would be compiled at more cost than it runs.
 */
export class Message {
  #open = new Uint8Array(64);
  /** How much of `#open` is written. */
  #at = 0;
  /** Full pieces, before the open one. */
  readonly #pieces: Uint8Array[] = [];
  #before = 0;

  get length(): number {
    return this.#before + this.#at;
  }

  /** The message as pieces. */
  get pieces(): readonly Uint8Array[] {
    return [...this.#pieces, this.#open.subarray(0, this.#at)];
  }

  /** A whole number as a varint; negative ones take ten bytes. */
  int(field: number, value: number | bigint): Message {
    this.#tag(field, wires.varint);
    this.#varint(value);
    return this;
  }

  /** Whole numbers as one packed field. */
  ints(field: number, values: readonly (number | bigint)[]): Message {
    const packed = new Message();
    for (const value of values) packed.#varint(value);
    return this.message(field, packed);
  }

  float(field: number, value: number): Message {
    this.#tag(field, wires.fixed32);
    this.#put(new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  text(field: number, value: string): Message {
    return this.bytes(field, encoder.encode(value));
  }

  /** Raw bytes, kept by reference until `finish` where they are many. */
  bytes(field: number, value: Uint8Array): Message {
    this.#tag(field, wires.delimited);
    this.#varint(value.length);
    this.#put(value);
    return this;
  }

  message(field: number, value: Message): Message {
    this.#tag(field, wires.delimited);
    this.#varint(value.length);
    for (const piece of value.pieces) this.#put(piece);
    return this;
  }

  /** The message as one array; `moved` is told of the bytes of each piece, and what it returns is waited for. */
  async finish(moved: (bytes: number) => Promise<void> | undefined): Promise<Uint8Array> {
    const whole = new Uint8Array(this.length);
    let at = 0;
    for (const piece of this.pieces) {
      whole.set(piece, at);
      at += piece.length;
      const turn = moved(piece.length);
      if (turn) await turn;
    }
    return whole;
  }

  #tag(field: number, wire: number): void {
    this.#varint((field << 3) | wire);
  }

  /** Seven bits a byte, the lowest first; the top bit says that more follow. */
  #varint(value: number | bigint): void {
    const most = 10;
    this.#reserve(most);
    if (typeof value === 'number' && value >= 0 && value < 128) {
      this.#open[this.#at++] = value;
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 127n) {
      this.#open[this.#at++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.#open[this.#at++] = Number(rest);
  }

  #put(piece: Uint8Array): void {
    if (piece.length >= many) {
      this.#pieces.push(this.#open.subarray(0, this.#at), piece);
      this.#before += this.#at + piece.length;
      this.#open = this.#open.subarray(this.#at);
      this.#at = 0;
      return;
    }
    this.#reserve(piece.length);
    this.#open.set(piece, this.#at);
    this.#at += piece.length;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#open.length) return;
    const larger = new Uint8Array(2 * (this.#open.length + bytes));
    larger.set(this.#open.subarray(0, this.#at));
    this.#open = larger;
  }
}
