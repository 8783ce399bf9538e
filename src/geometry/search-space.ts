import { type AtomsToSearch, neighbourExtent, type SearchSizes } from "../../kernels/neighbours/op.js";
import { assertOptional, isList, wrongArgument } from "../tensor/arguments.js";
import type { DeviceName } from "../tensor/backend.js";
import { device as deviceByName } from "../tensor/device.js";
import { AtomgradError } from "../tensor/error.js";
import { scope } from "../tensor/scope.js";
import { Tensor } from "../tensor/tensor.js";
import { Cell, type Pbc } from "./cell.js";
import type { Matrix3 } from "./matrix3.js";
import { densityOf, gridOf } from "./search-grid.js";
import { directCentres, extentOf, placeStores, storeWords } from "./search-store.js";

/** A lattice, or a box, or nothing but space. */
interface Surroundings {
  /** 9 numbers, rows are lattice vectors; those of non-periodic directions may be zero; null: no cell */
  readonly cell: Matrix3 | null;
  readonly pbc: Pbc;
}

/** Where atoms are: what a neighbour list is made from. */
export interface AtomsInCell extends Surroundings {
  /** [N, 3] angstrom */
  readonly positions: ArrayLike<number>;
}

/** The same with the positions f64[N, 3] on the device that searches. */
export interface AtomsOnDevice extends Surroundings {
  readonly positions: Tensor;
}

/** Errors: VALUE naming what is not as these types say. */
function assertFrames(frames: readonly unknown[]): void {
  if (!isList(frames))
    throw wrongArgument("neighborListOfFrames: frames", "a list of { positions, cell, pbc }", frames);
  frames.forEach((frame, f) => {
    const name = frames.length === 1 ? "" : `frame ${f}: `;
    assertOptional("neighborList", frame, `frames[${f}]`);
    const { positions } = frame as Partial<AtomsInCell>;
    if (!isList(positions) && !ArrayBuffer.isView(positions) && !(positions instanceof Tensor))
      throw wrongArgument(`neighborList: ${name}positions`, "numbers [N, 3] row-major", positions);
  });
}

const coordinates = ({ positions }: AtomsInCell | AtomsOnDevice): number =>
  positions instanceof Tensor ? positions.size : positions.length;

/** Trying more images of one cell than this is a mistake in the cell or in its units. */
const mostImages = 2 ** 22;

const mostOffset = 2 ** 30;

/** Numbers of a frame in the kernels' arrays (kernels/neighbours/op.ts). */
const [frameReals, planInts, extentReals] = [37, 17, 10];

/** A cell, a compact one of the same lattice, and compact = basis . cell. */
interface Lattice {
  readonly given: readonly number[] | null;
  readonly cell: Cell;
  readonly compact: Cell;
  readonly basis: Int32Array;
  readonly periodic: number;
}

/** The lattice of a cell: `last` itself where it is the same. */
function latticeOf(given: Matrix3 | null, pbc: Pbc, last: Lattice | undefined): Lattice {
  if (last !== undefined && sameLattice(given, pbc, last)) return last;
  const cell = new Cell(given, pbc);
  const { cell: compact, basis } = cell.compact();
  const periodic = Number(cell.pbc[0]) | (Number(cell.pbc[1]) << 1) | (Number(cell.pbc[2]) << 2);
  return { given: given === null ? null : Array.from(given), cell, compact, basis, periodic };
}

function sameLattice(given: Matrix3 | null, pbc: Pbc, last: Lattice): boolean {
  for (let axis = 0; axis < 3; axis++)
    if ((typeof pbc === "boolean" ? pbc : pbc[axis]) !== last.cell.pbc[axis]) return false;
  if (given === null || last.given === null) return given === last.given;
  if (given.length !== last.given.length) return false;
  for (let k = 0; k < given.length; k++) if (given[k] !== last.given[k]) return false;
  return true;
}

/** What the search kernels read of some frames (kernels/neighbours/op.ts says what each array is). */
export class SearchArrays {
  readonly atoms: number;
  readonly framePtr: Int32Array;
  readonly sizes: SearchSizes;
  /** What `AtomsToSearch` says of them. */
  readonly frame: Float64Array;
  readonly plan: Int32Array;
  private readonly positions: Float64Array | Tensor;
  private readonly lattices: Lattice[] = [];
  private readonly extremes: ArrayLike<number>;

