import { byElement } from "../../data/elements.js";
import { type DeepmdSystem, frameTypes, pickLabel } from "../../data/deepmd-system.js";
import type { NeighborNumbers } from "../../geometry/select-neighbors.js";
import type { ModelConfig } from "../../models/deepmd/config/deepmd-input.js";
import { systemFrameName } from "../../models/deepmd/frames.js";
import { descriptorSettings, fittingSettings } from "../../models/deepmd/from-config.js";
import { initialWeights } from "../../models/deepmd/initial-weights.js";
import { environmentRows, LargestNumbers, largestNeighbourNumbers } from "../../models/deepmd/neighbours.js";
import { frameParameters, type ParameterCounts } from "../../models/deepmd/parameter-rows.js";
import type { Weights } from "../../models/deepmd/parameters.js";
import { slotsOf } from "../../models/deepmd/descriptor-settings.js";
import {
  columnMoments,
  type Composition,
  energyBias,
  EnvironmentAccumulator,
  type EnvironmentMoments,
  environmentStatistics,
  type Moments,
  parameterStatistics,
  type ParameterStatistics,
} from "../../models/deepmd/statistics.js";
import { AtomgradError } from "../../tensor/error.js";
import type { DataSet, StatisticsSource } from "./load-data.js";
import type { EnergiesByType, StatisticsCache } from "./statistics-cache.js";

/** Counts neighbours within the cutoff in all training frames. */
export function neighbourStatistics(data: DataSet, rcut: number, typeCount: number): NeighborNumbers {
  const largest = new LargestNumbers(typeCount);
  for (const system of data.systems)
    for (let frame = 0; frame < system.frameCount; frame++)
      largest.add(largestNeighbourNumbers(system, frame, rcut, typeCount));
  return largest;
}

/**
 * The model section with `sel` as numbers: "auto:f" is f times the largest neighbour number, rounded up to a multiple of 4
 * (spec 1.3). A given `sel` that is too small gives a warning, as in DeePMD-kit.
 */
export function resolveSel(
  model: ModelConfig,
  neighbours: NeighborNumbers | undefined,
): { model: ModelConfig; warning: string | undefined } {
  const { descriptor } = model;
  const { sel } = descriptor;
  if (typeof sel !== "string") return { model, warning: warningOf(model, neighbours) };
  if (neighbours === undefined)
    throw new AtomgradError(
      "CONFIG",
      `model.descriptor.sel is "${sel}", which needs the neighbour statistics; leave out --skip-neighbor-stat or give a number`,
    );
  const factor = Number(sel.split(":")[1] ?? 1.1);
  const resolved = (n: number): number => 4 * Math.floor((Math.trunc(n * factor) + 3) / 4);
  const warning = undefined;
  if (descriptor.type === "se_e2_a") {
    const list = Array.from(neighbours.byType, resolved);
    const own = list.every((n) => n === 0) ? list.map(() => 4) : list;
    return { model: { ...model, descriptor: { ...descriptor, sel: own } }, warning };
  }
  const all = Math.max(4, resolved(neighbours.total));
  return { model: { ...model, descriptor: { ...descriptor, sel: all } }, warning };
}

function warningOf({ descriptor }: ModelConfig, neighbours: NeighborNumbers | undefined): string | undefined {
  const { sel, type } = descriptor;
  if (neighbours === undefined || typeof sel === "string") return undefined;
  const advice = "within rcut; the farthest are ignored. Set sel to at least";
  if (type === "se_e2_a") {
    const list = sel as readonly number[];
    if (neighbours.byType.every((n, t) => n <= list[t])) return undefined;
    const needed = `[${neighbours.byType.join(", ")}]`;
    return `model.descriptor.sel is [${list.join(", ")}], but atoms of the training data have up to ${needed} neighbours of each type ${advice} ${needed}`;
  }
  const total = typeof sel === "number" ? sel : sel.reduce((a, b) => a + b, 0);
  if (neighbours.total <= total) return undefined;
  return `model.descriptor.sel is ${total}, but an atom of the training data has ${neighbours.total} neighbours ${advice} ${neighbours.total}`;
}

/** A frame of the statistics batches that has an energy. */
export interface FrameComposition extends Composition {
  readonly system: DeepmdSystem;
  readonly frame: number;
}

