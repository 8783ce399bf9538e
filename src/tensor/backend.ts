import type { DType, TypedArray } from "./dtype.js";

/** Where tensors live and kernels run. */
export type DeviceName = "cpu" | "cuda" | "webgpu" | "reference";

/**
 * The command block: one Int32Array and one Float64Array a backend shares with the ops. An op writes the slots of its
 * buffers, its dimensions and attributes here and calls `launch`; nothing is passed as an argument (native/command.h holds
 * the same numbers).
 */
export const word = {
  kernel: 0,
  status: 1,
  work: 2,
  buffers: 3,
  maxBuffers: 24,
  ints: 27,
  maxInts: 69,
  count: 96,
  maxReals: 32,
  /** Written after the last buffer's slot. */
  end: -2,
} as const;

/** What the reference kernel of an op receives: named dimensions and attributes, and the host arrays themselves. */
export interface ReferenceCall {
  /** Dimensions and integer attributes by the names of the contract. */
  readonly ints: Readonly<Record<string, number>>;
  readonly reals: Readonly<Record<string, number>>;
  /** All integers as written to the command block, for kernels whose layout has no names (elementwise). */
  readonly words: Int32Array;
  readonly values: Float64Array;
  /** Inputs then outputs; an absent optional input is undefined. Buffers may be longer than their tensors. */
  readonly buffers: readonly (TypedArray | undefined)[];
}

/** Returns a status like the native kernels: nothing or 0 when done. */
export type ReferenceKernel = (call: ReferenceCall) => number | void;

/** How a kernel runs on WebGPU: the shader's text, and the number of workgroups in x, y, z. */
export interface WgslKernel {
  /**
   * WGSL module. Group 0 binds the inputs in order as `var<storage, read>` (one buffer
   * may then stand in several: x * x), the outputs and the inputs the op overwrites as `var<storage, read_write>`, then the
   * uniform `struct Parameters { ints: array<vec4<i32>, 18>, reals: array<vec4<f32>, 8> }`. Absent inputs are bound to a
   * dummy; the last integer (word 71) has bit k set where input k is absent. `T` is the number type of the launch.
   */
  readonly code: string;
  /** Name of the entry point (default: the kernel's name, unless that hides a WGSL function the text uses). */
  readonly entry?: string;
  /** Number types the text works in, written as `T` (default: f32 alone). */
  readonly types?: readonly ("f32" | "i32")[];
  /** Inputs the text does not read (a gradient rule does): they have no binding, the others close ranks. */
  readonly unread?: readonly string[];
  /** Workgroups for these dimensions. */
  readonly groups: (ints: Int32Array) => readonly [number, number, number];
}

/** Workgroups of 64 invocations for `count` elements, spread over x and y (a dimension holds at most 65,535 groups). */
export function groupsOf64(count: number): [number, number, number] {
  return spreadGroups(Math.ceil(count / 64));
}

/** `groups` workgroups over x and y; up to one row of 32,768 too many. */
export function spreadGroups(groups: number): [number, number, number] {
  return [Math.min(groups, 32768), Math.ceil(groups / 32768), 1];
}

/** What one call must do: floating-point operations, and elements of all inputs and outputs, each counted once. */
export interface KernelCost {
  readonly flop: number;
  readonly elements: number;
}

/** One operation as a backend meets it. The same object on every device; bodies are looked up by name. */
export interface Kernel {
  readonly name: string;
  /** Names of the integers in the command block (dimensions in order of appearance, then integer attributes). */
  readonly intNames: readonly string[];
  readonly realNames: readonly string[];
  /** How many integers the kernel reads, from the first of them (default: as many as have names). */
  readonly intCount?: (first: number) => number;
  /** Absent inputs are numbers, which stand among the reals at the positions of the inputs (elementwise operations). */
  readonly numbers?: boolean;
  readonly inputs: number;
  readonly outputs: number;
  /** Number types of the buffers in order; undefined is the type the kernel is launched in. */
  readonly types: readonly (DType | undefined)[];
  /** Positions of the inputs the kernel overwrites. */
  readonly inPlace?: readonly number[];
  /** Positions of the buffers that WebGPU binds, in order (default: all). */
  readonly bound?: readonly number[];
  readonly reference: ReferenceKernel;
  readonly wgsl?: WgslKernel;
  /** From the integers of the command block. */
  readonly cost?: (ints: Int32Array) => KernelCost;
  /** A slot per backend for what it looked up (body ids, pipelines): filled at first use. */
  readonly cache: unknown[];
}

/** Memory and kernels of one device. */
export interface Backend {
  readonly device: DeviceName;
  /** Index into `Kernel.cache`. */
  readonly index: number;
  readonly words: Int32Array;
  readonly reals: Float64Array;
  /** Number types kernels exist for. */
  readonly dtypes: readonly DType[];
  /** Bytes of one element on this device (WebGPU keeps bytes as 32-bit words). */
  itemBytes(dtype: DType): number;
  /** A new slot of at least `bytes` bytes, content unspecified. Errors: DEVICE when memory is exhausted. */
  allocate(bytes: number): number;
  release(slot: number): void;
  /** Copies host data into a slot (the slot may be larger). */
  write(slot: number, data: TypedArray, dtype: DType): void;
  /** Copies `size` elements out of a slot. Errors: ASYNC_DEVICE where a device cannot block. */
  readSync(slot: number, dtype: DType, size: number): TypedArray;
  read(slot: number, dtype: DType, size: number): Promise<TypedArray>;
  /** Turns a large slot's memory into an array without copying; the slot is gone then. Undefined where that cannot be. */
  detach?(slot: number, dtype: DType, size: number): TypedArray | undefined;
  /** A slot of the array's own memory, until it is released. Absent where kernels cannot reach host memory. */
  lend?(data: TypedArray): number;
  /** A host array, content unspecified, that is about to be lent and filled (default: a new one). */
  unfilled?(dtype: DType, size: number): TypedArray;
  /** Fills a slot with NaN patterns: tests poison outputs with it. */
  poison(slot: number): void;
  /** Runs the kernel described by the command block. `type` is the code of the kernel's number type. */
  launch(kernel: Kernel, type: number): void;
  /** Whether this device has a body for the kernel in this number type. */
  supports(kernel: Kernel, dtype: DType): boolean;
}
