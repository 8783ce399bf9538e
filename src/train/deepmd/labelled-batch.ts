import { type DeepmdSystem, frameTypes } from "../../data/deepmd-system.js";

/** Labels of a batch on the host; a label is undefined where the data lack it. F frames of n atoms, N = F n. */
export interface LabelledBatch {
  readonly system: DeepmdSystem;
  readonly frames: Int32Array;
  /** [F] atoms that are not virtual. */
  readonly realAtoms: Float64Array;
  /** [F] */
  readonly energy: Float64Array | undefined;
  /** [N * 3] */
  readonly force: Float64Array | undefined;
  /** [F * 9] */
  readonly virial: Float64Array | undefined;
  /** [N] 1 / (3 times the real atoms of the batch); 0 for virtual atoms. */
  readonly forceWeights: Float64Array;
}

/** Picks frames of a system with their labels. */
export function labelledBatch(system: DeepmdSystem, frames: Int32Array): LabelledBatch {
  const { atomCount } = system;
  const realAtoms = new Float64Array(frames.length);
  const forceWeights = new Float64Array(frames.length * atomCount);
  frames.forEach((frame, f) => {
    const types = frameTypes(system, frame);
    realAtoms[f] = types.reduce((n, t) => n + Number(t >= 0), 0);
    types.forEach((t, i) => (forceWeights[f * atomCount + i] = Number(t >= 0)));
  });
  const components = 3 * realAtoms.reduce((a, b) => a + b, 0);
  forceWeights.forEach((w, k) => (forceWeights[k] = w / components));
  const pick = (name: "energy" | "force" | "virial"): Float64Array | undefined => {
    const label = system.labels[name];
    if (label === undefined || frames.some((frame) => label.found[frame] === 0)) return undefined;
    const out = new Float64Array(frames.length * label.width);
    frames.forEach((frame, f) =>
      out.set(label.data.subarray(frame * label.width, (frame + 1) * label.width), f * label.width),
    );
    return out;
  };
  return {
    system,
    frames,
    realAtoms,
    energy: pick("energy"),
    force: pick("force"),
    virial: pick("virial"),
    forceWeights,
  };
}
