import type { ErrorCode } from "../../tensor/error.js";
import type { ModelConfig } from "./config/deepmd-input.js";
import type { EvalTask } from "./evaluate.js";
import type { Weights } from "./parameters.js";

/** What the thread of a potential tells the thread that computes. */
export type EvalRequest =
  | {
      readonly type: "model";
      readonly model: number;
      readonly config: ModelConfig;
      readonly weights: Weights;
    }
  | { readonly type: "forget"; readonly model: number }
  | EvalJob;

export interface EvalJob {
  readonly type: "eval";
  readonly job: number;
  readonly model: number;
  readonly task: EvalTask;
  readonly frames: {
    readonly count: number;
    readonly atoms: number;
    readonly positions: Float64Array;
    readonly cells: Float64Array | null;
    readonly types: Int32Array;
    readonly fparam: Float64Array | undefined;
    readonly aparam: Float64Array | undefined;
    readonly name: string | undefined;
  };
  /** One number, shared: not 0 when nobody waits for the result any more. */
  readonly stop: Int32Array;
  readonly threads: number;
  readonly isa: string;
}

/** The answer to a job; neither result nor error: it was stopped. */
export interface EvalAnswer {
  readonly job: number;
  readonly result?: Record<string, Float64Array>;
  readonly error?: { readonly code: ErrorCode | undefined; readonly message: string };
}
