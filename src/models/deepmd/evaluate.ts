import { noGrad } from "../../autograd/node.js";
import { atomicVirial } from "../../geometry/virial.js";
import { scope } from "../../tensor/scope.js";
import { graphOf } from "./build-graph.js";
import type { EnergyModel } from "./energy-model.js";
import type { FrameList } from "./frames.js";
import { predict } from "./prediction.js";

/** What is asked of a model. */
export type EvalTask =
  | { readonly kind: "energy"; readonly atomic: boolean }
  | { readonly kind: "descriptor" }
  | { readonly kind: "fittingLastLayer" };

/** Results of an evaluation; nf frames of N atoms, row-major, eV and angstrom. */
export interface EvalResult {
  /** [nf] */
  readonly energy: Float64Array;
  /** [nf, N, 3] */
  readonly force: Float64Array;
  /** [nf, 9]: sum of r (x) F, positive pressure contribution; stress = -virial / volume */
  readonly virial: Float64Array;
  /** [nf, N] */
  readonly atomEnergy?: Float64Array;
  /** [nf, N, 9] */
  readonly atomVirial?: Float64Array;
}

/** Rough memory of one atom's neighbours in a step decides how many frames are computed at once. */
const atomsPerBlock = 1024;

/**
 * Energies, forces and virials of all frames, block by block: memory beside the results does not grow with their number.
 *
 * @param stopped asked before every block; true ends the evaluation
 * @returns undefined when it was stopped
 */
export function evaluateEnergies(
  model: EnergyModel,
  frames: FrameList,
  atomic: boolean,
  stopped: () => boolean = () => false,
): EvalResult | undefined {
  const { count, atoms } = frames;
  const result = {
    energy: new Float64Array(count),
    force: new Float64Array(count * atoms * 3),
    virial: new Float64Array(count * 9),
    ...(atomic && {
      atomEnergy: new Float64Array(count * atoms),
      atomVirial: new Float64Array(count * atoms * 9),
    }),
  };
  const done = inBlocks(frames, stopped, (first, end) => {
    const graph = graphOf(model, frames.slice(first, end));
    const { energy, force, virial, atomEnergy, slope, edge } = predict(model, graph, {
      createGraph: false,
      virial: true,
    });
    result.energy.set(energy.dataSync(), first);
    result.force.set(force.dataSync(), first * atoms * 3);
    result.virial.set(virial!.dataSync(), first * 9);
    result.atomEnergy?.set(atomEnergy.dataSync(), first * atoms);
    result.atomVirial?.set(atomicVirial(slope, edge, graph.neighbour).dataSync(), first * atoms * 9);
  });
  return done ? result : undefined;
}

/** Rows per atom, [nf, N, width], block by block: descriptors, or what the last hidden layer of the fitting net gives. */
export function evaluateRows(
  model: EnergyModel,
  frames: FrameList,
  kind: "descriptor" | "fittingLastLayer",
  stopped: () => boolean = () => false,
): Float64Array | undefined {
  const width = kind === "descriptor" ? model.descriptorWidth : model.lastLayerWidth;
  const perFrame = frames.atoms * width;
  const out = new Float64Array(frames.count * perFrame);
  const done = inBlocks(frames, stopped, (first, end) => {
    const graph = graphOf(model, frames.slice(first, end));
    const rows = noGrad(() => (kind === "descriptor" ? model.descriptors(graph) : model.lastLayer(graph)));
    out.set(rows.dataSync(), first * perFrame);
  });
  return done ? out : undefined;
}

/** All results of a task by name; undefined when it was stopped. */
export function evaluateTask(
  model: EnergyModel,
  frames: FrameList,
  task: EvalTask,
  stopped: () => boolean,
): Record<string, Float64Array> | undefined {
  if (task.kind === "energy") {
    const result = evaluateEnergies(model, frames, task.atomic, stopped);
    return result && { ...result };
  }
  const rows = evaluateRows(model, frames, task.kind, stopped);
  return rows && { rows };
}

function inBlocks(
  { count, atoms }: FrameList,
  stopped: () => boolean,
  compute: (first: number, end: number) => void,
): boolean {
  const block = Math.max(1, Math.floor(atomsPerBlock / Math.max(1, atoms)));
  for (let first = 0; first < count; first += block) {
    if (stopped()) return false;
    scope(() => compute(first, Math.min(count, first + block)));
  }
  return true;
}
