import type { ReferenceKernel } from "../../src/tensor/backend.js";
import type { DType } from "../../src/tensor/dtype.js";

export const copyReference =
  (to: DType): ReferenceKernel =>
  ({ ints: { N }, buffers: [x, out] }) => {
    for (let n = 0; n < N; n++) {
      const v = x![n];
      out![n] = to === "bool" ? Number(v !== 0) : to === "i32" ? Math.trunc(v) : v;
    }
  };
