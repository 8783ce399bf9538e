import { AtomgradError } from "../tensor/error.js";
import type { CandidateArrays } from "./candidate-arrays.js";
import { type FoundPairs, pairPointers } from "./neighbor-search.js";

/** Pairs of some frames, sorted by centre, neighbour and offset. */
export interface DecidedPairs {
  /** [N + 1] pairs of centre i are ptr[i] .. ptr[i + 1]. */
  readonly ptr: Int32Array;
  /** [F + 1] atoms of each frame. */
  readonly framePtr: Int32Array;
  readonly pairs: (dtype: "f32" | "f64") => FoundPairs;
}

/** Neighbours of the sorted atoms from `from` on: `ends` of their lists of sorted atom and image. */
interface Part {
  readonly from: number;
  readonly ends: Int32Array;
  readonly list: Int32Array;
}

/** Decides which candidates are neighbours, by the arithmetic of the kernels in f64. */
export class PairDecision {
  private readonly parts: Part[] = [];
  /** Pairs of each atom, behind a zero. */
  private readonly counts: Int32Array;

  constructor(
    private readonly arrays: CandidateArrays,
    private readonly framePtr: Int32Array,
    private readonly rcut: number,
    private readonly inclusive: boolean,
  ) {
    this.counts = new Int32Array(arrays.order.length + 1);
  }

  /** Takes the candidates of the sorted atoms from `from` on, those of the m-th at ptr[m] .. ptr[m + 1]; overwrites the list. */
  add(from: number, ptr: Int32Array, list: Int32Array): void {
    const { rcut, inclusive } = this;
    const pair = new Pair(this.arrays);
    const ends = new Int32Array(ptr.length - 1);
    let kept = 0;
    for (let m = 0; m + 1 < ptr.length; m++) {
      const first = kept;
      pair.centre(from + m);
      for (let e = ptr[m]; e < ptr[m + 1]; e++) {
        const l = list[2 * e];
        const image = list[2 * e + 1];
        pair.look(l, image);
        if (!(pair.distance < rcut || (inclusive && pair.distance === rcut))) continue;
        list[2 * kept] = l;
        list[2 * kept++ + 1] = image;
      }
      ends[m] = kept;
      this.counts[this.arrays.order[from + m] + 1] = kept - first;
    }
    this.parts.push({ from, ends, list: list.slice(0, 2 * kept) });
  }

  /** The neighbours among all candidates taken. Errors: VALUE when they are too many for an array. */
  pairs(): DecidedPairs {
    const ptr = pairPointers(this.counts);
    return { ptr, framePtr: this.framePtr, pairs: (dtype) => this.sorted(ptr, dtype) };
  }

  /** Errors: DEVICE for a pair that was found from one side alone. */
  private sorted(ptr: Int32Array, dtype: "f32" | "f64"): FoundPairs {
    const { order, rank } = this.arrays;
    const seen = this.reversed(ptr);
    const to = new PairRows(ptr[order.length], dtype);
    const pair = new Pair(this.arrays);
    for (let i = 0; i < order.length; i++) {
      pair.centre(rank[i]);
      for (let e = ptr[i]; e < ptr[i + 1]; e++) {
        const l = seen[2 * e];
        pair.look(l, seen[2 * e + 1]);
        to.insert(ptr[i], e, i, order[l], pair);
      }
    }
    return to;
  }

  /**
   * Sorted atom and image of every pair, sorted by centre and neighbour. Every pair is found from both sides: what atom i finds
   * goes, reversed, to the lists of its neighbours. With i rising all lists come out sorted by neighbour; the images of one
   * neighbour are walked through backwards, so that, reversed, they come in order where the compact cell is the given one.
   */
  private reversed(ptr: Int32Array): Int32Array {
    const { order, rank, window, frames } = this.arrays;
    const seen = new Int32Array(2 * ptr[order.length]);
    const next = ptr.slice(0, order.length);
    const lists = this.byCentre();
    for (let i = 0; i < order.length; i++) {
      const k = rank[i];
      const { list, first, end } = lists(k);
      const lastImage = lastImageOf(frames[window[7 * k + 6]].farthest);
      for (let e = end - 1; e >= first; e--) {
        const j = order[list[2 * e]];
        const at = next[j]++;
        seen[2 * at] = k;
        seen[2 * at + 1] = lastImage - list[2 * e + 1];
      }
    }
    if (next.some((end, i) => end !== ptr[i + 1])) throw lopsided();
    return seen;
  }

  /** Where the neighbours of a sorted atom stand. */
  private byCentre(): (k: number) => { list: Int32Array; first: number; end: number } {
    const starts = Int32Array.from(this.parts, ({ from }) => from);
    const nothing = { list: new Int32Array(0), first: 0, end: 0 };
    return (k) => {
      let p = starts.length - 1;
      while (p >= 0 && starts[p] > k) p--;
      if (p < 0 || k - starts[p] >= this.parts[p].ends.length) return nothing;
      const { ends, list, from } = this.parts[p];
      return { list, first: k === from ? 0 : ends[k - from - 1], end: ends[k - from] };
    };
  }
}

