import type { ReferenceCall, ReferenceKernel } from "../../src/tensor/backend.js";
import type { TypedArray } from "../../src/tensor/dtype.js";

interface Pair {
  readonly j: number;
  readonly shift: readonly number[];
  readonly vector: readonly number[];
  readonly distance: number;
}

const axes = [0, 1, 2] as const;

/** Images of the compact cell that may hold neighbours of an atom at these fractions. */
function* imagesOf(fraction: TypedArray, bounds: TypedArray): Generator<number[]> {
  const ends = axes.map((a) => {
    const reach = bounds[6 + a];
    if (reach < 0) return [0, 0];
    return [Math.ceil(fraction[a] - bounds[3 + a] - reach), Math.floor(fraction[a] - bounds[a] + reach)];
  });
  for (let x = ends[0][0]; x <= ends[0][1]; x++)
    for (let y = ends[1][0]; y <= ends[1][1]; y++)
      for (let z = ends[2][0]; z <= ends[2][1]; z++) yield [x, y, z];
}

/** Neighbours of atom i, by brute force over all images. */
function neighboursOf(i: number, { ints: { inclusive }, reals: { rcut }, buffers }: ReferenceCall): Pair[] {
  const [positions, , fraction, offset, frame, framePtr, cells, , bases, bounds] = buffers as TypedArray[];
  const f = frame[i];
  const cell = cells.subarray(9 * f, 9 * f + 9);
  const basis = bases.subarray(9 * f, 9 * f + 9);
  const images = [...imagesOf(fraction.subarray(3 * i, 3 * i + 3), bounds.subarray(10 * f, 10 * f + 10))];
  const found: Pair[] = [];
  for (let j = framePtr[f]; j < framePtr[f + 1]; j++) {
    const first = found.length;
    for (const image of images) {
      const shift = axes.map(
        (b) =>
          image[0] * basis[b] +
          image[1] * basis[3 + b] +
          image[2] * basis[6 + b] -
          offset[3 * j + b] +
          offset[3 * i + b],
      );
      if (i === j && shift.every((s) => s === 0)) continue;
      const vector = axes.map((b) => {
        const moved = shift[0] * cell[b] + shift[1] * cell[3 + b] + shift[2] * cell[6 + b];
        return positions[3 * j + b] - positions[3 * i + b] + moved;
      });
      const distance = Math.sqrt(vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2]);
      if (distance < rcut || (inclusive !== 0 && distance === rcut))
        found.push({ j, shift, vector, distance });
    }
    const group = found.splice(first);
    group.sort((a, b) => a.shift[0] - b.shift[0] || a.shift[1] - b.shift[1] || a.shift[2] - b.shift[2]);
    found.push(...group);
  }
  return found;
}

export const countReference: ReferenceKernel = (call) => {
  for (let i = 0; i < call.ints.N; i++) call.buffers[10]![i] = neighboursOf(i, call).length;
};

export const fillReference: ReferenceKernel = (call) => {
  const [ptr, neighbour, shift, vector, distance] = call.buffers.slice(10) as TypedArray[];
  for (let i = 0; i < call.ints.N; i++)
    neighboursOf(i, call).forEach((pair, k) => {
      const e = ptr[i] + k;
      neighbour[e] = pair.j;
      shift.set(pair.shift, 3 * e);
      vector.set(pair.vector, 3 * e);
      distance[e] = pair.distance;
    });
};
