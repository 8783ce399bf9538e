import {
  gatherMultiplySum,
  grad,
  indexMap,
  mul,
  requireGrad,
  scope,
  segmentSum,
  setThreads,
  sum,
  tensor,
} from "../../src/index.js";
import { keep } from "../../src/tensor/scope.js";
import type { Bench } from "../bench.js";
import { uniform } from "./uniform.js";

const rowCount = 300_000;
const columns = 128;
const segments = 10_000;
const torch = { peer: "torch", program: "torch_ops.py", args: ["--threads", "2"] } as const;

/** Sorted segment numbers of all rows, segments of about 30 rows. */
function sortedSegments(): Int32Array {
  const index = new Int32Array(rowCount);
  uniform(rowCount, 3).forEach(
    (u, e) => (index[e] = Math.min(segments - 1, Math.floor(((u + 1) / 2) * segments))),
  );
  return index.sort();
}

const sorted: Bench = {
  name: "segment-sum/sorted-300kx128",
  dtype: "f32",
  threads: 2,
  open: () => {
    setThreads(2);
    const x = keep(tensor(uniform(rowCount * columns, 1), [rowCount, columns], { dtype: "f32" }));
    const map = indexMap(sortedSegments(), segments);
    return Promise.resolve({
      run: () => scope(() => void segmentSum(x, map.ptr)),
      work: { rows: rowCount, columns, segments },
      floor: { flop: rowCount * columns, bytes: 4 * columns * (rowCount + segments) },
      peers: [{ ...torch, request: { op: "index_add", dtype: "f32", rows: rowCount, columns, segments } }],
      close: () => x.dispose(),
    });
  },
};

/** out[i] = sum over e of x[source e] * w[e], and the gradients of its sum of squares' half for x and w. */
const gatherMultiply: Bench = {
  name: "segment-sum/gather-multiply-300kx128",
  dtype: "f32",
  threads: 2,
  open: () => {
    setThreads(2);
    const x = keep(
      requireGrad(tensor(uniform(segments * columns, 1), [segments, columns], { dtype: "f32" })),
    );
    const w = keep(
      requireGrad(tensor(uniform(rowCount * columns, 2), [rowCount, columns], { dtype: "f32" })),
    );
    const target = indexMap(sortedSegments(), segments);
    const source = indexMap(
      Int32Array.from(uniform(rowCount, 4), (u) =>
        Math.min(segments - 1, Math.floor(((u + 1) / 2) * segments)),
      ),
      segments,
    );
    return Promise.resolve({
      run: () =>
        scope(() => {
          const out = gatherMultiplySum(x, w, { source, target });
          grad(sum(mul(out, out)), [x, w]);
        }),
      work: { rows: rowCount, columns, segments },
      // w read twice and its gradient written; x, the sums and their gradients lie in the caches.
      floor: { flop: 6 * rowCount * columns, bytes: 4 * columns * 3 * rowCount },
      peers: [
        { ...torch, request: { op: "gather_multiply", dtype: "f32", rows: rowCount, columns, segments } },
      ],
      close: () => [x, w].forEach((t) => t.dispose()),
    });
  },
};

export const segmentSumRows: readonly Bench[] = [sorted, gatherMultiply];
