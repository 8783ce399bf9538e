import { noGrad } from "../../autograd/node.js";
import { atomicVirial } from "../../geometry/virial.js";
import { scope } from "../../tensor/scope.js";
import type { Tensor } from "../../tensor/tensor.js";
import { graphOf, graphOfCentres } from "./build-graph.js";
import { centreBlocks, isLarge, pull } from "./centre-blocks.js";
import type { EnergyModel } from "./energy-model.js";
import type { FrameList } from "./frames.js";
import type { DeepmdGraph } from "./graph.js";
import { energySlopes, predict } from "./prediction.js";

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

/** Small frames are computed together: what a step needs grows with their atoms. */
const atomsPerBlock = 512;

/**
 * Energies, forces and virials of all frames, block by block: memory beside the results does not grow with their number. Large
 * frames are computed in blocks of centres; beside the results their neighbours alone are held for the whole frame.
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
  if (isLarge(atoms)) return evaluateByCentres(model, frames, result, stopped) ? result : undefined;
  const done = inBlocks(frames, stopped, (first, end) => {
    const graph = graphOf(model, frames.slice(first, end));
    const { energy, force, virial, atomEnergy, slope, edge } = predict(model, graph, {
      createGraph: false,
      virial: true,
    });
    result.energy.set(energy.dataSync(), first);
    setUnsignedZeros(result.force, force, first * atoms * 3);
    setUnsignedZeros(result.virial, virial!, first * 9);
    result.atomEnergy?.set(atomEnergy.dataSync(), first * atoms);
    if (result.atomVirial !== undefined)
      setUnsignedZeros(result.atomVirial, atomicVirial(slope, edge, graph.neighbour), first * atoms * 9);
  });
  return done ? result : undefined;
}

/** Copies values; a sum over no edges, negated, is -0, whose sign would show in text files. */
function setUnsignedZeros(target: Float64Array, source: Tensor, at: number): void {
  const values = source.dataSync();
  for (let k = 0; k < values.length; k++) target[at + k] = values[k] + 0;
}

/** Fills the results frame by frame and, within a frame, block by block; false when it was stopped. */
function evaluateByCentres(
  model: EnergyModel,
  frames: FrameList,
  result: EvalResult,
  stopped: () => boolean,
): boolean {
  const { count, atoms } = frames;
  for (let f = 0; f < count; f++) {
    const rows = (data: Float64Array | undefined, width: number): Float64Array | undefined =>
      data?.subarray(f * width, (f + 1) * width);
    const onto = {
      force: rows(result.force, 3 * atoms)!,
      virial: rows(result.virial, 9)!,
      atomVirial: rows(result.atomVirial, 9 * atoms),
    };
    for (const block of centreBlocks(model.settings, frames.slice(f, f + 1))) {
      if (stopped()) return false;
      scope(() => {
        const { atomEnergy, slope, edge } = energySlopes(model, graphOfCentres(model, block), false);
        const energies = atomEnergy.dataSync();
        result.atomEnergy?.set(energies, f * atoms + block.first);
        for (const energy of energies) result.energy[f] += energy;
        pull(block, slope.dataSync() as Float64Array, edge.dataSync() as Float64Array, onto);
      });
    }
  }
  return true;
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
  const compute = (graph: DeepmdGraph, at: number): void => {
    const rows = noGrad(() => (kind === "descriptor" ? model.descriptors(graph) : model.lastLayer(graph)));
    out.set(rows.dataSync(), at);
  };
  if (!isLarge(frames.atoms)) {
    const done = inBlocks(frames, stopped, (first, end) =>
      compute(graphOf(model, frames.slice(first, end)), first * perFrame),
    );
    return done ? out : undefined;
  }
  for (let f = 0; f < frames.count; f++)
    for (const block of centreBlocks(model.settings, frames.slice(f, f + 1))) {
      if (stopped()) return undefined;
      scope(() => compute(graphOfCentres(model, block), f * perFrame + block.first * width));
    }
  return out;
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
