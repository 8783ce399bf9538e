import { type Frame, frameOf } from "../../kernels/neighbours/reference.js";
import { rowsTimes } from "./matrix3.js";
import type { SearchArrays } from "./search-space.js";

/** Numbers of an atom's window, of a frame and of its plan (`AtomsInCells` in kernels/neighbours/op.ts). */
const [windowInts, frameReals, planInts] = [7, 10, 7];

const axes = [0, 1, 2] as const;

/** A frame's cell and the images of its compact cell that are numbered, row by row. */
export interface CandidateFrame {
  /** 9 numbers, the cell as given */
  readonly cell: ArrayLike<number>;
  /** compact = basis . cell */
  readonly basis: ArrayLike<number>;
  /** Images per axis: -farthest .. farthest. */
  readonly farthest: readonly number[];
}

/**
 * Frames of atoms sorted by grid cell, for kernels in single precision that find all candidates for neighbours and for the
 * host, which decides. A frame without a grid is one cell.
 *
 * Which cells may hold neighbours of an atom is found here in f64. What is left to single precision is one comparison:
 * |p_l + X a + Y b + Z c - p_k|^2 <= limit, of wrapped positions p about the middle of the frame. No neighbour fails it:
 *
 * - Let S be at least the sum of the sizes of its five terms, in every component and whatever pair and image. WGSL rounds to one
 *   of the two nearest numbers, an error of at most u = 2^-23 of the result, and may reorder and fuse. The host's rounding to
 *   single precision (u / 2) and the products (u; X, Y and Z, below 2^24, are exact) change the sum by at most 1.5 u S, its four
 *   additions in any order by u S (1 + 6 u) each: a component errs by less than 8 u S = 2^-20 S, the distance by less than
 *   sqrt(3) times that, less than 2^-19 S.
 * - Three squares and two additions make the square larger by a factor of at most (1 + u)^3 < 1 + 2^-21.
 * - Neighbours lie within rcut + slack of each other, wrapped (`slack` is what rounding in f64 may add, search-space.ts). So
 *   limit = (rcut + slack + 2^-19 S)^2 (1 + 2^-20), of which half covers the limit's own rounding to single precision.
 * - All lengths are in a unit of the frame, the power of two just above S and rcut + slack: nothing overflows, and numbers so
 *   small that they are flushed to zero (2^-126) vanish beside 2^-20.
 */
export class CandidateArrays {
  readonly place: Float32Array;
  readonly window: Int32Array;
  readonly cellPtr: Int32Array;
  readonly frame: Float32Array;
  readonly plan: Int32Array;
  readonly frames: CandidateFrame[] = [];
  /** [N] atom of each sorted one, and the reverse. */
  readonly order: Int32Array;
  readonly rank: Int32Array;
  /** [N, 3] sorted: positions as given, and offsets: positions = wrapped + offset . cell. */
  readonly given: Float64Array;
  readonly offset: Int32Array;

  constructor(
    arrays: SearchArrays,
    private readonly rcut: number,
  ) {
    const { atoms: N, framePtr } = arrays;
    const F = framePtr.length - 1;
    const found = Array.from({ length: F }, (_, f) => frameOf(f, arrays.frame, arrays.plan));
    const cells = found.reduce((sum, here) => sum + cellsOf(here), 0);
    this.place = new Float32Array(4 * N);
    this.window = new Int32Array(windowInts * N);
    this.cellPtr = new Int32Array(cells + F);
    this.frame = new Float32Array(frameReals * F);
    this.plan = new Int32Array(planInts * F);
    this.order = new Int32Array(N);
    this.rank = new Int32Array(N);
    this.given = new Float64Array(3 * N);
    this.offset = new Int32Array(3 * N);
    const positions = arrays.onHost();
    let firstCell = 0;
    found.forEach((here, f) => {
      this.addFrame(f, here, positions, framePtr.subarray(f, f + 2), firstCell);
      firstCell += cellsOf(here) + 1;
    });
  }

  private addFrame(
    f: number,
    here: Frame,
    positions: Float64Array,
    [first, end]: Int32Array,
    firstCell: number,
  ): void {
    const given = positions.subarray(3 * first, 3 * end);
    const whole = rowsTimes(given, here.inverse).map((u, k) => (here.wraps[k % 3] ? Math.floor(u) : 0));
    const moved = rowsTimes(whole, here.compact);
    const wrapped = given.map((x, k) => x - moved[k]);
    const fractions = rowsTimes(wrapped, here.inverse);
    const offsets = rowsTimes(whole, here.basis);
    const grid = gridOf(here);
    this.sort(cellsOfAtoms(fractions, grid), first, firstCell, cellsOf(here));
    for (let k = first; k < end; k++) {
      const from = 3 * (this.order[k] - first);
      this.given.set(given.subarray(from, from + 3), 3 * k);
      this.offset.set(offsets.subarray(from, from + 3), 3 * k);
      this.setWindow(k, f, fractions.subarray(from, from + 3), grid, here);
    }
    const farthest = this.farthestImages(first, end, grid.n);
    this.frames.push({ cell: here.cell, basis: here.basis, farthest });
    this.plan.set([...grid.n, firstCell, ...farthest], planInts * f);
    this.setPlaces(f, here, wrapped, first, farthest);
  }

