import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { elementSymbols } from "../../src/data/elements.js";
import { inspectFile } from "../../src/data/inspect/inspect.js";
import type { StructureReport } from "../../src/data/inspect/structure-report.js";
import { scalarOf, type Structure } from "../../src/data/structure.js";
import { readStructures, writeStructures } from "../../src/data/structures.js";
import { toFractional } from "../../src/geometry/fractional.js";
import { temporaryFolder } from "../data/temporary-folder.js";

const data = join("examples", "data");
const folder = temporaryFolder();
const report = async (path: string): Promise<StructureReport> =>
  (await inspectFile(join(data, path))) as StructureReport;
const scalar = (frame: Structure, name: string): number => scalarOf(frame.info.get(name))!;

function sizeOf(path: string): number {
  if (!statSync(path).isDirectory()) return statSync(path).size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

describe("the data in examples/data", () => {
  it("is below 3 MB, each set with source and licence", () => {
    expect(sizeOf(data)).toBeLessThan(3e6);
    for (const name of ["qm9", "rmd17", "mp_20", "oc20"])
      expect(readFileSync(join(data, name, "README.md"), "utf8")).toMatch(
        /\*\*Source\*\*[^]*\*\*Licence\*\*: C(?:C0|reative Commons Attribution 4\.0)[^]*\*\*Changes\*\*/,
      );
  });

  it("qm9: 40 molecules of five elements at most, whose properties obey thermodynamics", async () => {
    const found = await report("qm9/qm9.extxyz");
    expect([found.frames, found.energy, found.pbc]).toEqual([40, null, [false, false, false]]);
    expect(Object.keys(found.elements).every((symbol) => "HCNOF".includes(symbol))).toBe(true);
    expect(found.suspicious).toEqual([]);
    expect(found.nearest_distance).toBeGreaterThan(0.9);
    for (const frame of await readStructures(join(data, "qm9", "qm9.extxyz"))) {
      const [energy, enthalpy, gibbs] = ["U", "H", "G"].map((name) => scalar(frame, name));
      // H - U = kT at 298.15 K in Hartree, printed to 6 decimals; G lies below H by T S.
      expect(Math.abs(enthalpy - energy - 0.000944)).toBeLessThan(1.5e-6);
      expect(gibbs).toBeLessThan(enthalpy);
      expect(scalar(frame, "U0")).toBeLessThan(energy);
      expect(
        Math.abs(scalar(frame, "epsLUMO") - scalar(frame, "epsHOMO") - scalar(frame, "epsgap")),
      ).toBeLessThan(2e-4);
    }
  });

  it("rmd17: 40 frames of C2H6O in eV, on which no net force acts", async () => {
    const found = await report("rmd17/ethanol.extxyz");
    expect([found.frames, found.atoms, found.elements]).toEqual([
      40,
      { min: 9, max: 9, total: 360 },
      { C: 80, O: 40, H: 240 },
    ]);
    expect(found.energy).toMatchObject({ count: 40, unit: "eV" });
    expect(found.suspicious).toEqual([]);
    for (const { forces } of await readStructures(join(data, "rmd17", "ethanol.extxyz")))
      for (const axis of [0, 1, 2]) {
        const net = forces!.reduce((sum, value, k) => sum + (k % 3 === axis ? value : 0), 0);
        expect(Math.abs(net)).toBeLessThan(1e-6);
      }
  });

  it("mp_20: 25 crystals whose atoms are those of their formula", async () => {
    const found = await report("mp_20/mp_20.csv");
    expect([found.frames, found.pbc, found.suspicious]).toEqual([25, [true, true, true], []]);
    expect(found.atoms.max).toBeLessThanOrEqual(20);
    for (const frame of await readStructures(join(data, "mp_20", "mp_20.csv"))) {
      const counts = new Map<string, number>();
      for (const z of frame.atomicNumbers)
        counts.set(elementSymbols[z - 1], (counts.get(elementSymbols[z - 1]) ?? 0) + 1);
      const cif = frame.info.get("cif")?.data[0] ?? "";
      if (cif !== "") expect(cif).toContain([...counts][0][0]);
      expect(reduced(counts)).toEqual(reduced(ofFormula(String(frame.info.get("pretty_formula")!.data[0]))));
    }
  });

  it.each(["extxyz", "vasp", "cif", "jsonl", "data"])("crystals come back from .%s", async (ending) => {
    const crystals = await readStructures(join(data, "mp_20", "mp_20.csv"));
    for (const [k, crystal] of crystals.entries()) {
      const path = join(folder, `crystal-${k}.${ending}`);
      await writeStructures(path, [crystal]);
      const [again] = await readStructures(path);
      expect([...again.atomicNumbers]).toEqual([...crystal.atomicNumbers]);
      // LAMMPS turns the cell; fractional coordinates stay.
      const before = toFractional(crystal.positions, crystal.cell!);
      const after = toFractional(again.positions, again.cell!);
      before.forEach((value, at) => expect(Math.abs(after[at] - value)).toBeLessThan(1e-12));
      if (ending === "extxyz" || ending === "vasp") expect(again.cell).toEqual(crystal.cell);
      if (ending === "extxyz") expect(again.positions).toEqual(crystal.positions);
    }
  });

  it("crystals come back from .csv with every column", async () => {
    const crystals = await readStructures(join(data, "mp_20", "mp_20.csv"));
    const path = join(folder, "crystals.csv");
    await writeStructures(path, crystals);
    const again = await readStructures(path);
    expect(again).toHaveLength(crystals.length);
    crystals.forEach(({ atomicNumbers, info, keys, positions }, k) => {
      expect(again[k]).toMatchObject({ atomicNumbers, info, keys });
      positions.forEach((value, at) => expect(Math.abs(again[k].positions[at] - value)).toBeLessThan(1e-12));
    });
    // Fields per frame and energies of other formats become columns.
    const [record] = await readStructures(join(data, "oc20", "is2re.lmdb"), { frames: 0 });
    await writeStructures(path, [record]);
    const [row] = await readStructures(path);
    expect(scalar(row, "y_relaxed")).toBe(scalar(record, "y_relaxed"));
    expect([...row.atomicNumbers]).toEqual([...record.atomicNumbers]);
  });

  it.each(["extxyz", "deepmd-npy", "deepmd-mixed"])(
    "frames of ethanol come back from %s bit for bit",
    async (format) => {
      const frames = await readStructures(join(data, "rmd17", "ethanol.extxyz"));
      const path = join(folder, `ethanol.${format}`);
      await writeStructures(path, frames, { format });
      const again = await readStructures(path, { format });
      expect(again).toHaveLength(frames.length);
      frames.forEach(({ positions, forces, energy, atomicNumbers }, k) =>
        expect(again[k]).toMatchObject({ positions, forces, energy, atomicNumbers }),
      );
    },
  );
});

/** Numbers of atoms in a formula with one level of brackets, such as La3(NbN3)2. */
function ofFormula(formula: string): Map<string, number> {
  const counts = new Map<string, number>();
  const flat = formula.replace(/\(([^)]*)\)(\d*)/g, (_, inner: string, times: string) =>
    inner.repeat(Number(times || 1)),
  );
  for (const [, symbol, count] of flat.matchAll(/([A-Z][a-z]?)(\d*)/g))
    counts.set(symbol, (counts.get(symbol) ?? 0) + Number(count || 1));
  return counts;
}

/** Counts divided by what all have in common, in the order of the symbols. */
function reduced(counts: Map<string, number>): [string, number][] {
  const common = (a: number, b: number): number => (b === 0 ? a : common(b, a % b));
  const divisor = [...counts.values()].reduce(common);
  return [...counts].map(([symbol, count]): [string, number] => [symbol, count / divisor]).sort();
}
