import type { Rules } from "../../models/deepmd/settings.js";
import type { MetricsRow } from "./metrics-file.js";
import type { StartingPoint } from "./starting-point.js";

export interface TrainOptions extends StartingPoint {
  /** Whose rules a new model follows; default: TensorFlow's where the input has keys of its own, else PyTorch's. */
  rules?: Rules;
  skipNeighborStat?: boolean;
  /** JSON lines, one per displayed row, unrounded. */
  metrics?: string;
  /** Where the completed input goes (default out.json). */
  output?: string;
  /** Stops after the current step, saving a checkpoint. */
  signal?: AbortSignal;
  /** Everything is read and checked, and the first step comes next: until here a killed run leaves nothing behind. */
  onBegin?: () => void;
  onMessage?: (text: string) => void;
  onRow?: (row: MetricsRow) => void;
  /** After every step: updates done and in all. */
  onStep?: (done: number, total: number) => void;
}

/** Where the completed input goes. */
export function outJson({ output }: TrainOptions): string {
  return output ?? "out.json";
}

export interface TrainResult {
  /** The newest checkpoint. */
  readonly model: string;
  readonly steps: number;
  readonly interrupted: boolean;
}
