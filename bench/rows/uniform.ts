import { philox4x32 } from "../../src/tensor/philox.js";

/** Reproducible numbers in [-1, 1). */
export function uniform(count: number, seed: number): Float64Array {
  const out = new Float64Array(count);
  for (let k = 0; k < count; k += 4) {
    const words = philox4x32([k, 0, 0, 0], [seed, 0]);
    for (let j = 0; j < 4 && k + j < count; j++) out[k + j] = words[j] / 2 ** 31 - 1;
  }
  return out;
}
