import type { AtomsToSearch } from "../../kernels/neighbours/op.js";
import type { DeviceName } from "../tensor/backend.js";
import { AtomgradError } from "../tensor/error.js";
import { tensor } from "../tensor/tensor.js";
import { Cell, type Pbc } from "./cell.js";
import type { Matrix3 } from "./matrix3.js";
import { gridOf } from "./search-grid.js";

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

/** Centres that are searched together in frames without a grid (kernels/neighbours/space.h). */
const directCentres = 32;

/** A cell, a compact one of the same lattice, and compact = basis . cell. */
interface Lattice {
  readonly given: readonly number[] | null;
  readonly cell: Cell;
  readonly compact: Cell;
  readonly basis: Int32Array;
}

/** The lattice of a cell: `last` itself where it is the same. */
function latticeOf(given: Matrix3 | null, pbc: Pbc, last: Lattice | undefined): Lattice {
  const periodic = (axis: number): boolean => (typeof pbc === "boolean" ? pbc : pbc[axis]);
  if (
    last?.given?.length === given?.length &&
    last?.cell.pbc.every((p, axis) => p === periodic(axis)) === true &&
    last.given?.every((x, k) => x === given![k]) !== false
  )
    return last;
  const cell = new Cell(given, pbc);
  const { cell: compact, basis } = cell.compact();
  return { given: given === null ? null : Array.from(given), cell, compact, basis };
}

