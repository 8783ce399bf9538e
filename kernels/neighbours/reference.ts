import type { ReferenceCall, ReferenceKernel } from "../../src/tensor/backend.js";
import type { TypedArray } from "../../src/tensor/dtype.js";

interface Pair {
  readonly j: number;
  readonly shift: readonly number[];
  readonly vector: readonly number[];
  readonly distance: number;
}

const axes = [0, 1, 2] as const;

/** The grid cell of an atom, numbered row by row. */
function cellOf(fraction: TypedArray, grid: TypedArray, bounds: TypedArray): number {
  return axes.reduce<number>((cell, a) => {
    const periodic = ((grid[3] >> a) & 1) === 1;
    const [zero, width] = periodic ? [0, 1] : [bounds[a], bounds[3 + a] - bounds[a]];
    const at = width > 0 ? Math.trunc((fraction[a] - zero) * (grid[a] / width)) : 0;
    return cell * grid[a] + Math.min(Math.max(at, 0), grid[a] - 1);
  }, 0);
}

export const gridReference: ReferenceKernel = ({ ints: { N, F, C }, buffers }) => {
  const [wrapped, fraction, positions, offset, framePtr, bounds, grid] = buffers as TypedArray[];
  const [place, placedFraction, given, info, cellPtr] = buffers.slice(7) as TypedArray[];
  cellPtr[C] = 0;
  for (let f = 0; f < F; f++) {
    const n = grid.subarray(6 * f, 6 * f + 6);
    const cells = n[0] * n[1] * n[2];
    const members = Array.from({ length: Math.max(1, cells) }, (): number[] => []);
    for (let i = framePtr[f]; i < framePtr[f + 1]; i++) {
      const row = fraction.subarray(3 * i, 3 * i + 3);
      members[cells === 0 ? 0 : cellOf(row, n, bounds.subarray(10 * f, 10 * f + 10))].push(i);
    }
    let k = framePtr[f];
    members.forEach((atoms, cell) => {
      if (cells > 0) cellPtr[n[4] + cell] = k;
      for (const i of atoms) {
        for (const b of axes) {
          place[b * N + k] = wrapped[3 * i + b];
          placedFraction[b * N + k] = fraction[3 * i + b];
          given[3 * k + b] = positions[3 * i + b];
          info[4 * k + b] = offset[3 * i + b];
        }
        info[4 * k++ + 3] = i;
      }
    });
    if (cells > 0) cellPtr[n[4] + cells] = k;
  }
};

/** Images of the compact cell that may hold neighbours of an atom at these fractions. */
function imagesOf(fraction: readonly number[], bounds: TypedArray, periodic: number): number[][] {
  const ends = axes.map((a) => {
    if (((periodic >> a) & 1) === 0) return [0, 0];
    const reach = bounds[6 + a];
    return [Math.ceil(fraction[a] - bounds[3 + a] - reach), Math.floor(fraction[a] - bounds[a] + reach)];
  });
  const images: number[][] = [];
  for (let x = ends[0][0]; x <= ends[0][1]; x++)
    for (let y = ends[1][0]; y <= ends[1][1]; y++)
      for (let z = ends[2][0]; z <= ends[2][1]; z++) images.push([x, y, z]);
  return images;
}

/** Neighbours of the atom sorted to place k of frame f, by brute force over all images. */
function neighboursOf(k: number, f: number, call: ReferenceCall): Pair[] {
  const { N, inclusive } = call.ints;
  const { rcut } = call.reals;
  const [, fraction, given, info, , framePtr, cells, , bases, bounds, grid] = call.buffers as TypedArray[];
  const cell = cells.subarray(9 * f, 9 * f + 9);
  const basis = bases.subarray(9 * f, 9 * f + 9);
  const centre = axes.map((b) => fraction[b * N + k]);
  const images = imagesOf(centre, bounds.subarray(10 * f, 10 * f + 10), grid[6 * f + 3]);
  const found: Pair[] = [];
  for (let l = framePtr[f]; l < framePtr[f + 1]; l++)
    for (const image of images) {
      const shift = axes.map(
        (b) =>
          image[0] * basis[b] +
          image[1] * basis[3 + b] +
          image[2] * basis[6 + b] -
          info[4 * l + b] +
          info[4 * k + b],
      );
      if (k === l && shift.every((s) => s === 0)) continue;
      const vector = axes.map((b) => {
        const moved = shift[0] * cell[b] + shift[1] * cell[3 + b] + shift[2] * cell[6 + b];
        return given[3 * l + b] - given[3 * k + b] + moved;
      });
      const distance = Math.sqrt(vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2]);
      if (distance < rcut || (inclusive !== 0 && distance === rcut))
        found.push({ j: info[4 * l + 3], shift, vector, distance });
    }
  const order = (a: Pair, b: Pair): number => {
    const axis = axes.find((x) => a.shift[x] !== b.shift[x]) ?? 0;
    return a.j - b.j || a.shift[axis] - b.shift[axis];
  };
  return found.sort(order);
}

/** Calls each(i, pairs) for every atom. */
function everyAtom(call: ReferenceCall, each: (i: number, pairs: () => Pair[]) => void): void {
  const [, , , info, , framePtr] = call.buffers as TypedArray[];
  for (let f = 0; f < call.ints.F; f++)
    for (let k = framePtr[f]; k < framePtr[f + 1]; k++) each(info[4 * k + 3], () => neighboursOf(k, f, call));
}

export const countReference: ReferenceKernel = (call) => {
  const count = call.buffers[11]!;
  everyAtom(call, (i, pairs) => (count[i] = pairs().length));
};

export const fillReference: ReferenceKernel = (call) => {
  const [ptr, neighbour, centre, shift, vector, distance] = call.buffers.slice(11) as TypedArray[];
  const { from, to } = call.ints;
  everyAtom(call, (i, pairs) => {
    if (i < from || i >= to) return;
    pairs().forEach((pair, k) => {
      const e = ptr[i] - ptr[from] + k;
      neighbour[e] = pair.j;
      centre[e] = i;
      shift.set(pair.shift, 3 * e);
      vector.set(pair.vector, 3 * e);
      distance[e] = pair.distance;
    });
  });
};
