import { zipSync, type Zippable } from "fflate";
import { AtomgradError } from "../tensor/error.js";
import { joinBytes } from "./join-bytes.js";
import { encodeNpy, parseNpy } from "./npy.js";
import type { NpyData } from "./npy-arrays.js";
import { refuseComplex } from "./npy-header.js";
import type { NpyDType } from "./npy-header.js";
import { withFile } from "./read-file.js";
import { readPart } from "./slice-source.js";
import { isZip, readZip } from "./zip.js";

/** One array of an npz file, in float64. */
export interface NpzArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** The arrays of an npz file by name, as float64. Errors: FILE, FORMAT, DTYPE for text, Python objects or complex numbers. */
export function readNpz(path: string): Map<string, NpzArray> {
  return withFile(path, (source) => {
    if (!isZip(source))
      throw new AtomgradError("FORMAT", `${source.name}: this is no npz file; write it with numpy.savez`);
    const arrays = new Map<string, NpzArray>();
    for (const [file, entry] of readZip(source)) {
      const name = file.replace(/\.npy$/, "");
      const opened = entry.open();
      const label = `${source.name}: ${name}`;
      const { dtype, shape, data } = parseNpy(readPart(opened, 0, opened.size), label);
      refuseComplex(dtype, label);
      arrays.set(name, {
        shape,
        data: data instanceof Float64Array ? data : Float64Array.from(data, Number),
      });
    }
    return arrays;
  });
}

/** The bytes of an npz file, as numpy.savez lays them out: stored npy entries. The same arrays give the same bytes. */
export function encodeNpz(
  arrays: ReadonlyMap<string, { shape: readonly number[]; data: NpyData; dtype?: NpyDType }>,
): Uint8Array {
  const files: Zippable = {};
  for (const [name, array] of arrays) {
    files[`${name}.npy`] = joinBytes(encodeNpy(array));
  }
  return zipSync(files, { level: 0, mtime: new Date(1980, 0, 1) });
}
