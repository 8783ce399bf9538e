import { sum } from "../../../kernels/reduce/op.js";
import { cast } from "../../../kernels/cast/op.js";
import { grad } from "../../autograd/grad.js";
import { detach, requireGrad, withRecording } from "../../autograd/node.js";
import { widestType } from "../../tensor/device.js";
import type { Tensor } from "../../tensor/tensor.js";
import { assembleForces, assembleVirial } from "../../geometry/virial.js";
import type { EnergyModel } from "./energy-model.js";
import type { DeepmdGraph } from "./graph.js";

/** What a model says of a batch. F frames, N atoms; eV, eV/angstrom; f64 where the device has it. */
export interface Prediction {
  /** [N] */
  readonly atomEnergy: Tensor;
  /** [F] */
  readonly energy: Tensor;
  /** [N, 3] */
  readonly force: Tensor;
  /** [F, 9] (spec 2.10); undefined when not asked for. */
  readonly virial: Tensor | undefined;
  /** dE/d(edge) and the edges themselves, [E, 3]: what atomic virials are made of. */
  readonly slope: Tensor;
  readonly edge: Tensor;
}

export interface PredictionOptions {
  /** Record the gradient, so that a loss on forces can be differentiated. */
  readonly createGraph: boolean;
  readonly virial: boolean;
}

/** Energies of atoms and how they change with the edges. */
export type Slopes = Pick<Prediction, "atomEnergy" | "slope" | "edge">;

/** Energies and dE/d(edge), in the widest type. @param createGraph as in `PredictionOptions` */
export function energySlopes(model: EnergyModel, graph: DeepmdGraph, createGraph: boolean): Slopes {
  requireGrad(graph.edge);
  const widest = widestType(graph.edge.device.name);
  const { atomEnergy, slope } = withRecording(true, () => {
    const energies = model.atomEnergies(graph);
    const [d] = grad(sum(energies), [graph.edge], { createGraph });
    return { atomEnergy: energies, slope: cast(d, widest) };
  });
  return { atomEnergy, slope, edge: cast(detach(graph.edge), widest) };
}

/** Energies, forces and virials: F = -dE/dr, through the edge vectors (spec 2.10). */
export function predict(model: EnergyModel, graph: DeepmdGraph, options: PredictionOptions): Prediction {
  const { atomEnergy, slope, edge } = energySlopes(model, graph, options.createGraph);
  return {
    atomEnergy,
    energy: model.frameEnergies(atomEnergy, graph),
    force: assembleForces(slope, graph.ptr, graph.neighbour),
    virial: options.virial ? assembleVirial(slope, edge, graph.edgePtr) : undefined,
    slope,
    edge,
  };
}
