import { AtomgradError } from "../tensor/error.js";
import type { NpyHeader } from "./npy-header.js";

/** Smallest |det| of a cell relative to the product of its edge lengths; below it the vectors are coplanar. */
const flatCell = 1e-6;

/**
 * Frames of a per-frame array of `width` numbers a frame. Accepted: [frames, width], [frames, a, b] with a b = width,
 * [frames] where width is 1, and for a single frame the bare [width] (or a scalar).
 *
 * @param frames the number the other files of the set have, or null when this file decides it
 */
export function countFrames(
  header: NpyHeader,
  label: string,
  width: number,
  widthText: string,
  frames: number | null,
): number {
  const { shape, count } = header;
  const single = shape.length < 2 && count === width && (frames ?? 1) === 1;
  const found = single ? 1 : shape.length === 0 ? -1 : shape[0];
  const fits =
    count === found * width && (found > 0 || shape.length > 1) && (frames === null || found === frames);
  if (fits && (single || shape.length > 1 || width === 1)) return found;
  const needed = `(${frames ?? "frames"}, ${width})`;
  throw new AtomgradError(
    "SHAPE",
    `${label}: shape (${shape.join(", ")}), but ${widthText} ask for ${needed}; check that the files belong together`,
  );
}

/** Only float32 and float64 hold positions and labels; anything else is a mistake in writing the file. */
export function checkFloat(header: NpyHeader, label: string): void {
  if (header.dtype === "f4" || header.dtype === "f8") return;
  throw new AtomgradError(
    "DTYPE",
    `${label}: holds ${header.dtype}; float32 or float64 is needed; write it with astype(numpy.float64)`,
  );
}

/** Cells, parameters and weights may be whole numbers too, as numpy.eye or a list of integers gives them. */
export function checkReal(header: NpyHeader, label: string): void {
  if (!/^[iu]\d/.test(header.dtype)) checkFloat(header, label);
}

/**
 * Finds the first NaN or infinity of [frames, width] numbers.
 *
 * @param atomWidth numbers per atom, to name the atom of a frame, or 0 for quantities of the whole frame
 */
export function checkFinite(data: Float64Array, width: number, atomWidth: number, label: string): void {
  let bad = 0;
  while (bad < data.length && Number.isFinite(data[bad])) bad++;
  if (bad === data.length) return;
  const frame = Math.floor(bad / width);
  const entry = bad % width;
  const atom = atomWidth > 0 ? `, atom ${Math.floor(entry / atomWidth)}` : "";
  const place =
    atomWidth === 3 ? `, ${"xyz"[entry % 3]}` : width > 1 && atomWidth !== 1 ? `, entry ${entry}` : "";
  throw new AtomgradError(
    "NUMERIC",
    `${label}: frame ${frame}${atom}${place} is ${data[bad]}; remove this frame from all files of the set or compute it again`,
  );
}

/** Every cell must span a volume; left-handed cells are fine. `cells` [frames, 9]. */
export function checkCells(cells: Float64Array, label: string): void {
  for (let frame = 0; 9 * frame < cells.length; frame++) {
    const [a, b, c] = [0, 3, 6].map((k) => cells.subarray(9 * frame + k, 9 * frame + k + 3));
    const volume =
      a[0] * (b[1] * c[2] - b[2] * c[1]) +
      a[1] * (b[2] * c[0] - b[0] * c[2]) +
      a[2] * (b[0] * c[1] - b[1] * c[0]);
    const edges = Math.hypot(...a) * Math.hypot(...b) * Math.hypot(...c);
    if (Math.abs(volume) > flatCell * edges && edges < Infinity) continue;
    throw new AtomgradError(
      "VALUE",
      `${label}: frame ${frame} has a cell without volume (determinant ${volume}); give three independent lattice vectors, or an empty file "nopbc" in the system's folder for open boundaries`,
    );
  }
}
