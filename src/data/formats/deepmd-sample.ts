import { existsSync, readdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { readTypeFiles } from "../deepmd-npy-types.js";
import { atomicNumberOf } from "../elements.js";
import { readNpyHeader } from "../npy.js";
import { readNpyRows } from "../npy-parts.js";
import { makeStructure, pbcOf, type Structure } from "../structure.js";
import type { StructureSample } from "./format.js";
import { spreadOver } from "../sampled-frames.js";

interface FrameSet {
  readonly system: string;
  readonly folder: string;
  /** Number of its first frame among all frames. */
  readonly start: number;
  readonly frames: number;
}

/** Some frames of systems of DeePMD-kit: headers of all sets are read, and the rows of those frames. */
export function sampleDeepmd(systems: readonly string[], count: number): StructureSample {
  const sets: FrameSet[] = [];
  let frames = 0;
  for (const system of systems)
    for (const name of readdirSync(system).sort()) {
      const folder = join(system, name);
      if (!name.startsWith("set.") || !existsSync(join(folder, "coord.npy"))) continue;
      const { shape } = readNpyHeader(join(folder, "coord.npy"), labelOf(system, folder, "coord"));
      sets.push({ system, folder, start: frames, frames: shape[0] ?? 0 });
      frames += shape[0] ?? 0;
    }
  const chosen = spreadOver(frames, count);
  const structures = sets.flatMap((set) => {
    const inside = chosen.filter((frame) => frame >= set.start && frame < set.start + set.frames);
    return inside.length === 0 ? [] : readRows(set, inside);
  });
  return { frames, structures };
}

function labelOf(system: string, folder: string, stem: string): string {
  return `${basename(resolve(system))}/${basename(folder)}/${stem}.npy`;
}

function readRows({ system, folder, start }: FrameSet, chosen: readonly number[]): Structure[] {
  const rows = chosen.map((frame) => frame - start);
  const read = (stem: string): ((k: number) => Float64Array) | null => {
    const path = join(folder, `${stem}.npy`);
    if (!existsSync(path)) return null;
    const { width, data } = readNpyRows(path, rows, labelOf(system, folder, stem));
    return (k) => data.slice(k * width, (k + 1) * width);
  };
  const { types, names } = readTypeFiles(system, basename(resolve(system)));
  const [box, energy, force, virial, mixed] = ["box", "energy", "force", "virial", "real_atom_types"].map(
    read,
  );
  const coord = read("coord")!;
  const isPeriodic = box !== null && !existsSync(join(system, "nopbc"));
  const stems = readdirSync(folder).flatMap((name) => (name.endsWith(".npy") ? [name.slice(0, -4)] : []));
  const keys = ["type", ...stems.sort()];
  return rows.map((_, k) => {
    const all = mixed === null ? Array.from(types) : Array.from(mixed(k));
    const atoms = Array.from(all.keys()).filter((atom) => all[atom] >= 0);
    const symbols = atoms.map((atom) => names?.[all[atom]] ?? `Type_${all[atom]}`);
    const atomicNumbers = Int32Array.from(symbols, (symbol) => atomicNumberOf(symbol) ?? 0);
    const triples = (values: Float64Array): Float64Array =>
      Float64Array.from(atoms.flatMap((atom) => [...values.subarray(3 * atom, 3 * atom + 3)]));
    return makeStructure({
      atomicNumbers,
      species: atomicNumbers.includes(0) ? symbols : null,
      positions: triples(coord(k)),
      cell: isPeriodic ? box(k) : null,
      pbc: pbcOf(isPeriodic),
      energy: energy?.(k)[0] ?? null,
      forces: force === null ? null : triples(force(k)),
      virial: virial?.(k) ?? null,
      keys,
    });
  });
}
