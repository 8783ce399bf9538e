import { add, ones, requireGrad, tensor } from "../../src/index.js";
import { keep } from "../../src/tensor/scope.js";
import type { Bench } from "../bench.js";

/** Host cost of one op, an addition of four numbers, with and without the tape. */
function addRow(taped: boolean): Bench {
  return {
    name: taped ? "op/add-taped" : "op/add",
    dtype: "f32",
    threads: 1,
    open: () => {
      const x = keep(taped ? requireGrad(tensor([1, 2, 3, 4])) : tensor([1, 2, 3, 4]));
      const y = keep(ones([4]));
      return Promise.resolve({
        run: () => add(x, y).dispose(),
        work: { calls: 1 },
        floor: { flop: 4 },
        peers: [
          {
            peer: "torch",
            program: "torch_ops.py",
            args: ["--threads", "1"],
            request: { op: "add", dtype: "f32", shape: [4], grad: taped },
          },
        ],
        close: () => [x, y].forEach((t) => t.dispose()),
      });
    },
  };
}

export const addRows: readonly Bench[] = [addRow(false), addRow(true)];