/** The number of the image farthest along all axes; that of the opposite image is as much lower as the image's own is high. */
function lastImageOf([x, y, z]: readonly number[]): number {
  return (2 * x + 1) * (2 * y + 1) * (2 * z + 1) - 1;
}

function lopsided(): AtomgradError {
  return new AtomgradError(
    "DEVICE",
    "neighborList: the device found a pair from one side alone; its arithmetic is not what WebGPU promises, search on the cpu",
  );
}

/** The pair of a centre and a candidate, as kernels/neighbours/reference.ts computes it. */
class Pair {
  /** angstrom */
  readonly vector = new Float64Array(3);
  readonly shift = new Int32Array(3);
  distance = 0;
  private readonly given: Float64Array;
  private readonly offset: Int32Array;
  private readonly own = new Float64Array(3);
  private readonly ownOffset = new Int32Array(3);
  private readonly cell = new Float64Array(9);
  private readonly basis = new Int32Array(9);
  private readonly farthest = new Int32Array(3);
  private frame = -1;

  constructor(private readonly arrays: CandidateArrays) {
    this.given = arrays.given;
    this.offset = arrays.offset;
  }

  /** Looks from the sorted atom k. */
  centre(k: number): void {
    const { window, frames } = this.arrays;
    const f = window[7 * k + 6];
    if (f !== this.frame) {
      this.frame = f;
      this.cell.set(frames[f].cell);
      this.basis.set(frames[f].basis);
      this.farthest.set(frames[f].farthest);
    }
    for (let b = 0; b < 3; b++) {
      this.own[b] = this.given[3 * k + b];
      this.ownOffset[b] = this.offset[3 * k + b];
    }
  }

  /** At the sorted atom l in an image. */
  look(l: number, image: number): void {
    const { given, offset, own, ownOffset, cell, basis, farthest, shift, vector } = this;
    const [wide, deep] = [2 * farthest[1] + 1, 2 * farthest[2] + 1];
    const row = Math.floor(image / deep);
    const layer = Math.floor(row / wide);
    const x = layer - farthest[0];
    const y = row - layer * wide - farthest[1];
    const z = image - row * deep - farthest[2];
    const s = x * basis[0] + y * basis[3] + z * basis[6] - offset[3 * l] + ownOffset[0];
    const t = x * basis[1] + y * basis[4] + z * basis[7] - offset[3 * l + 1] + ownOffset[1];
    const u = x * basis[2] + y * basis[5] + z * basis[8] - offset[3 * l + 2] + ownOffset[2];
    const dx = given[3 * l] - own[0] + (s * cell[0] + t * cell[3] + u * cell[6]);
    const dy = given[3 * l + 1] - own[1] + (s * cell[1] + t * cell[4] + u * cell[7]);
    const dz = given[3 * l + 2] - own[2] + (s * cell[2] + t * cell[5] + u * cell[8]);
    shift[0] = s;
    shift[1] = t;
    shift[2] = u;
    vector[0] = dx;
    vector[1] = dy;
    vector[2] = dz;
    this.distance = Math.sqrt(dx * dx + dy * dy + dz * dz);
  }
}

/** Rows of pairs that are put in one by one. */
class PairRows implements FoundPairs {
  readonly neighbour: Int32Array;
  readonly centre: Int32Array;
  readonly shift: Int32Array;
  readonly vector: Float64Array | Float32Array;
  readonly distance: Float64Array | Float32Array;

  constructor(E: number, dtype: "f32" | "f64") {
    const Reals = dtype === "f64" ? Float64Array : Float32Array;
    this.neighbour = new Int32Array(E);
    this.centre = new Int32Array(E);
    this.shift = new Int32Array(3 * E);
    this.vector = new Reals(3 * E);
    this.distance = new Reals(E);
  }

  /** The pair of i and j behind those of i at first .. end, but before larger offsets of j. */
  insert(first: number, end: number, i: number, j: number, { vector, shift, distance }: Pair): void {
    let e = end;
    for (; e > first && this.neighbour[e - 1] === j && this.isAfter(e - 1, shift); e--) this.moveUp(e - 1);
    this.neighbour[e] = j;
    this.centre[e] = i;
    this.distance[e] = distance;
    for (let b = 0; b < 3; b++) {
      this.shift[3 * e + b] = shift[b];
      this.vector[3 * e + b] = vector[b];
    }
  }

  /** Whether the offset of row e is the larger one. */
  private isAfter(e: number, shift: Int32Array): boolean {
    for (let b = 0; b < 3; b++)
      if (this.shift[3 * e + b] !== shift[b]) return this.shift[3 * e + b] > shift[b];
    return false;
  }

  private moveUp(e: number): void {
    for (const column of [this.neighbour, this.centre, this.distance]) column[e + 1] = column[e];
    for (const column of [this.shift, this.vector]) column.copyWithin(3 * e + 3, 3 * e, 3 * e + 3);
  }
}