  /**
   * Errors: SHAPE, VALUE, naming the frame when there are several.
   *
   * @param device where the search runs
   */
  constructor(
    frames: readonly AtomsInCell[] | readonly [AtomsOnDevice],
    private readonly rcut: number,
    private readonly device: DeviceName,
  ) {
    assertFrames(frames);
    const F = frames.length;
    this.framePtr = new Int32Array(F + 1);
    for (let f = 0; f < F; f++)
      this.framePtr[f + 1] = this.framePtr[f] + Math.floor(coordinates(frames[f]) / 3);
    this.atoms = this.framePtr[F];
    this.frame = new Float64Array(frameReals * F);
    this.plan = new Int32Array(planInts * F);
    this.eachFrame(F, (f) => this.addCell(f, frames[f]));
    this.positions = inARow(frames, this.atoms);
    const extremes = scope(() => neighbourExtent(this.tensors()).dataSync());
    this.extremes = extremes;
    const words = new Int32Array(F);
    const sizes = { cells: 0, tasks: 0 };
    this.eachFrame(F, (f) => {
      words[f] = this.planFrame(f, extremes.subarray(extentReals * f, extentReals * (f + 1)), sizes);
    });
    const { first, total } = placeStores(words, this.framePtr);
    for (let f = 0; f < F; f++) {
      this.plan[planInts * f + 15] = words[f];
      this.plan[planInts * f + 16] = first[f];
    }
    // Only the CPU's kernels keep what the first pass found.
    this.sizes = { ...sizes, store: device === "cpu" ? total : 0 };
  }

  /** Tensors over the arrays. */
  tensors(): AtomsToSearch {
    const [N, F] = [this.atoms, this.framePtr.length - 1];
    const device = deviceByName(this.device);
    const { positions } = this;
    return {
      positions: positions instanceof Tensor ? positions : Tensor.over(device, positions, [N, 3]),
      framePtr: Tensor.over(device, this.framePtr, [F + 1]),
      frame: Tensor.over(device, this.frame, [F, frameReals]),
      plan: Tensor.over(device, this.plan, [F, planInts]),
    };
  }

  /** What the offsets of all pairs of the first frame lie within, either way, along each axis of its lattice. */
  farthestOffsets(): [number, number, number] {
    const { extremes, frame, plan } = this;
    const images = [0, 1, 2].map((b) => {
      const apart = Math.max(0, extremes[3 + b] - extremes[b]);
      return this.lattices.at(0)?.cell.pbc[b] === true ? Math.floor(frame[33 + b] + apart + 1e-6) : 0;
    });
    const along = (axis: number): number =>
      images.reduce((sum, most, b) => sum + most * Math.abs(plan[3 * b + axis]), 2 * extremes[7 + axis]);
    return [along(0), along(1), along(2)];
  }

  private eachFrame(count: number, each: (f: number) => void): void {
    let f = 0;
    try {
      for (; f < count; f++) each(f);
    } catch (error) {
      if (!(error instanceof AtomgradError)) throw error;
      const where = count > 1 ? `frame ${f}: ` : "";
      throw new AtomgradError(error.code, `neighborList: ${where}${error.message}`, { cause: error });
    }
  }

  private addCell(f: number, given: AtomsInCell | AtomsOnDevice): void {
    const { cell: vectors, pbc } = given;
    if (coordinates(given) % 3 !== 0)
      throw new AtomgradError("SHAPE", `${coordinates(given)} coordinates are not rows of three`);
    const { frame, plan } = this;
    const last = this.lattices.at(-1);
    const lattice = latticeOf(vectors, pbc, last);
    this.lattices.push(lattice);
    const [real, whole] = [frameReals * f, planInts * f];
    if (lattice === last) {
      frame.copyWithin(real, real - frameReals, real);
      plan.copyWithin(whole, whole - planInts, whole);
      return;
    }
    frame.set(lattice.cell.vectors, real);
    frame.set(lattice.compact.vectors, real + 9);
    frame.set(lattice.compact.inverse, real + 18);
    plan.set(lattice.basis, whole);
    plan[whole + 12] = lattice.periodic;
  }

