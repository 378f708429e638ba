/**
 * TensorFlow.js as the editor knows it: the operations that attentions are given, on tensors whose values cannot be
 * read, for there are none while a function is recorded. The bundler puts it in the place of the package's own types,
 * from which it differs in one more thing: what two tensors of one kind add up to is of that kind.
 */
export type Rank = 'R0' | 'R1' | 'R2' | 'R3' | 'R4' | 'R5' | 'R6';
export interface ShapeMap {
  R0: number[];
  R1: [number];
  R2: [number, number];
  R3: [number, number, number];
  R4: [number, number, number, number];
  R5: [number, number, number, number, number];
  R6: [number, number, number, number, number, number];
}
export type DataType = 'float32' | 'int32' | 'bool';
export type TensorLike = ArrayLike<number> | number | boolean | readonly TensorLike[];

/** Numbers in rows, with a size for every axis. Their values are not known before the recorded function runs. */
export interface Tensor<R extends Rank = Rank> {
  readonly rankType: R;
  readonly shape: ShapeMap[R];
  readonly dtype: DataType;
  /** How many values there are. */
  readonly size: number;
  readonly rank: number;
}
export type Scalar = Tensor<'R0'>;
export type Tensor1D = Tensor<'R1'>;
export type Tensor2D = Tensor<'R2'>;
export type Tensor3D = Tensor<'R3'>;
export type Tensor4D = Tensor<'R4'>;

/** `a + b`, sizes of one stretched to the other's. */
export declare function add<T extends Tensor>(a: T, b: NoInfer<T> | Scalar | number): T;
export declare function add<T extends Tensor>(a: Tensor | TensorLike, b: Tensor | TensorLike): T;
/** `a - b`, sizes of one stretched to the other's. */
export declare function sub<T extends Tensor>(a: T, b: NoInfer<T> | Scalar | number): T;
export declare function sub<T extends Tensor>(a: Tensor | TensorLike, b: Tensor | TensorLike): T;
/** `a b`, element by element, sizes of one stretched to the other's. */
export declare function mul<T extends Tensor>(a: T, b: NoInfer<T> | Scalar | number): T;
export declare function mul<T extends Tensor>(a: Tensor | TensorLike, b: Tensor | TensorLike): T;
/** `a / b`, element by element, sizes of one stretched to the other's. */
export declare function div<T extends Tensor>(a: T, b: NoInfer<T> | Scalar | number): T;
export declare function div<T extends Tensor>(a: Tensor | TensorLike, b: Tensor | TensorLike): T;
/** The matrix product along the last two axes. */
export declare function matMul<T extends Tensor>(
  a: Tensor | TensorLike,
  b: Tensor | TensorLike,
  transposeA?: boolean,
  transposeB?: boolean,
): T;
/** Sums along some axes, all by default. */
export declare function sum<T extends Tensor>(x: Tensor | TensorLike, axis?: number | number[], keepDims?: boolean): T;
/** Means along some axes, all by default. */
export declare function mean<T extends Tensor>(x: Tensor | TensorLike, axis?: number | number[], keepDims?: boolean): T;
/** `exp(x) / sum(exp(x))` along one axis, the last by default. */
export declare function softmax<T extends Tensor>(logits: T | TensorLike, dim?: number): T;
/** One after the other along an axis. */
export declare function concat<T extends Tensor>(tensors: readonly (T | TensorLike)[], axis?: number): T;
/** Rows of an axis by their indices. */
export declare function gather<T extends Tensor>(
  x: T | TensorLike,
  indices: Tensor | TensorLike,
  axis?: number,
  batchDims?: number,
): T;
/** A part, from `begin` on, of `size` in every axis. */
export declare function slice<R extends Rank, T extends Tensor<R>>(
  x: T | TensorLike,
  begin: number | number[],
  size?: number | number[],
): T;
/** Axes in another order, reversed by default. */
export declare function transpose<T extends Tensor>(x: T | TensorLike, perm?: number[]): T;
/** A constant of no axes. */
export declare function scalar(value: number | boolean, dtype?: DataType): Scalar;
/** A constant. */
export declare function tensor<R extends Rank>(values: TensorLike, shape?: ShapeMap[R], dtype?: DataType): Tensor<R>;
/** A constant of four axes. */
export declare function tensor4d(values: TensorLike, shape?: ShapeMap['R4'], dtype?: DataType): Tensor4D;
/** Zeros. */
export declare function zeros<R extends Rank>(shape: ShapeMap[R], dtype?: DataType): Tensor<R>;
