import type { DType } from "../../tensor/dtype.js";
import type { Tensor } from "../../tensor/tensor.js";
import type { DeepmdGraph } from "./graph.js";

/** Statistics of the environment matrix per centre type: [nt, 4] each, `mean` davg and `stddev` dstd. */
export interface EnvironmentStatistics {
  readonly mean: Float64Array;
  readonly stddev: Float64Array;
}

/** What turns the neighbours of atoms into numbers that do not change when the structure is moved or turned. */
export interface Descriptor {
  /** Numbers per atom that the fitting net sees. */
  readonly width: number;
  /** The last so many of them are the type's own vector. */
  readonly typeWidth: number;
  readonly dtype: DType;
  /** Whether empty slots of `sel` contribute: statistics with a mean other than 0. */
  readonly needsEmptySlots: boolean;
  /** [atoms, width]: one tensor with all atoms in order (se_atten), or one per block of `graph.byType`. */
  forward(graph: DeepmdGraph): Tensor[];
  dispose(): void;
}