  /** Chooses the grid of a frame and counts its blocks of centres; returns the words of its store. */
  private planFrame(f: number, extremes: ArrayLike<number>, sizes: { cells: number; tasks: number }): number {
    const { frame, plan, rcut } = this;
    const lattice = this.lattices[f];
    const { compact } = lattice;
    const [real, whole] = [frameReals * f, planInts * f];
    if (!Number.isFinite(extremes[6])) this.checkFinite(f);
    for (let axis = 0; axis < 3; axis++) if (!(extremes[7 + axis] <= mostOffset)) this.findLost(f);
    const slack = rounding(extremes, lattice, rcut);
    let images = 1;
    for (let k = 0; k < 6; k++) frame[real + 27 + k] = extremes[k];
    for (let a = 0; a < 3; a++) {
      const reach = ((rcut + slack) / compact.faceDistances[a]) * (1 + 1e-12) + 1e-12;
      frame[real + 33 + a] = reach;
      if (compact.pbc[a]) images *= 2 * Math.ceil(reach) + 1;
    }
    frame[real + 36] = slack;
    if (images > mostImages)
      throw new AtomgradError(
        "VALUE",
        `rcut ${rcut} reaches ${images} images of the cell; check the cell and its units`,
      );
    const atoms = this.framePtr[f + 1] - this.framePtr[f];
    const density = densityOf(atoms, compact, rcut, extremes);
    const grid = gridOf(atoms, compact, rcut, extremes, images);
    const cells = grid[0] * grid[1] * grid[2];
    plan.set(grid, whole + 9);
    plan[whole + 13] = sizes.cells;
    plan[whole + 14] = sizes.tasks;
    sizes.cells += cells > 0 ? cells + 1 : 0;
    sizes.tasks += cells > 0 ? cells : Math.ceil(atoms / directCentres);
    return storeWords(atoms, density, rcut, grid, extentOf(compact, extremes), images);
  }

  /** Errors: VALUE, the first atom that 32-bit offsets cannot wrap. */
  private findLost(f: number): void {
    this.checkFinite(f);
    const { compact, basis } = this.lattices[f];
    const end = 3 * this.framePtr[f + 1];
    const positions = this.onHost();
    for (let k = 3 * this.framePtr[f]; k < end; k += 3) {
      const whole = compact
        .fractional(positions.subarray(k, k + 3))
        .map((u, a) => (compact.pbc[a] ? Math.floor(u) : 0));
      for (let axis = 0; axis < 3; axis++) {
        const moved = whole[0] * basis[axis] + whole[1] * basis[3 + axis] + whole[2] * basis[6 + axis];
        if (Math.abs(moved) <= mostOffset) continue;
        const atom = k / 3 - this.framePtr[f];
        throw new AtomgradError(
          "VALUE",
          `atom ${atom} lies ${moved} cells away along ${"abc"[axis]}; check its position`,
        );
      }
    }
  }

  private checkFinite(f: number): void {
    const positions = this.onHost();
    for (let k = 3 * this.framePtr[f]; k < 3 * this.framePtr[f + 1]; k++)
      if (!Number.isFinite(positions[k]))
        throw new AtomgradError(
          "VALUE",
          `position of atom ${Math.floor(k / 3) - this.framePtr[f]} is ${positions[k]}; give finite numbers`,
        );
  }

  /** The coordinates as given. */
  onHost(): Float64Array {
    return this.positions instanceof Tensor ? (this.positions.dataSync() as Float64Array) : this.positions;
  }
}

/** The frames' coordinates in a row: those of one frame themselves, where native code can read them. */
function inARow(
  frames: readonly AtomsInCell[] | readonly [AtomsOnDevice],
  atoms: number,
): Float64Array | Tensor {
  const only = frames.length === 1 ? frames[0].positions : undefined;
  if (only instanceof Tensor) return only;
  if (only instanceof Float64Array && only.buffer instanceof ArrayBuffer) return only;
  const row = new Float64Array(3 * atoms);
  let at = 0;
  for (const { positions } of frames as readonly AtomsInCell[]) {
    row.set(positions, at);
    at += positions.length;
  }
  return row;
}

/**
 * How much the distance of wrapped positions may differ from that of the positions as given: a few units in the last
 * place of the largest numbers either is made of.
 */
function rounding(extremes: ArrayLike<number>, { cell, compact, basis }: Lattice, rcut: number): number {
  const v = cell.vectors;
  let size = rcut + extremes[6];
  for (let a = 0; a < 3; a++) {
    let offset = extremes[7 + a];
    for (let b = 0; b < 3; b++)
      if (compact.pbc[b])
        offset += (Math.ceil(rcut / compact.faceDistances[b]) + 1) * Math.abs(basis[3 * b + a]);
    const longest = Math.max(Math.abs(v[3 * a]), Math.abs(v[3 * a + 1]), Math.abs(v[3 * a + 2]));
    size += 2 * offset * longest;
  }
  return 1e-12 + 32 * Number.EPSILON * size;
}
