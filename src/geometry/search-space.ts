import type { SearchSpace } from "../../kernels/neighbours/op.js";
import type { DeviceName } from "../tensor/backend.js";
import { AtomgradError } from "../tensor/error.js";
import { tensor } from "../tensor/tensor.js";
import { Cell, type Pbc } from "./cell.js";
import type { Matrix3 } from "./matrix3.js";

/** Where atoms are: what a neighbour list is made from. */
export interface AtomsInCell {
  /** [N, 3] angstrom */
  readonly positions: ArrayLike<number>;
  /** 9 numbers, rows are lattice vectors; those of non-periodic directions may be zero; null: no cell */
  readonly cell: Matrix3 | null;
  readonly pbc: Pbc;
}

/** Trying more images of one cell than this is a mistake in the cell or in its units. */
const mostImages = 2 ** 22;

const mostOffset = 2 ** 30;

/**
 * What the search kernels read of some frames, in host arrays (kernels/neighbours/op.ts says what each is).
 */
export class SearchArrays {
  readonly atoms: number;
  readonly framePtr: Int32Array;
  private readonly frames: number;
  private readonly positions: Float64Array;
  private readonly wrapped: Float64Array;
  private readonly fraction: Float64Array;
  private readonly offset: Int32Array;
  private readonly frame: Int32Array;
  private readonly cell: Float64Array;
  private readonly compact: Float64Array;
  private readonly basis: Int32Array;
  private readonly bounds: Float64Array;

  /** Errors: SHAPE, VALUE, naming the frame when there are several. */
  constructor(frames: readonly AtomsInCell[], rcut: number) {
    this.frames = frames.length;
    this.framePtr = new Int32Array(frames.length + 1);
    frames.forEach(
      ({ positions }, f) => (this.framePtr[f + 1] = this.framePtr[f] + Math.floor(positions.length / 3)),
    );
    const n = (this.atoms = this.framePtr[frames.length]);
    this.positions = new Float64Array(3 * n);
    this.wrapped = new Float64Array(3 * n);
    this.fraction = new Float64Array(3 * n);
    this.offset = new Int32Array(3 * n);
    this.frame = new Int32Array(n);
    this.cell = new Float64Array(9 * frames.length);
    this.compact = new Float64Array(9 * frames.length);
    this.basis = new Int32Array(9 * frames.length);
    this.bounds = new Float64Array(10 * frames.length);
    frames.forEach((frame, f) => {
      try {
        this.add(f, frame, rcut);
      } catch (error) {
        if (!(error instanceof AtomgradError)) throw error;
        const where = frames.length > 1 ? `frame ${f}: ` : "";
        throw new AtomgradError(error.code, `neighborList: ${where}${error.message}`);
      }
    });
  }

  tensors(device: DeviceName): SearchSpace {
    const { atoms: N, frames: F } = this;
    const place = (data: Float64Array | Int32Array, shape: number[]) => tensor(data, shape, { device });
    return {
      positions: place(this.positions, [N, 3]),
      wrapped: place(this.wrapped, [3, N]),
      fraction: place(this.fraction, [N, 3]),
      offset: place(this.offset, [N, 3]),
      frame: place(this.frame, [N]),
      framePtr: place(this.framePtr, [F + 1]),
      cell: place(this.cell, [F, 9]),
      compact: place(this.compact, [F, 9]),
      basis: place(this.basis, [F, 9]),
      bounds: place(this.bounds, [F, 10]),
    };
  }

  private add(f: number, { positions, cell: vectors, pbc }: AtomsInCell, rcut: number): void {
    const [first, end] = [this.framePtr[f], this.framePtr[f + 1]];
    checkPositions(positions);
    const cell = new Cell(vectors, pbc);
    const { cell: compact, basis } = cell.compact();
    this.positions.set(positions, 3 * first);
    this.frame.fill(f, first, end);
    this.cell.set(cell.vectors, 9 * f);
    this.compact.set(compact.vectors, 9 * f);
    this.basis.set(basis, 9 * f);
    this.wrap(positions, first, compact, basis);
    this.bounds.set(this.boundsOf(f, cell, compact, rcut), 10 * f);
  }

