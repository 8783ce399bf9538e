import { type DeepmdSystem, frameTypes } from "../../data/deepmd-system.js";
import { environmentRows, largestNeighbourNumber } from "../../models/deepmd/build-graph.js";
import type { ModelConfig } from "../../models/deepmd/config/deepmd-input.js";
import { initialWeights } from "../../models/deepmd/initial-weights.js";
import type { Weights } from "../../models/deepmd/parameters.js";
import { seAttenConfig, seAttenSettings } from "../../models/deepmd/se-atten/from-config.js";
import { type Composition, energyBias, EnvironmentAccumulator } from "../../models/deepmd/statistics.js";
import { AtomgradError } from "../../tensor/error.js";
import type { DataSet } from "./load-data.js";

/** What looking at the neighbours of the training data gives. */
export interface NeighbourStatistics {
  readonly largest: number;
  /** angstrom */
  readonly minDistance: number;
}

/** Counts neighbours within the cutoff in all training frames. */
export function neighbourStatistics(data: DataSet, rcut: number): NeighbourStatistics {
  let largest = 0;
  let minDistance = Infinity;
  for (const system of data.systems)
    for (let frame = 0; frame < system.frameCount; frame++) {
      const found = largestNeighbourNumber(system, frame, rcut);
      largest = Math.max(largest, found.largest);
      minDistance = Math.min(minDistance, found.minDistance);
    }
  return { largest, minDistance };
}

/**
 * The model section with `sel` as a number: "auto:f" is f times the largest neighbour number, rounded up to a multiple of
 * 4 (spec 1.3). A given `sel` that is too small gives a warning, as in DeePMD-kit.
 */
export function resolveSel(
  model: ModelConfig,
  neighbours: NeighbourStatistics | undefined,
): { model: ModelConfig; warning: string | undefined } {
  const descriptor = seAttenConfig(model);
  const { sel } = descriptor;
  if (typeof sel !== "string") {
    const total = typeof sel === "number" ? sel : sel.reduce((a, b) => a + b, 0);
    const tooSmall = neighbours !== undefined && neighbours.largest > total;
    const warning = `model.descriptor.sel is ${total}, but an atom of the training data has ${neighbours?.largest ?? 0} neighbours within rcut; the farthest are ignored. Set sel to at least ${neighbours?.largest ?? 0}`;
    return { model, warning: tooSmall ? warning : undefined };
  }
  if (neighbours === undefined)
    throw new AtomgradError(
      "CONFIG",
      `model.descriptor.sel is "${sel}", which needs the neighbour statistics; leave out --skip-neighbor-stat or give a number`,
    );
  const factor = Number(sel.split(":")[1] ?? 1.1);
  const resolved = 4 * Math.floor((Math.trunc(neighbours.largest * factor) + 3) / 4);
  return {
    model: { ...model, descriptor: { ...descriptor, sel: Math.max(4, resolved) } },
    warning: undefined,
  };
}

/** A frame of the statistics batches that has an energy. */
export interface FrameComposition extends Composition {
  readonly system: DeepmdSystem;
  readonly frame: number;
}

/** Energies and numbers of atoms per type of the statistics batches. */
export function compositions(model: ModelConfig, data: DataSet): FrameComposition[] {
  const found: FrameComposition[] = [];
  for (const { system, frames } of data.statisticsBatches(model.data_stat_nbatch))
    for (const frame of frames) {
      const energy = system.labels.energy;
      if (energy === undefined || energy.found[frame] === 0) continue;
      const counts = new Float64Array(model.type_map?.length ?? 0);
      for (const t of frameTypes(system, frame)) if (t >= 0) counts[t]++;
      found.push({ energy: energy.data[frame], counts, system, frame });
    }
  return found;
}

/** First weights with statistics of the data: davg, dstd and the energy bias (spec 2.5, 2.9). */
export function freshWeights(model: ModelConfig, data: DataSet, seed: number): Weights {
  const settings = seAttenSettings(model);
  const environment = new EnvironmentAccumulator(settings.typeCount, settings.sel);
  for (const { system, frames } of data.statisticsBatches(model.data_stat_nbatch))
    for (const frame of frames) environment.add(environmentRows(settings, system, frame));
  if (model.preset_out_bias !== null)
    throw new AtomgradError("CONFIG", "model.preset_out_bias is not computed by this version; leave it out");
  const bias = energyBias(compositions(model, data), settings.typeCount);
  return initialWeights(model, environment.finish(settings.setDavgZero), bias, seed);
}
