import { type DeepmdSystem, frameTypes, pickLabel } from "../../data/deepmd-system.js";

/** Labels of a batch on the host; a label is undefined where the data lack it. F frames of n atoms, N = F n. */
export interface LabelledBatch {
  readonly system: DeepmdSystem;
  readonly frames: Int32Array;
  /** [F] atoms that are not virtual. */
  readonly realAtoms: Float64Array;
  /** [N] 1 / (real atoms of the batch); 0 for virtual atoms. */
  readonly atomShare: Float64Array;
  /** [F] */
  readonly energy: Float64Array | undefined;
  /** [N * 3] */
  readonly force: Float64Array | undefined;
  /** [F * 9] */
  readonly virial: Float64Array | undefined;
  /** [N] */
  readonly atomEnergy: Float64Array | undefined;
  /** [N * 3] weights of force components. */
  readonly atomPref: Float64Array | undefined;
}

/** Picks frames of a system with their labels. */
export function labelledBatch(system: DeepmdSystem, frames: Int32Array): LabelledBatch {
  const { atomCount } = system;
  const realAtoms = new Float64Array(frames.length);
  const atomShare = new Float64Array(frames.length * atomCount);
  frames.forEach((frame, f) => {
    const types = frameTypes(system, frame);
    realAtoms[f] = types.reduce((n, t) => n + Number(t >= 0), 0);
    types.forEach((t, i) => (atomShare[f * atomCount + i] = Number(t >= 0)));
  });
  const atoms = realAtoms.reduce((a, b) => a + b, 0);
  return {
    system,
    frames,
    realAtoms,
    atomShare: atomShare.map((w) => w / atoms),
    energy: pickLabel(system, frames, "energy"),
    force: pickLabel(system, frames, "force"),
    virial: pickLabel(system, frames, "virial"),
    atomEnergy: pickLabel(system, frames, "atom_ener"),
    atomPref: pickLabel(system, frames, "atom_pref"),
  };
}
