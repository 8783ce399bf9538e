import { join } from "node:path";
import { encodeNpy } from "../../src/data/npy.js";
import type { NpyData } from "../../src/data/npy-arrays.js";
import { joinBytes, put } from "./temporary-folder.js";

/** Content of a file of a test system: text, bytes, an array with its shape, or null for "leave it out". */
export type FileSpec = string | Uint8Array | { shape: number[]; data: NpyData } | null;

/** Three frames of a water molecule in a 10 angstrom cube, with energy and force. */
export function waterFiles(): Record<string, FileSpec> {
  const frames = [0, 1, 2];
  const atoms = [0, 0, 0, 0.96, 0, 0, -0.24, 0.93, 0];
  const cube = [10, 0, 0, 0, 10, 0, 0, 0, 10];
  return {
    "type.raw": "0\n1\n1\n",
    "type_map.raw": "O\nH\n",
    "set.000/coord.npy": f8(
      [3, 9],
      frames.flatMap((k) => atoms.map((x) => x + k / 10)),
    ),
    "set.000/box.npy": f8(
      [3, 9],
      frames.flatMap(() => cube),
    ),
    "set.000/energy.npy": f8([3], [-1, -2, -3]),
    "set.000/force.npy": f8(
      [3, 9],
      frames.flatMap((k) => atoms.map((x) => 2 * x - k)),
    ),
  };
}

/** A float64 array. */
export function f8(shape: number[], values: number[]): { shape: number[]; data: Float64Array } {
  return { shape, data: Float64Array.from(values) };
}

/** Writes a system folder; entries that are null are left out. */
export function putSystem(folder: string, files: Record<string, FileSpec>): string {
  for (const [name, spec] of Object.entries(files)) {
    if (spec === null) continue;
    const plain = typeof spec === "string" || spec instanceof Uint8Array;
    put(join(folder, name), plain ? spec : joinBytes(encodeNpy(spec)));
  }
  return folder;
}
