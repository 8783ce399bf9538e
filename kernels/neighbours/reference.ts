import type { ReferenceCall, ReferenceKernel } from "../../src/tensor/backend.js";
import type { TypedArray } from "../../src/tensor/dtype.js";

interface Pair {
  readonly j: number;
  readonly shift: readonly number[];
  readonly vector: readonly number[];
  readonly distance: number;
}

const axes = [0, 1, 2] as const;

/** What the kernels read of frame f (op.ts says where it stands). */
export function frameOf(f: number, frame: TypedArray, plan: TypedArray) {
  const real = (from: number, count: number) => frame.subarray(37 * f + from, 37 * f + from + count);
  const whole = (from: number, count: number) => plan.subarray(17 * f + from, 17 * f + from + count);
  const [periodic, firstCell] = whole(12, 2);
  return {
    cell: real(0, 9),
    compact: real(9, 9),
    inverse: real(18, 9),
    low: real(27, 3),
    high: real(30, 3),
    reach: real(33, 3),
    slack: frame[37 * f + 36],
    basis: whole(0, 9),
    cells: whole(9, 3),
    wraps: axes.map((a) => ((periodic >> a) & 1) === 1),
    firstCell,
    store: { words: plan[17 * f + 15], first: plan[17 * f + 16] },
  };
}

export type Frame = ReturnType<typeof frameOf>;

/** A row of three times a matrix of nine. */
function times(row: ArrayLike<number>, m: TypedArray): number[] {
  return axes.map((b) => row[0] * m[b] + row[1] * m[3 + b] + row[2] * m[6 + b]);
}

/** An atom moved into the compact cell along periodic axes. */
function wrap(position: TypedArray, { compact, inverse, basis, wraps }: Frame) {
  const whole = times(position, inverse).map((u, a) => (wraps[a] ? Math.floor(u) : 0));
  const moved = times(whole, compact);
  const wrapped = axes.map((b) => position[b] - moved[b]);
  return { wrapped, fraction: times(wrapped, inverse), offset: times(whole, basis) };
}

export const extentReference: ReferenceKernel = ({ ints: { F }, buffers }) => {
  const [positions, framePtr, frame, plan, extent] = buffers as TypedArray[];
  for (let f = 0; f < F; f++) {
    const here = frameOf(f, frame, plan);
    const row = extent.subarray(10 * f, 10 * f + 10);
    row.set([Infinity, Infinity, Infinity, -Infinity, -Infinity, -Infinity, 0, 0, 0, 0]);
    for (let i = framePtr[f]; i < framePtr[f + 1]; i++) {
      const position = positions.subarray(3 * i, 3 * i + 3);
      const { fraction, offset } = wrap(position, here);
      for (const a of axes) {
        row[a] = Math.min(row[a], fraction[a]);
        row[3 + a] = Math.max(row[3 + a], fraction[a]);
        row[6] = Math.max(row[6], Math.abs(position[a])) + 0 * position[a];
        row[7 + a] = Math.max(row[7 + a], Math.abs(offset[a]));
      }
    }
  }
};

/** The grid cell of an atom, numbered row by row. */
function cellOf(fraction: readonly number[], { cells, wraps, low, high }: Frame): number {
  return axes.reduce<number>((cell, a) => {
    const [zero, width] = wraps[a] ? [0, 1] : [low[a], high[a] - low[a]];
    const at = width > 0 ? Math.trunc((fraction[a] - zero) * (cells[a] / width)) : 0;
    return cell * cells[a] + Math.min(Math.max(at, 0), cells[a] - 1);
  }, 0);
}

export const gridReference: ReferenceKernel = ({ ints: { N, F, C }, buffers }) => {
  const [positions, framePtr, frame, plan] = buffers as TypedArray[];
  const [place, given, info, order, cellPtr] = buffers.slice(4) as TypedArray[];
  cellPtr[C] = 0;
  for (let f = 0; f < F; f++) {
    const here = frameOf(f, frame, plan);
    const cells = here.cells[0] * here.cells[1] * here.cells[2];
    const members = Array.from({ length: Math.max(1, cells) }, (): number[] => []);
    const atom = (i: number) => wrap(positions.subarray(3 * i, 3 * i + 3), here);
    for (let i = framePtr[f]; i < framePtr[f + 1]; i++)
      members[cells === 0 ? 0 : cellOf(atom(i).fraction, here)].push(i);
    let k = framePtr[f];
    members.forEach((atoms, cell) => {
      if (cells > 0) cellPtr[here.firstCell + cell] = k;
      for (const i of atoms) {
        const { wrapped, offset } = atom(i);
        for (const b of axes) place[b * N + k] = wrapped[b];
        given.set([...positions.subarray(3 * i, 3 * i + 3), 0], 4 * k);
        info.set([...offset, i], 4 * k);
        order[k++] = i;
      }
    });
    if (cells > 0) cellPtr[here.firstCell + cells] = k;
  }
};

/** Images of the compact cell that may hold neighbours of an atom at these fractions. */
function imagesOf(fraction: readonly number[], { low, high, reach, wraps }: Frame): number[][] {
  const ends = axes.map((a) =>
    wraps[a]
      ? [
          Math.ceil(fraction[a] - high[a] - reach[a] - 1e-9),
          Math.floor(fraction[a] - low[a] + reach[a] + 1e-9),
        ]
      : [0, 0],
  );
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
  const [place, given, info, , , framePtr, frame, plan] = call.buffers as TypedArray[];
  const here = frameOf(f, frame, plan);
  const centre = axes.map((b) => place[b * N + k]);
  const images = imagesOf(times(centre, here.inverse), here);
  const found: Pair[] = [];
  for (let l = framePtr[f]; l < framePtr[f + 1]; l++)
    for (const image of images) {
      const shift = times(image, here.basis).map((s, b) => s - info[4 * l + b] + info[4 * k + b]);
      if (k === l && shift.every((s) => s === 0)) continue;
      const moved = times(shift, here.cell);
      const vector = axes.map((b) => given[4 * l + b] - given[4 * k + b] + moved[b]);
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
  const [, , , order, , framePtr] = call.buffers as TypedArray[];
  for (let f = 0; f < call.ints.F; f++)
    for (let k = framePtr[f]; k < framePtr[f + 1]; k++) each(order[k], () => neighboursOf(k, f, call));
}

/** Leaves nothing in the store: the second pass does not read it. */
export const findReference: ReferenceKernel = (call) => {
  const [count, store] = call.buffers.slice(8) as TypedArray[];
  everyAtom(call, (i, pairs) => (count[i] = pairs().length));
  store.fill(-1);
};

export const fillReference: ReferenceKernel = (call) => {
  const [ptr, neighbour, centre, shift, vector, distance] = call.buffers.slice(9) as TypedArray[];
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
