import { type DeepmdSystem, type LabelName } from "../../data/deepmd-system.js";
import type { ModelConfig } from "../../models/deepmd/config/schema-model.js";
import { systemFrameName, systemName } from "../../models/deepmd/frames.js";
import { fittingSettings } from "../../models/deepmd/from-config.js";
import { assertAtomsApart } from "../../models/deepmd/neighbours.js";
import { missingParameters } from "../../models/deepmd/parameter-rows.js";
import { AtomgradError } from "../../tensor/error.js";
import type { EnergyLoss } from "./energy-loss.js";
import type { DataSet } from "./load-data.js";

/**
 * Refuses data that a training or its validation would stop at, in whatever step their frames come: parameters of the model and
 * labels of the loss that are missing, and (where neighbours are not counted anyway) atoms on top of each other.
 *
 * Errors: VALUE, CONFIG, naming the system and frame.
 */
export function assertTrainable(
  data: DataSet,
  model: ModelConfig,
  loss: EnergyLoss,
  neighboursCounted: boolean,
): void {
  for (const [k, system] of data.systems.entries()) {
    const batchSize = data.plan.sizes[k];
    if (batchSize === 0) continue;
    assertParameters(system, model);
    assertLabels(system, loss, batchSize);
    if (!neighboursCounted) assertAtomsApart(system, model.type_map?.length ?? 0);
  }
}

function assertParameters(system: DeepmdSystem, model: ModelConfig): void {
  const { parameters } = fittingSettings(model);
  const wanted = {
    fparam: parameters.defaultFparam === null ? parameters.fparam : 0,
    aparam: parameters.aparam,
  };
  for (const name of ["fparam", "aparam"] as const) {
    const frame = wanted[name] === 0 ? -1 : firstWithout(system, name);
    if (frame >= 0) throw missingParameters(`${systemFrameName(system, frame)}: `, name, wanted[name]);
  }
}

/** A batch needs a label of at least one term; with several frames a batch, all of them need the same one. */
function assertLabels(system: DeepmdSystem, loss: EnergyLoss, batchSize: number): void {
  const terms = loss.labels;
  const without = terms.map((labels) => labels.map((name) => firstWithout(system, name)));
  if (without.some((frames) => frames.every((frame) => frame < 0))) return;
  const has = (frame: number): boolean =>
    terms.some((labels) => labels.every((name) => system.labels[name]?.found[frame] === 1));
  const bare = Array.from({ length: system.frameCount }, (_, frame) => frame).find((frame) => !has(frame));
  if (bare === undefined && batchSize === 1) return;
  const files = [...new Set(terms.flat())].map((name) => `${name}.npy`).join(", ");
  const what =
    bare === undefined
      ? `${systemName(system)}: no label of the loss stands in every set, so batches of ${batchSize} frames may have none; give the same files in every set, or "batch_size": 1`
      : `${systemFrameName(system, bare)}: no term of the loss has its label; the prefactors that are not 0 ask for ${files === "" ? "none" : files}`;
  throw new AtomgradError("CONFIG", what);
}

/** The first frame that lacks a label; -1: none. */
function firstWithout(system: DeepmdSystem, name: LabelName): number {
  const label = system.labels[name];
  return label === undefined ? 0 : label.found.indexOf(0);
}
