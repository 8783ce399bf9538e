import { basename } from "node:path";
import { isNpy, npyItemBytes, parseNpyHeader } from "../npy-header.js";
import { npyPieces } from "../npy.js";
import { withFile } from "../read-file.js";
import { npyTensor } from "../weights/npz.js";
import { reportTensors, type TensorReport } from "../weights/weights.js";
import { Range } from "./range.js";

/** Numbers of an array that are looked at: those of 100 MB of float64 take a second. */
const mostNumbers = 1 << 22;

/** What `inspect` says about an npy file. */
export interface NpyReport {
  readonly format: "npy";
  readonly tensors: readonly TensorReport[];
  readonly order: "C" | "Fortran";
  readonly byte_order: "little" | "big" | null;
  /** Numbers that were looked at, where these are not all. */
  readonly sampled?: number;
  /** Of the finite ones; null where there are none. */
  readonly values: {
    readonly min: number;
    readonly max: number;
    readonly mean: number;
    readonly count: number;
  } | null;
  /** Numbers that are NaN or infinite. */
  readonly non_finite: number;
}

/** Reports on an array by itself; null for other files. Errors: FORMAT (cut short), DTYPE (Python objects, texts, records). */
export function inspectNpy(path: string, { hash = false }: { readonly hash?: boolean }): NpyReport | null {
  return withFile(path, (source) => {
    if (!isNpy(source)) return null;
    const header = parseNpyHeader(source);
    const range = new Range();
    let seen = 0;
    for (const piece of npyPieces(source, header, mostNumbers)) {
      seen += piece.length;
      for (let k = 0; k < piece.length; k++) range.add(Number(piece[k]));
    }
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
      values: range.count === 0 ? null : range.toJson(),
      non_finite: seen - range.count,
    };
  });
}
