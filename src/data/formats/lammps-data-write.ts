import { atomicMasses } from "../atomic-masses.js";
import { elementSymbols } from "../elements.js";
import { determinant, inverse, rowsTimes } from "../../geometry/matrix3.js";
import { AtomgradError } from "../../tensor/error.js";
import type { Structure } from "../structure.js";
import { formatReal } from "../text/numbers.js";
import { fitsBox, restricted } from "./lammps-box.js";

/** The text of a data file: style atomic, or charge where there are charges; types in the order in which elements appear. */
export function formatLammpsData(structure: Structure): string {
  const { cell, atomicNumbers, arrays } = structure;
  if (cell === null || determinant(cell) === 0)
    throw new AtomgradError(
      "VALUE",
      "lammps-data: this structure has no cell with a volume, LAMMPS needs a box",
    );
  if (determinant(cell) < 0)
    throw new AtomgradError("VALUE", "lammps-data: the cell is left-handed, LAMMPS cannot hold it");
  const box = restricted(cell);
  const turn = fitsBox(cell) ? null : rowsTimes(inverse(cell), box);
  const turned = (rows: Float64Array): Float64Array => (turn === null ? rows : rowsTimes(rows, turn));
  const types = [...new Set(atomicNumbers)];
  const symbol = (z: number): string => {
    const found = elementSymbols[z - 1];
    if (found === undefined)
      throw new AtomgradError(
        "VALUE",
        "lammps-data: an atom is no element, its mass is unknown; --type-map names types without elements",
      );
    return found;
  };
  const charge = arrays.get("charge") ?? arrays.get("charges") ?? arrays.get("initial_charges");
  const charged = charge?.kind === "real" && charge.shape.length === 1;
  const positions = turned(structure.positions);
  const out = [
    "LAMMPS data file, units metal",
    "",
    `${atomicNumbers.length} atoms`,
    `${types.length} atom types`,
    "",
  ];
  ["x", "y", "z"].forEach((axis, k) => out.push(`0.0 ${formatReal(box[4 * k])} ${axis}lo ${axis}hi`));
  if (box[3] !== 0 || box[6] !== 0 || box[7] !== 0)
    out.push(`${[3, 6, 7].map((k) => formatReal(box[k])).join(" ")} xy xz yz`);
  out.push("", "Masses", "", ...types.map((z, k) => `${k + 1} ${atomicMasses[z - 1]} # ${symbol(z)}`));
  out.push("", `Atoms # ${charged ? "charge" : "atomic"}`, "");
  const row = (data: Float64Array, atom: number): string =>
    [0, 1, 2].map((k) => formatReal(data[3 * atom + k])).join(" ");
  atomicNumbers.forEach((z, atom) => {
    const q = charged ? `${formatReal(charge.data[atom] as number)} ` : "";
    out.push(`${atom + 1} ${types.indexOf(z) + 1} ${q}${row(positions, atom)}`);
  });
  const velocities = arrays.get("velocities");
  if (velocities?.kind === "real" && velocities.shape.length === 2) {
    const data = turned(Float64Array.from(velocities.data as ArrayLike<number>));
    out.push(
      "",
      "Velocities",
      "",
      ...Array.from(atomicNumbers, (_, atom) => `${atom + 1} ${row(data, atom)}`),
    );
  }
  return `${out.join("\n")}\n`;
}
