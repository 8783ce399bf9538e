import type { ErrorCode } from "../tensor/error.js";
import type { Tensor } from "../tensor/tensor.js";
import type { SampleArray, Samples } from "./samples.js";

/** One input of an op, with what it takes to run it. */
export interface Sample {
  readonly inputs: Readonly<Record<string, SampleArray>>;
  readonly attrs?: Readonly<Record<string, number | string | boolean | readonly number[]>>;
  /** Too large to differentiate numerically; forward and derivatives are still compared between backends. */
  readonly large?: boolean;
}

/** A wrong input and the error it must give. */
export interface ErrorCase {
  readonly name: string;
  /** Makes the mistake; runs on the CPU device. */
  readonly run: () => unknown;
  readonly code: ErrorCode;
  readonly says: RegExp;
}

/** Everything the op matrix, the microbenchmarks and the op table know of one op. */
export interface OpCases {
  readonly op: string;
  /** Calls the op as a user would. Sees the sample's attrs; may return several tensors. */
  readonly run: (inputs: Record<string, Tensor>, attrs: NonNullable<Sample["attrs"]>) => Tensor | Tensor[];
  readonly samples: (random: Samples) => Sample[];
  /** Names of the inputs to differentiate with respect to; empty for ops without gradient. */
  readonly differentiate: readonly string[];
  /** Number types the op exists for (default f32 and f64). */
  readonly types?: readonly ("f32" | "f64")[];
  /** Highest derivative checked (default 2). */
  readonly order?: 0 | 1 | 2;
  /** Largest allowed difference from the float64 reference, relative to the largest value. */
  readonly tolerance: { readonly f32: number; readonly f64: number };
  readonly errors?: readonly ErrorCase[];
  /** Inputs for the microbenchmark. */
  readonly bench?: (random: Samples) => Sample[];
}

/** The cases of one family: at least 20 samples and 5 errors over its ops. */
export function defineCases(...cases: OpCases[]): readonly OpCases[] {
  return cases;
}
