import type { ReferenceCall, ReferenceKernel } from "../../src/tensor/backend.js";
import { centrePointerFault } from "./centre-pointers.js";

/** 0 where the pointers fit. */
function faultOf({ ints: { E, N, P }, buffers }: ReferenceCall): number {
  return centrePointerFault(buffers[2]!, buffers[3]!, { E, N, P });
}

/** Every pair (j, k) of rows of one centre with the place of its matrix element. */
function forPairs(
  { ints: { N }, buffers }: ReferenceCall,
  each: (j: number, k: number, p: number) => void,
): void {
  const [ptr, start] = [buffers[2]!, buffers[3]!];
  for (let i = 0; i < N; i++) {
    const n = ptr[i + 1] - ptr[i];
    for (let j = 0; j < n; j++)
      for (let k = 0; k < n; k++) each(ptr[i] + j, ptr[i] + k, start[i] + j * n + k);
  }
}

export const raggedNTReference: ReferenceKernel = (call) => {
  const fault = faultOf(call);
  if (fault !== 0) return fault;
  const { H, P } = call.ints;
  const [x, y, , , out] = call.buffers;
  out!.fill(0, 0, P);
  forPairs(call, (j, k, p) => {
    for (let h = 0; h < H; h++) out![p] += x![j * H + h] * y![k * H + h];
  });
};

const timesRows =
  (transposed: boolean): ReferenceKernel =>
  (call) => {
    const fault = faultOf(call);
    if (fault !== 0) return fault;
    const { E, H } = call.ints;
    const [a, v, , , out] = call.buffers;
    out!.fill(0, 0, E * H);
    forPairs(call, (j, k, p) => {
      const [to, from] = transposed ? [k, j] : [j, k];
      for (let h = 0; h < H; h++) out![to * H + h] += a![p] * v![from * H + h];
    });
  };

export const raggedNNReference = timesRows(false);
export const raggedTNReference = timesRows(true);
