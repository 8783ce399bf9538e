import {
  type Candidates,
  packing,
  verletFill,
  verletMoved,
  verletPack,
  verletWithin,
} from "../../kernels/verlet/op.js";
import type { DeviceContext } from "../tensor/device.js";
import type { TypedArray } from "../tensor/dtype.js";
import { keep, scope } from "../tensor/scope.js";
import { Tensor, tensor } from "../tensor/tensor.js";
import { Cell, type Pbc } from "./cell.js";
import { countedPairs, type FoundPairs, type HostPairs } from "./host-pairs.js";
import type { Matrix3 } from "./matrix3.js";
import { NeighborSearch, rowsOf } from "./neighbor-search.js";

/** The pairs of a structure within a cutoff and a skin, to be tested again and again where atoms have moved. Holds tensors. */
export class VerletCandidates implements Disposable {
  private readonly atoms: number;

  private constructor(
    private readonly device: DeviceContext,
    private readonly candidates: Candidates,
    /** f64[N, 3] positions that were searched. */
    private readonly start: Tensor,
  ) {
    this.atoms = start.shape[0];
    for (const t of this.tensors()) keep(t);
  }

  /** Searches. Undefined: the pairs' offsets are too many to be kept. Errors as `neighborList`. */
  static find(
    device: DeviceContext,
    positions: Float64Array,
    cell: Matrix3 | null,
    pbc: Pbc,
    reach: number,
  ): VerletCandidates | undefined {
    return scope(() => {
      using search = new NeighborSearch([{ positions, cell, pbc }], reach, false, device);
      const { atoms } = search;
      const on = { device: device.name };
      const [neighbour, , shift] = search.tensors(0, atoms, "f32");
      let box = search.farthestOffsets;
      if (packing(atoms, box) === undefined) box = boxOf(shift.dataSync());
      const plan = packing(atoms, box);
      if (plan === undefined) return undefined;
      const ptr = tensor(rowsOf(search.ptr, 0, atoms), [atoms + 1], on);
      const vectors = tensor(new Cell(cell, pbc).vectors, [3, 3], on);
      const candidates = verletPack({ neighbour, shift, ptr }, vectors, box, plan);
      return new VerletCandidates(device, candidates, tensor(positions, [atoms, 3], on));
    });
  }

  /** Positions as the tests read them; undefined where an atom is as far as `most` from where it was, or nowhere. */
  placed(positions: Float64Array, most: number): Tensor | undefined {
    return scope(() => {
      const [given, far] = verletMoved(Tensor.over(this.device, positions, [this.atoms, 3]), this.start);
      return far.dataSync()[0] < most * most ? given : undefined;
    });
  }

  /** The candidates within the cutoff at these positions, and where those of each centre begin. */
  within(
    given: Tensor,
    rcut: number,
    inclusive: boolean,
    into: HostPairs,
  ): { readonly pairs: FoundPairs; readonly ptr: Int32Array } {
    return scope(() => {
      let kept: Tensor | undefined;
      const ptr = countedPairs(this.device, this.atoms, (count) => {
        kept = keep(verletWithin(this.candidates, given, rcut, inclusive, count));
      }) as Int32Array;
      try {
        const rows = Tensor.over(this.device, ptr, [ptr.length]);
        const pairs = into.filled(ptr[this.atoms], "f64", (tensors) => {
          verletFill(this.candidates, kept!, given, rows, tensors);
        });
        return { pairs, ptr };
      } finally {
        kept?.dispose();
      }
    });
  }

  private tensors(): Tensor[] {
    const { packed, ptr, offset, moved } = this.candidates;
    return [packed, ptr, offset, moved, this.start];
  }

  dispose(): void {
    for (const t of this.tensors()) t.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Largest offsets, either way: less than what is known without looking, where all atoms are far from the cell. */
function boxOf(shift: TypedArray): [number, number, number] {
  const most: [number, number, number] = [0, 0, 0];
  for (let k = 0; k < shift.length; k++) most[k % 3] = Math.max(most[k % 3], Math.abs(shift[k]));
  return most;
}
