import { cellFromParameters, cellParameters } from "../../geometry/cell-parameters.js";

/** The cell of a data file's header: `xlo xhi` ..., `xy xz yz`, or `avec`, `bvec`, `cvec`. Null where it is incomplete. */
export function boxCell(box: ReadonlyMap<string, readonly number[]>): Float64Array | null {
  const [a, b, c] = ["avec", "bvec", "cvec"].map((name) => box.get(name));
  if (a?.length === 3 && b?.length === 3 && c?.length === 3) return Float64Array.of(...a, ...b, ...c);
  const lengths = ["x", "y", "z"].map((axis) => {
    const bounds = box.get(`${axis}lo ${axis}hi`);
    return bounds?.length === 2 ? bounds[1] - bounds[0] : NaN;
  });
  if (!lengths.every(Number.isFinite)) return null;
  const [xy, xz, yz] = box.get("xy xz yz") ?? [0, 0, 0];
  return Float64Array.of(lengths[0], 0, 0, xy, lengths[1], 0, xz, yz, lengths[2]);
}

/** Whether a cell stands as LAMMPS wants it: a along +x, b in the xy plane, right-handed. */
export function fitsBox(cell: Float64Array): boolean {
  return cell[1] === 0 && cell[2] === 0 && cell[5] === 0 && cell[0] > 0 && cell[4] > 0 && cell[8] > 0;
}

/** The same lattice turned into the box of LAMMPS. */
export function restricted(cell: Float64Array): Float64Array {
  return fitsBox(cell) ? cell : cellFromParameters(cellParameters(cell));
}
