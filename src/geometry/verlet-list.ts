import { assertOptions, isList, wrongArgument } from "../tensor/arguments.js";
import type { DeviceName } from "../tensor/backend.js";
import { device as deviceByName, type DeviceContext } from "../tensor/device.js";
import { AtomgradError } from "../tensor/error.js";
import { scope } from "../tensor/scope.js";
import type { Pbc } from "./cell.js";
import { HostPairs } from "./host-pairs.js";
import type { Matrix3 } from "./matrix3.js";
import { neighborList, type NeighborList } from "./neighbor-list.js";
import { assertDouble, searchDevice } from "./neighbor-search.js";
import { VerletCandidates } from "./verlet-candidates.js";

export interface VerletListOptions {
  /** How much farther than the cutoff candidates are kept, angstrom. */
  readonly skin: number;
  /** Also pairs exactly at the cutoff. */
  readonly inclusive?: boolean;
  /** Where to search: the same lists everywhere. Default: the CPU. Errors: DEVICE for one without f64 (webgpu). */
  readonly device?: DeviceName;
  /**
   * Each list is written over the one before, for loops that look at one at a time: making the memory of a new list takes longer
   * than filling it. Default: every list has arrays of its own.
   */
  readonly overwrite?: boolean;
}

/**
 * Neighbour lists of a moving structure. Candidates within rcut + skin are found once and used again until an atom has
 * moved by half the skin, or the cell or the number of atoms has changed; the lists are those of `neighborList` to the bit.
 * Atoms may leave the cell; an atom that is moved by whole cells counts as moved. Holds tensors: `dispose()` it, or leave
 * it to the garbage collector.
 *
 * Lists for which candidates do not fit 32 bits (atoms strewn over hundreds of cells) are searched each time.
 */
export class VerletList implements Disposable {
  private candidates: VerletCandidates | undefined;
  /** Of the candidates: numbers of their positions, and the cell as given. */
  private size = 0;
  private cell: Float64Array | null = null;
  private made = 0;
  private lists: HostPairs | undefined;

  /** Errors: VALUE for a cutoff or skin that is no positive length. */
  constructor(
    readonly rcut: number,
    readonly pbc: Pbc,
    private readonly options: VerletListOptions,
  ) {
    assertOptions("VerletList", options, "{ skin }");
    for (const [name, length] of Object.entries({ rcut, skin: options.skin }))
      if (!(length > 0) || !Number.isFinite(length))
        throw new AtomgradError("VALUE", `VerletList: ${name} is ${length}; give a positive length`);
  }

  /** How often candidates have been searched for. */
  get searches(): number {
    return this.made;
  }

  /** The neighbour list of these positions [N, 3] in this cell. Errors as `neighborList`. */
  update(positions: ArrayLike<number>, cell: Matrix3 | null): NeighborList {
    const rows = inDouble(positions);
    return scope(() => {
      const { rcut, options } = this;
      const device = this.device();
      let given = this.usable(rows, cell) ? this.candidates!.placed(rows, this.half) : undefined;
      if (given === undefined) {
        this.search(device, rows, cell);
        given = this.candidates?.placed(rows, this.half);
      }
      if (given === undefined) return this.anew(rows, cell);
      this.lists ??= new HostPairs(device, options.overwrite);
      const { pairs, ptr } = this.candidates!.within(given, rcut, options.inclusive ?? false, this.lists);
      const { neighbour, centre, shift, vector, distance } = pairs;
      return {
        count: neighbour.length,
        edgeIndex: [neighbour, centre],
        edgeShift: shift,
        edgeVector: vector as Float64Array,
        distance: distance as Float64Array,
        ptr,
      };
    });
  }

  /** What cannot be kept is searched. */
  private anew(rows: Float64Array, cell: Matrix3 | null): NeighborList {
    const { inclusive, device } = this.options;
    const found = neighborList(rows, cell, this.pbc, this.rcut, { inclusive, device });
    const { count, edgeIndex, edgeShift, edgeVector, distance, ptr } = found;
    return { count, edgeIndex, edgeShift, edgeVector, distance, ptr };
  }

  /** A millionth less than half the skin, for the rounding of what is compared. */
  private get half(): number {
    return 0.4999995 * this.options.skin;
  }

  private device(): DeviceContext {
    const { device: name } = this.options;
    const device = name === undefined ? searchDevice() : deviceByName(name);
    assertDouble(device, "VerletList");
    return device;
  }

  /** Whether the candidates are of as many atoms in this cell. */
  private usable(rows: Float64Array, cell: Matrix3 | null): boolean {
    if (this.candidates === undefined || rows.length !== this.size || cell?.length !== this.cell?.length)
      return false;
    return this.cell?.every((x, k) => x === cell![k]) ?? true;
  }

  private search(device: DeviceContext, rows: Float64Array, cell: Matrix3 | null): void {
    const found = VerletCandidates.find(device, rows, cell, this.pbc, this.rcut + this.options.skin);
    this.candidates?.dispose();
    this.candidates = found;
    this.size = rows.length;
    this.cell = cell === null ? null : Float64Array.from(cell);
    this.made++;
  }

  /** Frees the candidates; the next update searches. */
  dispose(): void {
    this.candidates?.dispose();
    this.candidates = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Numbers that native code can read: themselves where they are. */
function inDouble(positions: ArrayLike<number>): Float64Array {
  if (positions instanceof Float64Array && positions.buffer instanceof ArrayBuffer) return positions;
  if (!isList(positions) && !ArrayBuffer.isView(positions))
    throw wrongArgument("VerletList: positions", "numbers [N, 3] row-major", positions);
  return Float64Array.from(positions);
}
