import { checkCells, checkFinite } from "./deepmd-npy-check.js";
import type { DeepmdLabel, DeepmdSystem, LabelName } from "./deepmd-system.js";

/** One frame of data that come frame by frame. */
export interface FrameRecord {
  /** [N] numbers of the type map; -1: virtual atom. */
  readonly types: Int32Array;
  /** [N, 3] */
  readonly positions: Float64Array;
  /** [9], or null for open boundaries. */
  readonly cell: Float64Array | null;
  readonly labels: Partial<Record<LabelName, Float64Array>>;
}

/** Numbers per atom of a label's rows, for messages; 0 for quantities of the frame. */
const perAtom: Partial<Record<LabelName, number>> = { force: 3, atom_ener: 1, atom_pref: 3 };

/**
 * Frames as systems: those with the same number of atoms, boundaries and labels go together, in their order, each frame with
 * its own types.
 *
 * @param name of the file, for messages
 *
 * Errors: NUMERIC for numbers that are not finite, VALUE for cells without volume.
 */
export function systemsOfFrames(
  name: string,
  label: string,
  typeMap: readonly string[] | null,
  frames: readonly FrameRecord[],
): DeepmdSystem[] {
  const groups = new Map<string, FrameRecord[]>();
  for (const frame of frames) {
    const labels = Object.keys(frame.labels).sort().join();
    const key = `${frame.types.length} ${frame.cell !== null} ${labels}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [frame]);
    else group.push(frame);
  }
  return [...groups.values()].map((group) => systemOf(name, label, typeMap, group));
}

function systemOf(
  name: string,
  label: string,
  typeMap: readonly string[] | null,
  frames: readonly FrameRecord[],
): DeepmdSystem {
  const atoms = frames[0].types.length;
  const rows = (what: string, width: number, atomWidth: number, of: (frame: FrameRecord) => Float64Array) => {
    const data = new Float64Array(frames.length * width);
    frames.forEach((frame, f) => data.set(of(frame), f * width));
    checkFinite(data, width, atomWidth, `${label}: ${what}`);
    return data;
  };
  const cells = frames[0].cell === null ? null : rows("cell", 9, 0, (frame) => frame.cell!);
  if (cells !== null) checkCells(cells, `${label}: cell`);
  const labels: Partial<Record<LabelName, DeepmdLabel>> = {};
  for (const key of Object.keys(frames[0].labels) as LabelName[]) {
    const width = frames[0].labels[key]!.length;
    const data = rows(key, width, perAtom[key] ?? 0, (frame) => frame.labels[key]!);
    labels[key] = { width, data, found: new Uint8Array(frames.length).fill(1) };
  }
  const types = new Int32Array(frames.length * atoms);
  frames.forEach((frame, f) => types.set(frame.types, f * atoms));
  return {
    name,
    typeMap,
    frameCount: frames.length,
    atomCount: atoms,
    mixed: true,
    types,
    positions: rows("coord", 3 * atoms, 3, (frame) => frame.positions),
    cells,
    labels,
    setSizes: [frames.length],
  };
}
