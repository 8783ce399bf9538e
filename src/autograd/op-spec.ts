import type { KernelCost, ReferenceKernel, WgslKernel } from "../tensor/backend.js";
import type { DType } from "../tensor/dtype.js";
import type { Tensor } from "../tensor/tensor.js";

/** `int` and `bool` become integers of the command block, `real` a real, a list of words the position of the word. */
export type AttrType = "int" | "real" | "bool" | readonly string[];
export type Attrs = Readonly<Record<string, number | boolean | string>>;
export type Dims = Readonly<Record<string, number>>;
export type Inputs = Readonly<Record<string, Tensor>>;

/** The contract of an operation: everything backends, tests, benchmarks and docs need to know about it. */
export interface OpSpec {
  readonly name: string;
  /** Shape expressions by input name, in the order of the kernel's buffers; a name ending in `?` may be absent. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly attrs?: Readonly<Record<string, AttrType>>;
  /** Shape expressions of the outputs; one alone may be written as a string. "none": the kernel works in place. */
  readonly output: string | Readonly<Record<string, string>>;
  /** Inputs the kernel overwrites (parameters of optimisers). */
  readonly inPlace?: readonly string[];
  /** Number types of T; default f32 and f64. */
  readonly types?: readonly DType[];
  /** A sentence saying what is wrong with the attributes, or undefined. */
  readonly check?: (dims: Dims, attrs: Attrs) => string | undefined;
  /** Scratch bytes the kernel needs. */
  readonly work?: (dims: Dims, itemBytes: number) => number;
  /** What a non-zero status of the kernel means. */
  readonly status?: (code: number, dims: Dims) => string;
  /** Inputs (and "out") the gradient rule needs. */
  readonly save?: readonly string[];
  /**
   * Gradients of the inputs, written with ops; `needs(name)` tells which are wanted. `soFar(name)` takes what others have
   * contributed to the gradient of an input, for kernels that add to it in passing; the rule then returns the sum.
   */
  readonly vjp?: (
    g: Tensor,
    saved: Inputs,
    attrs: Attrs,
    needs: (name: string) => boolean,
    soFar: (name: string) => Tensor | undefined,
  ) => Record<string, Tensor | undefined>;
  /** The same function in elementary ops: test oracle, fallback on devices without the kernel, and gradient where `vjp` is absent. */
  readonly decompose?: (inputs: Inputs, attrs: Attrs) => Tensor;
  /**
   * The op whose gradient rule alone calls this one, and only where that op has a kernel: a device has kernels of both or of
   * neither.
   */
  readonly partOf?: string;
  /**
   * The op whose gradient rule calls this one where the device has its kernel; elsewhere the rule does the same with other ops.
   */
  readonly shortcutOf?: string;
  /** Work of one call, for profiles and the bounds the benchmarks print. */
  readonly cost?: (dims: Dims) => KernelCost;
  readonly reference: ReferenceKernel;
  readonly wgsl?: WgslKernel;
}
