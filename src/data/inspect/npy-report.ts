import { basename } from "node:path";
import { isComplex, isNpy, npyItemBytes, parseNpyHeader } from "../npy-header.js";
import type { NpyData } from "../npy-arrays.js";
import { npyPieces } from "../npy.js";
import { withFile } from "../read-file.js";
import { npyTensor } from "../weights/npz.js";
import { reportTensors, type TensorReport } from "../weights/weights.js";
import { Range } from "./range.js";

/** Numbers of an array that are looked at: those of 100 MB of float64 take a second. */
const mostNumbers = 1 << 22;

/** Of the finite numbers; a complex number is finite where both its parts are. */
interface Values {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly count: number;
}

/** What `inspect` says about an npy file. */
export interface NpyReport {
  readonly format: "npy";
  readonly tensors: readonly TensorReport[];
  readonly order: "C" | "Fortran";
  readonly byte_order: "little" | "big" | null;
  /** Numbers that were looked at, where these are not all. */
  readonly sampled?: number;
  /** Of the finite ones; of complex numbers both parts by themselves; null where there are none. */
  readonly values: Values | { readonly real: Values; readonly imag: Values } | null;
  /** Numbers that are NaN or infinite. */
  readonly non_finite: number;
}

/** Reports on an array by itself; null for other files. Errors: FORMAT (cut short), DTYPE (Python objects, texts, records). */
export function inspectNpy(path: string, { hash = false }: { readonly hash?: boolean }): NpyReport | null {
  return withFile(path, (source) => {
    if (!isNpy(source)) return null;
    const header = parseNpyHeader(source);
    const pieces = npyPieces(source, header, mostNumbers);
    const { seen, finite, values } = isComplex(header.dtype) ? complexRange(pieces) : realRange(pieces);
    const name = basename(path)
      .replace(/\.gz$/i, "")
      .replace(/\.npy$/i, "");
    const oneByte = npyItemBytes[header.dtype] === 1;
    return {
      format: "npy",
      tensors: reportTensors([npyTensor(name, source)], hash),
      order: header.fortranOrder ? "Fortran" : "C",
      byte_order: oneByte ? null : header.littleEndian ? "little" : "big",
      ...(seen < header.count ? { sampled: seen } : {}),
      values,
      non_finite: seen - finite,
    };
  });
}

interface Counted {
  readonly seen: number;
  readonly finite: number;
  readonly values: NpyReport["values"];
}

function realRange(pieces: readonly NpyData[]): Counted {
  const range = new Range();
  let seen = 0;
  for (const piece of pieces) {
    seen += piece.length;
    for (let k = 0; k < piece.length; k++) range.add(Number(piece[k]));
  }
  return { seen, finite: range.count, values: range.count === 0 ? null : range.toJson() };
}

function complexRange(pieces: readonly NpyData[]): Counted {
  const [real, imag] = [new Range(), new Range()];
  let seen = 0;
  for (const piece of pieces as readonly (Float32Array | Float64Array)[]) {
    seen += piece.length / 2;
    for (let k = 0; k < piece.length; k += 2) {
      if (!Number.isFinite(piece[k]) || !Number.isFinite(piece[k + 1])) continue;
      real.add(piece[k]);
      imag.add(piece[k + 1]);
    }
  }
  const values = real.count === 0 ? null : { real: real.toJson(), imag: imag.toJson() };
  return { seen, finite: real.count, values };
}
