import { abs, lessEqual, mul, mulAdd, square, where } from "../../../kernels/elementwise/ops.generated.js";
import { sum } from "../../../kernels/reduce/op.js";
import { reshape } from "../../autograd/reshape.js";
import { type Tensor, tensor } from "../../tensor/tensor.js";

/** What a loss makes of a residual: squares, absolute values, or squares up to `delta` and straight lines beyond (Huber). */
export type Penalty =
  { readonly kind: "mse" } | { readonly kind: "mae" } | { readonly kind: "huber"; readonly delta: number };

/** Differences of one quantity between label and prediction, in rows of C numbers, with how much each row counts. */
export interface Residuals {
  /** [R, C] */
  readonly difference: Tensor;
  /** [R] share of a row's squares in the loss. */
  readonly share: Float64Array;
  /** [R] share in the reported mean square; `share` where it is the same. */
  readonly reported?: Float64Array;
  /** [R] factor on residuals before Huber's function, and the share of their sum; 1 and `share` where absent. */
  readonly huber?: { readonly factor: Float64Array; readonly share: Float64Array };
  /** [R] share of a row's absolute values. `share` where it is the same. */
  readonly absolute?: Float64Array;
  /** [R, C] weights of single numbers. */
  readonly weights?: Tensor;
}

/** The loss of the residuals, a scalar, and the error shown: root mean square, or mean of absolute values. */
export function penalise(r: Residuals, penalty: Penalty): { loss: Tensor; shown: () => number } {
  if (penalty.kind === "mae") {
    const loss = weighted(abs(r.difference), r.absolute ?? r.share, r.weights);
    return { loss, shown: () => loss.itemSync() };
  }
  const squares = square(r.difference);
  const mean = weighted(squares, r.reported ?? r.share, r.weights);
  const shown = (): number => Math.sqrt(mean.itemSync());
  if (penalty.kind === "mse")
    return { loss: r.reported === undefined ? mean : weighted(squares, r.share, r.weights), shown };
  const d = r.huber === undefined ? r.difference : mul(r.difference, column(r.huber.factor));
  const { delta } = penalty;
  const size = abs(d);
  const bent = where(lessEqual(size, delta), mul(square(d), 0.5), mulAdd(size, delta, -0.5 * delta * delta));
  return { loss: weighted(bent, r.huber?.share ?? r.share, r.weights), shown };
}

function weighted(x: Tensor, share: Float64Array, weights: Tensor | undefined): Tensor {
  const rows = sum(weights === undefined ? x : mul(x, weights), { axis: 1 });
  return sum(mul(rows, tensor(share, [share.length])));
}

function column(values: Float64Array): Tensor {
  return reshape(tensor(values, [values.length]), [values.length, 1]);
}
