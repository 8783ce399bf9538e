import type { ReferenceCall, ReferenceKernel } from "../../src/tensor/backend.js";

interface Pair {
  readonly j: number;
  readonly shift: readonly number[];
  readonly vector: readonly number[];
  readonly distance: number;
}

/** Neighbours of atom i, by brute force over all images. */
function neighboursOf(
  i: number,
  { ints: { N, K, inclusive }, reals: { rcut }, buffers }: ReferenceCall,
): Pair[] {
  const [positions, , offset, cell, image] = buffers;
  const found: Pair[] = [];
  for (let j = 0; j < N; j++)
    for (let k = 0; k < K; k++) {
      const shift = [0, 1, 2].map((a) => image![3 * k + a] - offset![3 * j + a] + offset![3 * i + a]);
      if (i === j && shift.every((s) => s === 0)) continue;
      const vector = [0, 1, 2].map((b) => {
        const moved = shift[0] * cell![b] + shift[1] * cell![3 + b] + shift[2] * cell![6 + b];
        return positions![3 * j + b] - positions![3 * i + b] + moved;
      });
      const distance = Math.sqrt(vector[0] ** 2 + vector[1] ** 2 + vector[2] ** 2);
      if (distance < rcut || (inclusive !== 0 && distance === rcut))
        found.push({ j, shift, vector, distance });
    }
  return found;
}

export const countReference: ReferenceKernel = (call) => {
  for (let i = 0; i < call.ints.N; i++) call.buffers[6]![i] = neighboursOf(i, call).length;
};

export const fillReference: ReferenceKernel = (call) => {
  const [, , , , , , ptr, neighbour, shift, vector, distance] = call.buffers;
  for (let i = 0; i < call.ints.N; i++)
    neighboursOf(i, call).forEach((pair, k) => {
      const e = ptr![i] + k;
      neighbour![e] = pair.j;
      shift!.set(pair.shift, 3 * e);
      vector!.set(pair.vector, 3 * e);
      distance![e] = pair.distance;
    });
};