  private wrap(positions: ArrayLike<number>, first: number, compact: Cell, basis: Int32Array): void {
    const { wrapped, offsets } = compact.wrap(positions);
    const fractions = compact.fractional(wrapped);
    this.fraction.set(fractions, 3 * first);
    for (let k = 0; k < offsets.length; k += 3)
      for (let b = 0; b < 3; b++) {
        const offset = offsets[k] * basis[b] + offsets[k + 1] * basis[3 + b] + offsets[k + 2] * basis[6 + b];
        if (!(Math.abs(offset) <= mostOffset))
          throw new AtomgradError(
            "VALUE",
            `atom ${k / 3} lies ${offset} cells away along ${"abc"[b]}; check its position`,
          );
        this.offset[3 * first + k + b] = offset;
        this.wrapped[b * this.atoms + first + k / 3] = wrapped[k + b];
      }
  }

  /** Smallest and largest fractions, reach per axis, and the rounding of distances of a frame. */
  private boundsOf(f: number, cell: Cell, compact: Cell, rcut: number): number[] {
    const rows = this.fraction.subarray(3 * this.framePtr[f], 3 * this.framePtr[f + 1]);
    const low = [Infinity, Infinity, Infinity];
    const high = [-Infinity, -Infinity, -Infinity];
    rows.forEach((x, k) => {
      low[k % 3] = Math.min(low[k % 3], x);
      high[k % 3] = Math.max(high[k % 3], x);
    });
    const slack = this.rounding(f, cell, compact, rcut);
    const reach = compact.faceDistances.map((h, a) =>
      compact.pbc[a] ? ((rcut + slack) / h) * (1 + 1e-12) + 1e-12 : -1,
    );
    const images = reach.reduce((product, r) => product * (r < 0 ? 1 : 2 * Math.ceil(r) + 1), 1);
    if (images > mostImages)
      throw new AtomgradError(
        "VALUE",
        `rcut ${rcut} reaches ${images} images of the cell; check the cell and its units`,
      );
    return [...low, ...high, ...reach, slack];
  }

  /**
   * How much the distance of wrapped positions may differ from that of the positions as given: a few units in
   * the last place of the largest numbers either is made of.
   */
  private rounding(f: number, cell: Cell, compact: Cell, rcut: number): number {
    const [first, end] = [3 * this.framePtr[f], 3 * this.framePtr[f + 1]];
    const images = compact.faceDistances.map((h, a) => (compact.pbc[a] ? Math.ceil(rcut / h) + 1 : 0));
    let size = rcut + largest(this.positions.subarray(first, end));
    for (let a = 0; a < 3; a++) {
      let offset = 0;
      for (let k = first + a; k < end; k += 3) offset = Math.max(offset, Math.abs(this.offset[k]));
      for (let b = 0; b < 3; b++) offset += images[b] * Math.abs(this.basis[9 * f + 3 * b + a]);
      size += 2 * offset * largest(cell.vectors.subarray(3 * a, 3 * a + 3));
    }
    return 1e-12 + 32 * Number.EPSILON * size;
  }
}

function checkPositions(positions: ArrayLike<number>): void {
  if (positions.length % 3 !== 0)
    throw new AtomgradError("SHAPE", `${positions.length} coordinates are not rows of three`);
  for (let k = 0; k < positions.length; k++)
    if (!Number.isFinite(positions[k]))
      throw new AtomgradError(
        "VALUE",
        `position of atom ${Math.floor(k / 3)} is ${positions[k]}; give finite numbers`,
      );
}

function largest(x: Float64Array): number {
  let m = 0;
  for (let k = 0; k < x.length; k++) m = Math.max(m, Math.abs(x[k]));
  return m;
}