/** Extremes of the atoms of a frame. */
interface Extremes {
  /** Of fractions, three smallest and three largest. */
  readonly fractions: Float64Array;
  /** Largest coordinate and largest offset along each axis, without signs. */
  position: number;
  readonly offsets: Float64Array;
}

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
  private readonly cell: Float64Array;
  private readonly compact: Float64Array;
  private readonly basis: Int32Array;
  private readonly bounds: Float64Array;
  private readonly grid: Int32Array;
  private cells = 0;
  private tasks = 0;
  /** Of the frame before: those of a trajectory often share theirs. */
  private lattice: Lattice | undefined;

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
    this.cell = new Float64Array(9 * frames.length);
    this.compact = new Float64Array(9 * frames.length);
    this.basis = new Int32Array(9 * frames.length);
    this.bounds = new Float64Array(10 * frames.length);
    this.grid = new Int32Array(6 * frames.length);
    frames.forEach((frame, f) => {
      try {
        this.add(f, frame, rcut);
      } catch (error) {
        if (!(error instanceof AtomgradError)) throw error;
        const where = frames.length > 1 ? `frame ${f}: ` : "";
        throw new AtomgradError(error.code, `neighborList: ${where}${error.message}`, { cause: error });
      }
    });
  }

  tensors(device: DeviceName): AtomsToSearch {
    const { atoms: N, frames: F } = this;
    const place = (data: Float64Array | Int32Array, shape: number[]) => tensor(data, shape, { device });
    return {
      wrapped: place(this.wrapped, [N, 3]),
      fraction: place(this.fraction, [N, 3]),
      positions: place(this.positions, [N, 3]),
      offset: place(this.offset, [N, 3]),
      framePtr: place(this.framePtr, [F + 1]),
      cell: place(this.cell, [F, 9]),
      compact: place(this.compact, [F, 9]),
      basis: place(this.basis, [F, 9]),
      bounds: place(this.bounds, [F, 10]),
      grid: place(this.grid, [F, 6]),
      cells: this.cells,
      tasks: this.tasks,
    };
  }

  private add(f: number, { positions, cell: vectors, pbc }: AtomsInCell, rcut: number): void {
    if (positions.length % 3 !== 0)
      throw new AtomgradError("SHAPE", `${positions.length} coordinates are not rows of three`);
    const { cell, compact, basis } = (this.lattice = latticeOf(vectors, pbc, this.lattice));
    this.positions.set(positions, 3 * this.framePtr[f]);
    this.cell.set(cell.vectors, 9 * f);
    this.compact.set(compact.vectors, 9 * f);
    this.basis.set(basis, 9 * f);
    const extremes = this.wrap(f, compact, basis);
    const slack = rounding(extremes, cell, compact, basis, rcut);
    const reach = compact.faceDistances.map((h) => ((rcut + slack) / h) * (1 + 1e-12) + 1e-12);
    this.bounds.set(extremes.fractions, 10 * f);
    this.bounds.set(reach, 10 * f + 6);
    this.bounds[10 * f + 9] = slack;
    this.plan(f, compact, rcut, extremes, reach);
  }

  /** Moves the atoms of a frame into the compact cell. */
  private wrap(f: number, compact: Cell, basis: Int32Array): Extremes {
    const { positions, wrapped, fraction, offset } = this;
    const { vectors: v, inverse: m, pbc } = compact;
    const low = [Infinity, Infinity, Infinity];
    const high = [-Infinity, -Infinity, -Infinity];
    const extremes = { fractions: new Float64Array(6), position: 0, offsets: new Float64Array(3) };
    const { offsets } = extremes;
    for (let k = 3 * this.framePtr[f]; k < 3 * this.framePtr[f + 1]; k += 3) {
      const [x, y, z] = [positions[k], positions[k + 1], positions[k + 2]];
      const a = pbc[0] ? Math.floor(x * m[0] + y * m[3] + z * m[6]) : 0;
      const b = pbc[1] ? Math.floor(x * m[1] + y * m[4] + z * m[7]) : 0;
      const c = pbc[2] ? Math.floor(x * m[2] + y * m[5] + z * m[8]) : 0;
      extremes.position = Math.max(extremes.position, Math.abs(x), Math.abs(y), Math.abs(z));
      for (let axis = 0; axis < 3; axis++) {
        const moved = a * basis[axis] + b * basis[3 + axis] + c * basis[6 + axis];
        if (!(Math.abs(moved) <= mostOffset)) throw this.lost(f, k, axis, moved);
        offset[k + axis] = moved;
        offsets[axis] = Math.max(offsets[axis], Math.abs(moved));
        wrapped[k + axis] = positions[k + axis] - a * v[axis] - b * v[3 + axis] - c * v[6 + axis];
      }
      for (let axis = 0; axis < 3; axis++) {
        const u = wrapped[k] * m[axis] + wrapped[k + 1] * m[3 + axis] + wrapped[k + 2] * m[6 + axis];
        fraction[k + axis] = u;
        if (u < low[axis]) low[axis] = u;
        if (u > high[axis]) high[axis] = u;
      }
    }
    if (!Number.isFinite(extremes.position)) this.checkFinite(f);
    extremes.fractions.set([...low, ...high]);
    return extremes;
  }

  private lost(f: number, k: number, axis: number, offset: number): AtomgradError {
    this.checkFinite(f);
    const atom = k / 3 - this.framePtr[f];
    return new AtomgradError(
      "VALUE",
      `atom ${atom} lies ${offset} cells away along ${"abc"[axis]}; check its position`,
    );
  }

  private checkFinite(f: number): void {
    for (let k = 3 * this.framePtr[f]; k < 3 * this.framePtr[f + 1]; k++)
      if (!Number.isFinite(this.positions[k]))
        throw new AtomgradError(
          "VALUE",
          `position of atom ${Math.floor(k / 3) - this.framePtr[f]} is ${this.positions[k]}; give finite numbers`,
        );
  }

  /** Chooses the grid of a frame and counts its blocks of centres. */
  private plan(
    f: number,
    compact: Cell,
    rcut: number,
    { fractions }: Extremes,
    reach: readonly number[],
  ): void {
    const atoms = this.framePtr[f + 1] - this.framePtr[f];
    const images = reach.reduce((product, r, a) => product * (compact.pbc[a] ? 2 * Math.ceil(r) + 1 : 1), 1);
    if (images > mostImages)
      throw new AtomgradError(
        "VALUE",
        `rcut ${rcut} reaches ${images} images of the cell; check the cell and its units`,
      );
    const grid = gridOf(atoms, compact, rcut, fractions, images);
    const cells = grid[0] * grid[1] * grid[2];
    const periodic = compact.pbc.reduce((bits, p, a) => bits | (Number(p) << a), 0);
    this.grid.set([...grid, periodic, this.cells, this.tasks], 6 * f);
    this.cells += cells > 0 ? cells + 1 : 0;
    this.tasks += cells > 0 ? cells : Math.ceil(atoms / directCentres);
  }
}

/**
 * How much the distance of wrapped positions may differ from that of the positions as given: a few units in the last
 * place of the largest numbers either is made of.
 */
function rounding(
  { position, offsets }: Extremes,
  cell: Cell,
  compact: Cell,
  basis: Int32Array,
  rcut: number,
): number {
  let size = rcut + position;
  for (let a = 0; a < 3; a++) {
    let offset = offsets[a];
    for (let b = 0; b < 3; b++)
      if (compact.pbc[b])
        offset += (Math.ceil(rcut / compact.faceDistances[b]) + 1) * Math.abs(basis[3 * b + a]);
    const [x, y, z] = [cell.vectors[3 * a], cell.vectors[3 * a + 1], cell.vectors[3 * a + 2]];
    size += 2 * offset * Math.max(Math.abs(x), Math.abs(y), Math.abs(z));
  }
  return 1e-12 + 32 * Number.EPSILON * size;
}
