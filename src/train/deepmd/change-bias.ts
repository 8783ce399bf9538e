import { graphOfFrames } from "../../models/deepmd/build-graph.js";
import type { EnergyModel } from "../../models/deepmd/energy-model.js";
import { energyBias } from "../../models/deepmd/statistics.js";
import { noGrad } from "../../autograd/node.js";
import { scope } from "../../tensor/scope.js";
import type { StatisticsSource } from "./load-data.js";
import { compositions, givenEnergies } from "./prepare-model.js";

/**
 * Shifts the energy bias of every type by least squares over what the model misses on the statistics batches (spec 2.9,
 * mode `change`).
 */
export function changeBias(model: EnergyModel, data: StatisticsSource): void {
  const missed = compositions(model.config, data).map(({ system, frame, counts, energy }) => ({
    counts,
    energy: energy - energyOf(model, system, frame),
  }));
  // Types whose energy is given keep it.
  const kept = givenEnergies(model.config).map((energy) => (energy === null ? null : 0));
  const { bias, deviation } = energyBias(missed, model.typeMap.length, kept);
  model.shiftBias(bias, deviation);
}

function energyOf(model: EnergyModel, system: Parameters<typeof graphOfFrames>[1], frame: number): number {
  return scope(() =>
    noGrad(() => {
      const graph = graphOfFrames(model, system, Int32Array.of(frame));
      return model.frameEnergies(model.atomEnergies(graph), graph).itemSync();
    }),
  );
}
