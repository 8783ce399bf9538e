import { add, ones, requireGrad, scope, tensor } from "../../src/index.js";
import { keep } from "../../src/tensor/scope.js";
import type { Bench } from "../bench.js";

const calls = 100;

/** Host cost of an op: a hundred additions of four numbers in a scope, which frees the sums, with and without the tape. */
function addRow(taped: boolean): Bench {
  return {
    name: taped ? "op/add-taped" : "op/add",
    dtype: "f32",
    threads: 1,
    open: () => {
      const x = keep(taped ? requireGrad(tensor([1, 2, 3, 4])) : tensor([1, 2, 3, 4]));
      const y = keep(ones([4]));
      return Promise.resolve({
        run: () =>
          scope(() => {
            for (let k = 0; k < calls; k++) add(x, y);
          }),
        work: { calls },
        floor: { flop: 4 * calls },
        peers: [
          {
            peer: "torch",
            program: "torch_ops.py",
            args: ["--threads", "1"],
            request: { op: "add", dtype: "f32", shape: [4], grad: taped, calls },
          },
        ],
        close: () => [x, y].forEach((t) => t.dispose()),
      });
    },
  };
}

export const addRows: readonly Bench[] = [addRow(false), addRow(true)];
