import type { ReferenceCall, ReferenceKernel } from "../../src/tensor/backend.js";
import { rowPointerFault } from "./row-pointers.js";

/** Adds one term per row e of a segment s, column a and column b: places of x or out [E,A], y or out [E,B], z or out [N,A,B]. */
const kernel =
  (
    outSize: (d: Readonly<Record<string, number>>) => number,
    term: (call: ReferenceCall, ea: number, eb: number, sab: number) => void,
  ): ReferenceKernel =>
  (call) => {
    const fault = rowPointerFault(call.buffers[2]!, call.ints);
    if (fault !== 0) return fault;
    const { A, B, N } = call.ints;
    const ptr = call.buffers[2]!;
    call.buffers[3]!.fill(0, 0, outSize(call.ints));
    for (let s = 0; s < N; s++)
      for (let e = ptr[s]; e < ptr[s + 1]; e++)
        for (let a = 0; a < A; a++)
          for (let b = 0; b < B; b++) term(call, e * A + a, e * B + b, (s * A + a) * B + b);
    return 0;
  };

export const segmentOuterReference = kernel(
  ({ N, A, B }) => N * A * B,
  ({ buffers: [x, y, , out] }, ea, eb, sab) => void (out![sab] += x![ea] * y![eb]),
);

export const segmentApplyReference = kernel(
  ({ E, B }) => E * B,
  ({ buffers: [x, z, , out] }, ea, eb, sab) => void (out![eb] += x![ea] * z![sab]),
);

const applyT = kernel(
  ({ E, A }) => E * A,
  ({ buffers: [y, z, , out] }, ea, eb, sab) => void (out![ea] += y![eb] * z![sab]),
);

export const segmentApplyTReference: ReferenceKernel = (call) => {
  const [y, z, ptr, addend, out] = call.buffers;
  const fault = applyT({ ...call, buffers: [y, z, ptr, out] });
  if (fault !== 0 || addend === undefined) return fault;
  for (let k = 0; k < call.ints.E * call.ints.A; k++) out![k] += addend[k];
  return 0;
};