  /** A counting sort: atoms of one cell keep their order. */
  private sort(cellOfAtom: Int32Array, first: number, firstCell: number, cells: number): void {
    const start = this.cellPtr.subarray(firstCell, firstCell + cells + 1);
    for (const cell of cellOfAtom) start[cell + 1]++;
    start[0] = first;
    for (let cell = 1; cell <= cells; cell++) start[cell] += start[cell - 1];
    const next = start.slice();
    cellOfAtom.forEach((cell, i) => {
      const k = next[cell]++;
      this.order[k] = first + i;
      this.rank[first + i] = k;
    });
  }

  private setWindow(
    k: number,
    f: number,
    fraction: Float64Array,
    { n, zero, scale }: Grid,
    here: Frame,
  ): void {
    const own = windowInts * k;
    for (const a of axes) {
      const from = Math.floor((fraction[a] - here.reach[a] - zero[a]) * scale[a] - 1e-9);
      const to = Math.floor((fraction[a] + here.reach[a] - zero[a]) * scale[a] + 1e-9);
      this.window[own + a] = here.wraps[a] ? from : Math.max(from, 0);
      this.window[own + 3 + a] = here.wraps[a] ? to : Math.min(to, n[a] - 1);
    }
    this.window[own + 6] = f;
  }

  /** How many cells away windows of the atoms first .. end reach along each axis. */
  private farthestImages(first: number, end: number, n: readonly number[]): number[] {
    const farthest = [0, 0, 0];
    for (let k = first; k < end; k++)
      for (const a of axes) {
        const from = Math.floor(this.window[windowInts * k + a] / n[a]);
        const to = Math.floor(this.window[windowInts * k + 3 + a] / n[a]);
        farthest[a] = Math.max(farthest[a], -from, to);
      }
    return farthest;
  }

  /** Positions, vectors and limit in the frame's unit. */
  private setPlaces(
    f: number,
    { compact, slack }: Frame,
    wrapped: Float64Array,
    first: number,
    farthest: readonly number[],
  ): void {
    const { middle, half } = extentOf(wrapped);
    let size = 0;
    for (const b of axes) {
      const moved = farthest.map((count, a) => count * Math.abs(compact[3 * a + b]));
      size = Math.max(size, 2 * half[b] + moved[0] + moved[1] + moved[2]);
    }
    size *= 1 + 2 ** -40; // its own rounding
    const far = this.rcut + slack;
    const unit = 2 ** Math.ceil(Math.log2(Math.max(size, far)) + 1e-9);
    // Vectors of directions in which no other image is reached have no part in S.
    for (let k = 0; k < 9; k++)
      this.frame[frameReals * f + k] = farthest[Math.floor(k / 3)] > 0 ? compact[k] / unit : 0;
    this.frame[frameReals * f + 9] = ((far + 2 ** -19 * size) / unit) ** 2 * (1 + 2 ** -20);
    for (let i = 0; i < wrapped.length / 3; i++) {
      const k = this.rank[first + i];
      for (const b of axes) this.place[4 * k + b] = (wrapped[3 * i + b] - middle[b]) / unit;
    }
  }
}

/** Cells of a frame's grid. */
interface Grid {
  readonly n: readonly number[];
  /** Fraction at which the first cell begins, and cells per unit of fractions. */
  readonly zero: readonly number[];
  readonly scale: readonly number[];
}

function cellsOf({ cells }: Frame): number {
  return Math.max(1, cells[0] * cells[1] * cells[2]);
}

function gridOf({ cells, wraps, low, high }: Frame): Grid {
  const n = Array.from(cells, (count) => Math.max(1, count));
  const zero = axes.map((a) => (wraps[a] ? 0 : low[a]));
  const width = axes.map((a) => (wraps[a] ? 1 : high[a] - low[a]));
  return { n, zero, scale: axes.map((a) => (width[a] > 0 ? n[a] / width[a] : 0)) };
}

/** The grid cell of each atom, numbered row by row. */
function cellsOfAtoms(fractions: Float64Array, { n, zero, scale }: Grid): Int32Array {
  const cells = new Int32Array(fractions.length / 3);
  for (let i = 0; i < cells.length; i++)
    for (const a of axes) {
      const at = Math.trunc((fractions[3 * i + a] - zero[a]) * scale[a]);
      cells[i] = cells[i] * n[a] + Math.min(Math.max(at, 0), n[a] - 1);
    }
  return cells;
}

/** Middle and half of the box around positions. */
function extentOf(positions: Float64Array): { middle: number[]; half: number[] } {
  const [low, high] = [Array<number>(3).fill(Infinity), Array<number>(3).fill(-Infinity)];
  for (let k = 0; k < positions.length; k++) {
    low[k % 3] = Math.min(low[k % 3], positions[k]);
    high[k % 3] = Math.max(high[k % 3], positions[k]);
  }
  if (positions.length === 0) return { middle: [0, 0, 0], half: [0, 0, 0] };
  const middle = axes.map((b) => low[b] / 2 + high[b] / 2);
  // The middle is rounded: take the farther of both.
  return { middle, half: axes.map((b) => Math.max(high[b] - middle[b], middle[b] - low[b])) };
}
