/** Per-frame quantities a DeePMD system can carry beside positions, cells and types, by their file names. */
export type LabelName = "energy" | "force" | "virial" | "atom_ener" | "atom_pref" | "fparam" | "aparam";

/** One label of all frames. Where the set of a frame lacks the file, `found` is 0 and the numbers are 0. */
export interface DeepmdLabel {
  /** Numbers per frame. */
  readonly width: number;
  /** [frames, width], row-major. */
  readonly data: Float64Array;
  /** [frames], 1 where the label was given. */
  readonly found: Uint8Array;
}

/**
 * A DeePMD system in memory: frames of one atom count. Units: angstrom, eV, eV/angstrom. All arrays row-major,
 * atoms in file order, frames of all sets one after the other.
 */
export interface DeepmdSystem {
  /** The folder as the caller named it. */
  readonly name: string;
  /** What the type numbers mean: the model's type map where one was given, else `type_map.raw`, else null. */
  readonly typeMap: readonly string[] | null;
  readonly frameCount: number;
  readonly atomCount: number;
  /** Whether every frame has its own types (`real_atom_types.npy`). */
  readonly mixed: boolean;
  /** [atoms], or [frames, atoms] when mixed. -1: virtual atom. */
  readonly types: Int32Array;
  /** [frames, 3 atoms]; never wrapped into the cell. */
  readonly positions: Float64Array;
  /** [frames, 9], rows of a cell are its lattice vectors; null for open boundaries (`nopbc`). */
  readonly cells: Float64Array | null;
  readonly labels: Readonly<Partial<Record<LabelName, DeepmdLabel>>>;
  /** Frames of each `set.*` folder, in order. */
  readonly setSizes: readonly number[];
}

/** The types of one frame: a view of [atoms]. */
export function frameTypes(system: DeepmdSystem, frame: number): Int32Array {
  if (!system.mixed) return system.types;
  return system.types.subarray(frame * system.atomCount, (frame + 1) * system.atomCount);
}

/** Numbers per frame of a label for `atoms` atoms; null where only the model knows it (fparam, aparam). */
export function labelWidth(label: LabelName, atoms: number): number | null {
  if (label === "energy") return 1;
  if (label === "virial") return 9;
  if (label === "force" || label === "atom_pref") return 3 * atoms;
  if (label === "atom_ener") return atoms;
  return null;
}

/** A label of some frames in a row; undefined where one of them has none. */
export function pickLabel(
  system: DeepmdSystem,
  frames: Int32Array,
  name: LabelName,
): Float64Array | undefined {
  const label = system.labels[name];
  if (label === undefined || frames.some((frame) => label.found[frame] === 0)) return undefined;
  const out = new Float64Array(frames.length * label.width);
  frames.forEach((frame, f) =>
    out.set(label.data.subarray(frame * label.width, (frame + 1) * label.width), f * label.width),
  );
  return out;
}
