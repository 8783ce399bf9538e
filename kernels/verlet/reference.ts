import type { ReferenceKernel } from "../../src/tensor/backend.js";
import type { TypedArray } from "../../src/tensor/dtype.js";

const axes = [0, 1, 2] as const;

export const packReference: ReferenceKernel = ({ ints: { C, bits, a, b, c }, buffers }) => {
  const [neighbour, shift, cell, packed, offset, moved] = buffers as TypedArray[];
  let at = 0;
  for (let x = -a; x <= a; x++)
    for (let y = -b; y <= b; y++)
      for (let z = -c; z <= c; z++, at++) {
        offset.set([x, y, z, 0], 4 * at);
        moved.set([...axes.map((k) => x * cell[k] + y * cell[3 + k] + z * cell[6 + k]), 0], 4 * at);
      }
  for (let e = 0; e < C; e++) {
    const [x, y, z] = shift.subarray(3 * e, 3 * e + 3);
    if (Math.abs(x) > a || Math.abs(y) > b || Math.abs(z) > c) return 1;
    packed[e] = ((((x + a) * (2 * b + 1) + y + b) * (2 * c + 1) + z + c) << bits) | neighbour[e];
  }
  return 0;
};

export const movedReference: ReferenceKernel = ({ ints: { N }, buffers }) => {
  const [positions, start, given, far] = buffers as TypedArray[];
  far[0] = 0;
  for (let i = 0; i < N; i++) {
    const row = positions.subarray(3 * i, 3 * i + 3);
    given.set([...row, 0], 4 * i);
    const [x, y, z] = axes.map((k) => row[k] - start[3 * i + k]);
    // Not a number where one is not.
    far[0] = Math.max(far[0], x * x + y * y + z * z);
  }
};

/** Neighbour j and offset's number of a word, and the vector from centre i. */
function seen(word: number, bits: number, i: number, given: TypedArray, moved: TypedArray) {
  const j = word & (2 ** bits - 1);
  const place = word >>> bits;
  const vector = axes.map((k) => given[4 * j + k] - given[4 * i + k] + moved[4 * place + k]);
  const distance = Math.sqrt(vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2]);
  return { j, place, vector, distance };
}

/** Where the kept candidates of centre i begin. */
const firstKept = (ptr: TypedArray, i: number): number => ptr[i] + 8 * Math.floor(i / 32);

export const withinReference: ReferenceKernel = ({ ints, reals: { rcut }, buffers }) => {
  const [packed, ptr, given, moved, count, kept] = buffers as TypedArray[];
  const { N, bits, inclusive } = ints;
  for (let i = 0; i < N; i++) {
    const first = firstKept(ptr, i);
    count[i] = 0;
    for (let e = ptr[i]; e < ptr[i + 1]; e++) {
      const { distance } = seen(packed[e], bits, i, given, moved);
      if (distance < rcut || (inclusive !== 0 && distance === rcut)) kept[first + count[i]++] = packed[e];
    }
  }
};

export const fillReference: ReferenceKernel = ({ ints: { N, bits }, buffers }) => {
  const [kept, ptr, given, moved, offset, rows] = buffers as TypedArray[];
  const [neighbour, centre, shift, vector, distance] = buffers.slice(6) as TypedArray[];
  for (let i = 0; i < N; i++)
    for (let e = rows[i]; e < rows[i + 1]; e++) {
      const pair = seen(kept[firstKept(ptr, i) + e - rows[i]], bits, i, given, moved);
      neighbour[e] = pair.j;
      centre[e] = i;
      shift.set(offset.subarray(4 * pair.place, 4 * pair.place + 3), 3 * e);
      vector.set(pair.vector, 3 * e);
      distance[e] = pair.distance;
    }
};
