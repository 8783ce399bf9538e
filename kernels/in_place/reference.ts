import type { ReferenceKernel } from "../../src/tensor/backend.js";

export const blendReference: ReferenceKernel = ({
  ints: { N },
  reals: { weight },
  buffers: [target, source],
}) => {
  for (let k = 0; k < N; k++) target![k] += weight * (source![k] - target![k]);
};

export const exchangeReference: ReferenceKernel = ({ ints: { N }, buffers: [a, b] }) => {
  for (let k = 0; k < N; k++) [a![k], b![k]] = [b![k], a![k]];
};
