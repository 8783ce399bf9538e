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

  /**
   * Every pair is found from both sides. What centre i finds goes, reversed, to the lists of its neighbours; with the centres in
   * order all lists come out sorted by neighbour, and images of one neighbour backwards, which the walk backwards mends.
   */
  private sorted(ptr: Int32Array, dtype: "f32" | "f64"): FoundPairs {
    const { order, rank } = this.arrays;
    const N = order.length;
    const to = new PairRows(ptr[N], dtype);
    const next = ptr.slice(0, N);
    const pair = new Pair(this.arrays);
    const lists = this.byCentre();
    for (let i = 0; i < N; i++) {
      const { list, first, end } = lists(rank[i]);
      pair.centre(rank[i]);
      for (let e = end - 1; e >= first; e--) {
        pair.look(list[2 * e], list[2 * e + 1]);
        const j = order[list[2 * e]];
        if (next[j] === ptr[j + 1]) throw lopsided();
        to.insert(ptr[j], next[j]++, i, j, pair);
      }
    }
    if (next.some((end, i) => end !== ptr[i + 1])) throw lopsided();
    return to;
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

function lopsided(): AtomgradError {
  return new AtomgradError(
    "DEVICE",
    "neighborList: the device found a pair from one side alone; its arithmetic is not what WebGPU promises, search on the cpu",
  );
}

/** The pair of a centre and a candidate, as kernels/neighbours/reference.ts computes it. */
class Pair {
  readonly vector = new Float64Array(3);
  readonly shift = new Int32Array(3);
  distance = 0;
  private readonly given: Float64Array;
  private readonly offset: Int32Array;
  private readonly own = new Float64Array(3);
  private readonly ownOffset = new Int32Array(3);
  private frame: CandidateArrays["frames"][number];

  constructor(private readonly arrays: CandidateArrays) {
    this.given = arrays.given;
    this.offset = arrays.offset;
    this.frame = arrays.frames[0];
  }

  /** Looks from the sorted atom k. */
  centre(k: number): void {
    this.frame = this.arrays.frames[this.arrays.window[7 * k + 6]];
    for (let b = 0; b < 3; b++) {
      this.own[b] = this.given[3 * k + b];
      this.ownOffset[b] = this.offset[3 * k + b];
    }
  }

  /** At the sorted atom l in an image. */
  look(l: number, image: number): void {
    const { vector, shift, given, offset, own, ownOffset } = this;
    const { cell, basis, low, images } = this.frame;
    const row = Math.floor(image / images[2]);
    const z = low[2] + image - row * images[2];
    const x = low[0] + Math.floor(row / images[1]);
    const y = low[1] + row - (x - low[0]) * images[1];
    for (let b = 0; b < 3; b++)
      shift[b] = x * basis[b] + y * basis[3 + b] + z * basis[6 + b] - offset[3 * l + b] + ownOffset[b];
    for (let b = 0; b < 3; b++) {
      const moved = shift[0] * cell[b] + shift[1] * cell[3 + b] + shift[2] * cell[6 + b];
      vector[b] = given[3 * l + b] - own[b] + moved;
    }
    this.distance = Math.sqrt(vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2]);
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

  /** The reverse of a pair that i found, into the list of j, whose pairs stand at first .. end, before larger offsets of i. */
  insert(first: number, end: number, i: number, j: number, { vector, shift, distance }: Pair): void {
    let e = end;
    for (; e > first && this.neighbour[e - 1] === i && this.isAfter(e - 1, shift); e--) this.moveUp(e - 1);
    this.neighbour[e] = i;
    this.centre[e] = j;
    this.distance[e] = distance;
    for (let b = 0; b < 3; b++) {
      this.shift[3 * e + b] = -shift[b];
      this.vector[3 * e + b] = 0 - vector[b];
    }
  }

  /** Whether the offset of row e is larger than minus `shift`. */
  private isAfter(e: number, shift: Int32Array): boolean {
    for (let b = 0; b < 3; b++) {
      const difference = this.shift[3 * e + b] + shift[b];
      if (difference !== 0) return difference > 0;
    }
    return false;
  }

  private moveUp(e: number): void {
    for (const column of [this.neighbour, this.centre, this.distance]) column[e + 1] = column[e];
    for (const column of [this.shift, this.vector]) column.copyWithin(3 * e + 3, 3 * e, 3 * e + 3);
  }
}
