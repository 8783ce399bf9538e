import { basename } from "node:path";
import { AtomgradError } from "../tensor/error.js";
import { decodeInto, decodeNpy } from "./npy.js";
import { arrays, type NpyData } from "./npy-arrays.js";
import { npyItemBytes, parseNpyHeader, partsOf, refuseComplex, type NpyHeader } from "./npy-header.js";
import { withFile, type ByteSource } from "./read-file.js";
import { windowedSource } from "./windowed-source.js";

/** An array of an npy file whose numbers are read when they are asked for; complex ones stand as pairs. */
export interface NpyParts extends Pick<NpyHeader, "dtype" | "shape" | "count"> {
  /** So many numbers from number `start` on, in C order, as an array of their own. */
  readonly numbers: (start: number, count: number) => NpyData;
}

/**
 * Opens an array; the source must stay open as long as numbers are asked for. An array in Fortran order is held in memory.
 *
 * @param hold is told how many bytes that is, before it is read; it may refuse
 * @throws AtomgradError as `readNpy`
 */
export function openNpyParts(source: ByteSource, hold: (bytes: number) => void = () => {}): NpyParts {
  const header = parseNpyHeader(source);
  const { dtype, shape, count, offset, fortranOrder } = header;
  if (fortranOrder) {
    hold(count * npyItemBytes[dtype]);
    const { data } = decodeNpy(source);
    const parts = partsOf(dtype);
    return { dtype, shape, count, numbers: (start, n) => data.slice(parts * start, parts * (start + n)) };
  }
  const windowed = windowedSource(source);
  const numbers = (start: number, n: number): NpyData => {
    const part = new arrays[dtype](n * partsOf(dtype));
    decodeInto(part, windowed, { ...header, count: n, offset: offset + start * npyItemBytes[dtype] });
    return part;
  };
  return { dtype, shape, count, numbers };
}

/** Some rows (along the first axis) of an npy file as float64, without reading the others. Errors as `readNpy`; DTYPE for complex numbers. */
export function readNpyRows(
  path: string,
  rows: readonly number[],
  label = basename(path),
): { width: number; data: Float64Array } {
  const use = (source: ByteSource): { width: number; data: Float64Array } => {
    const { dtype, shape, count, numbers } = openNpyParts(source);
    refuseComplex(dtype, label);
    const width = count / Math.max(1, shape[0] ?? 1);
    const data = new Float64Array(rows.length * width);
    rows.forEach((row, k) => {
      if (!(row * width + width <= count))
        throw new AtomgradError("SHAPE", `${label}: there is no row ${row} in [${shape.join(", ")}]`);
      const part = numbers(row * width, width);
      for (let c = 0; c < width; c++) data[k * width + c] = Number(part[c]);
    });
    return { width, data };
  };
  return withFile(path, use, label);
}
