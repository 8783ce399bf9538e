/*
 * One record of OC20, from the file to what a model needs.
 *
 *     npm run build && node dist/examples/oc20-record.js [FILE.lmdb [RECORD]]
 *
 * docs/oc20.md explains what it prints.
 */
import { pathToFileURL } from "node:url";
import {
  alongLattice,
  fractionalForces,
  minimumImage,
  readStructures,
  toCartesian,
  toFractional,
} from "../src/index.js";

const row = (values: ArrayLike<number>, k: number, digits = 6): string =>
  [0, 1, 2].map((axis) => values[3 * k + axis].toFixed(digits).padStart(digits + 5)).join(" ");

const largest = (values: ArrayLike<number>): number =>
  Array.from(values, Math.abs).reduce((a, b) => Math.max(a, b), 0);

/** Describes a record, line by line. */
export async function describeRecord(path: string, index: number): Promise<string[]> {
  const [record] = await readStructures(path, { frames: index });
  const { atomicNumbers, positions, forces, tags, fixed } = record;
  const cell = record.cell!;
  const atoms = atomicNumbers.length;
  const lines = [
    `record ${index} of ${path}: system ${String(record.info.get("sid")?.data[0])}, ${atoms} atoms`,
  ];

  lines.push("", "cell: all of it, rows are the lattice vectors a, b, c (angstrom)");
  for (let k = 0; k < 3; k++) lines.push(row(cell, k));

  const adsorbate = tags!.indexOf(2);
  const fractional = toFractional(positions, cell);
  lines.push(
    "",
    `atom ${adsorbate}, the first of the adsorbate: pos, then its fractional coordinates pos . inverse(cell)`,
  );
  lines.push(row(positions, adsorbate), row(fractional, adsorbate));
  const there = toCartesian(fractional, cell).map((value, k) => value - positions[k]);
  lines.push(
    `back again: off by at most ${largest(there) < 1e-12 ? "1e-12" : largest(there).toExponential(1)} angstrom`,
  );

  const lengths = [0, 1, 2].map((k) => Math.hypot(...cell.slice(3 * k, 3 * k + 3)));
  const perAxis = positions.map((value, k) => value / lengths[k % 3]);
  const wrong = toCartesian(perAxis, cell).map((value, k) => value - positions[k]);
  lines.push(`each axis divided by its length instead: off by up to ${largest(wrong).toFixed(2)} angstrom`);

  if (forces !== null) {
    lines.push("", `force on that atom (eV/angstrom), its components along a, b, c, and -dE/df (eV)`);
    lines.push(
      row(forces, adsorbate),
      row(alongLattice(forces, cell), adsorbate),
      row(fractionalForces(forces, cell), adsorbate),
    );
  }

  const relaxed = record.arrays.get("pos_relaxed");
  if (relaxed !== undefined) {
    const raw = Float64Array.from(relaxed.data as Float32Array, (value, k) => value - positions[k]);
    const moved = minimumImage(raw, cell);
    const still = moved.filter((_, k) => fixed![Math.floor(k / 3)] === 1);
    lines.push(
      "",
      `relaxation: largest step ${largest(moved).toFixed(3)} angstrom, of fixed atoms ${largest(still).toFixed(3)}`,
    );
    lines.push(
      `y_init ${String(record.info.get("y_init")!.data[0])} eV, y_relaxed ${String(record.info.get("y_relaxed")!.data[0])} eV`,
    );
  }

  lines.push("", "a sequence of UniGenX: <bos> Z1...ZK <coord>, a <mask> for each row below, <eos>");
  lines.push(`rows: the cell [3, 3] on top of the fractional positions [${atoms}, 3] = [${atoms + 3}, 3]`);
  lines.push(`<mask> ids: ${atoms + 3}; ids in all: ${2 * atoms + 6}`);
  return lines;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [path = "examples/data/oc20/is2re.lmdb", index = "1"] = process.argv.slice(2);
  process.stdout.write(`${(await describeRecord(path, Number(index))).join("\n")}\n`);
}
