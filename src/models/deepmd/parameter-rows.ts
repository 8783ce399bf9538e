import { AtomgradError } from "../../tensor/error.js";
import { widestType } from "../../tensor/device.js";
import { type Tensor, tensor } from "../../tensor/tensor.js";
import type { Frames } from "./frames.js";

/** Parameters a fitting net gets beside the descriptor (spec 2.9). */
export interface ParameterCounts {
  /** `numb_fparam`: numbers per frame. */
  readonly fparam: number;
  /** `numb_aparam`: numbers per atom. */
  readonly aparam: number;
  /** `default_fparam`, for frames without. */
  readonly defaultFparam: readonly number[] | null;
}

/** The frame's and the atom's parameters of every atom, [N, fparam + aparam] in f64; undefined when there are none. */
export function parameterRows(frames: Frames, counts: ParameterCounts): Tensor | undefined {
  const width = counts.fparam + counts.aparam;
  if (width === 0) return undefined;
  const { count, atoms } = frames;
  const fparam = frameParameters(frames, counts);
  const aparam =
    counts.aparam === 0
      ? undefined
      : given(frames.aparam, "aparam", count * atoms, counts.aparam, placeOf(frames));
  const rows = new Float64Array(count * atoms * width);
  for (let i = 0; i < count * atoms; i++) {
    const frame = Math.floor(i / atoms);
    if (fparam !== undefined)
      rows.set(fparam.subarray(frame * counts.fparam, (frame + 1) * counts.fparam), i * width);
    if (aparam !== undefined)
      rows.set(aparam.subarray(i * counts.aparam, (i + 1) * counts.aparam), i * width + counts.fparam);
  }
  return tensor(rows, [count * atoms, width], { dtype: widestType() });
}

/** Parameters of frames [nf, numb_fparam], the default ones where the frames have none. */
export function frameParameters(
  frames: Pick<Frames, "count" | "fparam" | "nameOf">,
  counts: ParameterCounts,
): Float64Array | undefined {
  if (counts.fparam === 0) return undefined;
  const { count, fparam } = frames;
  const { defaultFparam } = counts;
  if (fparam === undefined && defaultFparam !== null)
    return Float64Array.from({ length: count * counts.fparam }, (_, k) => defaultFparam[k % counts.fparam]);
  return given(fparam, "fparam", count, counts.fparam, placeOf(frames));
}

function given(
  data: Float64Array | undefined,
  name: "fparam" | "aparam",
  rows: number,
  width: number,
  place: string,
): Float64Array {
  const per = name === "fparam" ? "frame" : "atom";
  if (data === undefined) throw missingParameters(place, name, width);
  if (data.length !== rows * width)
    throw new AtomgradError(
      "SHAPE",
      `${place}${name} has ${data.length} numbers; ${rows} ${per}s with numb_${name} ${width} need ${rows * width}`,
    );
  return data;
}

/** The error for frames without parameters. @param place `data_0: frame 3: ` */
export function missingParameters(place: string, name: "fparam" | "aparam", width: number): AtomgradError {
  const per = name === "fparam" ? "frame" : "atom";
  return new AtomgradError(
    "VALUE",
    `${place}${name} is missing: the model needs ${width} numbers per ${per} (numb_${name}); give ${name}.npy in every set`,
  );
}

function placeOf(frames: Pick<Frames, "nameOf">): string {
  return frames.nameOf === undefined ? "" : `${frames.nameOf(0)}: `;
}