/** Energies and numbers of atoms per type of the statistics batches; atoms without energy (`atom_exclude_types`) left out. */
export function compositions(model: ModelConfig, data: StatisticsSource): FrameComposition[] {
  const found: FrameComposition[] = [];
  for (const { system, frames } of data.statisticsBatches(model.data_stat_nbatch))
    for (const frame of frames) {
      const energy = system.labels.energy;
      if (energy === undefined || energy.found[frame] === 0) continue;
      const counts = new Float64Array(model.type_map?.length ?? 0);
      for (const t of frameTypes(system, frame)) if (t >= 0) counts[t]++;
      for (const t of model.atom_exclude_types) counts[t] = 0;
      found.push({ energy: energy.data[frame], counts, system, frame });
    }
  return found;
}

/** Energies of single atoms that the input gives, by type: `preset_out_bias`, and in TensorFlow `atom_ener`. */
export function givenEnergies(model: ModelConfig): readonly (number | null)[] {
  if (model.preset_out_bias !== null) return model.preset_out_bias.energy;
  return model.rules === "tf" ? model.fitting_net.atom_ener : [];
}

/** First weights with statistics of the data: davg, dstd, parameters and the energy bias (spec 2.5, 2.9). @param cache where they may stand already */
export function freshWeights(
  model: ModelConfig,
  data: StatisticsSource,
  seed: number,
  cache?: StatisticsCache,
): Weights {
  const settings = descriptorSettings(model);
  const moments = environmentMoments.bind(null, model, data);
  const energies = energiesByType.bind(null, model, data);
  const statistics = {
    environment: environmentStatistics(cache?.environment(moments) ?? moments(), settings),
    parameters: statisticsOfParameters(model, data, cache),
    energy: cache?.energies(energies) ?? energies(),
  };
  cache?.observed(() => observedNames(model, data));
  return initialWeights(model, statistics, seed);
}

function environmentMoments(model: ModelConfig, data: StatisticsSource): EnvironmentMoments {
  const settings = descriptorSettings(model);
  const environment = new EnvironmentAccumulator(settings.typeCount, slotsOf(settings));
  for (const { system, frames } of data.statisticsBatches(model.data_stat_nbatch))
    for (const frame of frames) environment.add(environmentRows(settings, system, frame));
  return environment.moments();
}

function energiesByType(model: ModelConfig, data: StatisticsSource): EnergiesByType {
  const types = model.type_map?.length ?? 0;
  const { bias, deviation } = energyBias(compositions(model, data), types, givenEnergies(model));
  return { bias, deviation: new Float64Array(types).fill(deviation) };
}

/** Types of the statistics batches, elements by their number, other names last. */
function observedNames(model: ModelConfig, data: StatisticsSource): string[] {
  const seen = new Set<number>();
  for (const { system, frames } of data.statisticsBatches(model.data_stat_nbatch))
    for (const frame of frames) for (const type of frameTypes(system, frame)) seen.add(type);
  return byElement((model.type_map ?? []).filter((_, t) => seen.has(t)));
}

/** Means and deviations of fparam and aparam over the statistics batches. Errors: VALUE where frames lack them. */
export function statisticsOfParameters(
  model: ModelConfig,
  data: StatisticsSource,
  cache?: StatisticsCache,
): ParameterStatistics {
  const counts: ParameterCounts = fittingSettings(model).parameters;
  const of = (
    name: "fparam" | "aparam",
    part: (system: DeepmdSystem, frames: Int32Array) => Float64Array | undefined,
  ): ParameterStatistics[typeof name] => {
    const compute = (): Moments[] => {
      const parts: Float64Array[] = [];
      if (counts[name] > 0)
        for (const { system, frames } of data.statisticsBatches(model.data_stat_nbatch)) {
          const own = part(system, frames);
          if (own !== undefined) parts.push(own);
        }
      return columnMoments(parts, counts[name]);
    };
    const columns = cache?.parameters(name, counts[name], compute) ?? compute();
    return parameterStatistics(columns, model.data_stat_protect);
  };
  return {
    fparam: of("fparam", (system, frames) =>
      frameParameters(
        {
          count: frames.length,
          fparam: pickLabel(system, frames, "fparam"),
          nameOf: (f) => systemFrameName(system, frames[f]),
        },
        counts,
      ),
    ),
    aparam: of("aparam", (system, frames) => pickLabel(system, frames, "aparam")),
  };
}
