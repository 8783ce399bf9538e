import { basename } from "node:path";
import type { ModelConfig } from "../../models/deepmd/config/deepmd-input.js";
import { EnergyModel } from "../../models/deepmd/energy-model.js";
import { type ModelFile, readModel } from "../../models/deepmd/model-file.js";
import { AtomgradError } from "../../tensor/error.js";

/** Where a training starts; at most one of them. */
export interface StartingPoint {
  /** Weights to start from; a new learning-rate schedule. */
  initModel?: string;
  /** A checkpoint to go on from: step, optimiser and schedule too. */
  restart?: string;
  /** Weights to adapt to other data: the energy bias is shifted to them first. */
  finetune?: string;
  /** Takes the model section of the fine-tuned model, all but `type_map`, instead of the input's. */
  usePretrainScript?: boolean;
}

/** The model a training starts from. */
export interface StartingModel extends ModelFile {
  /** File, for messages. */
  readonly name: string;
  readonly kind: "initModel" | "restart" | "finetune";
}

/**
 * Opens the model to start from. Errors: CONFIG for several of them, FILE, FORMAT.
 *
 * @param typeMap of the input, for files that do not name their types
 */
export async function startingPoint(
  options: StartingPoint,
  typeMap?: readonly string[],
): Promise<StartingModel | undefined> {
  const kinds = (["initModel", "restart", "finetune"] as const).filter((kind) => options[kind] !== undefined);
  if (kinds.length > 1)
    throw new AtomgradError("CONFIG", "--init-model, --restart and --finetune exclude each other; give one");
  if (options.usePretrainScript === true && options.finetune === undefined)
    throw new AtomgradError("CONFIG", "--use-pretrain-script goes with --finetune alone; leave it out");
  if (kinds.length === 0) return undefined;
  const path = options[kinds[0]]!;
  const file = await readModel(path, { typeMap });
  if (options.restart !== undefined && file.training === undefined)
    throw new AtomgradError(
      "FORMAT",
      `${basename(path)}: holds no optimiser state to restart from; use --init-model to start from its weights`,
    );
  return { ...file, name: basename(path), kind: kinds[0] };
}

/**
 * The model section of a training that starts from a model: the input's, with what the file alone knows (`sel` where the
 * input says "auto", and whose rules its numbers follow).
 *
 * Errors: CONFIG where the type maps differ and the weights cannot be given to other types.
 */
export function startingConfig(
  input: ModelConfig,
  start: StartingModel,
  usePretrainScript: boolean,
): ModelConfig {
  const { config, kind, name } = start;
  const typeMap = input.type_map ?? config.type_map;
  const same = (typeMap ?? []).join(" ") === (config.type_map ?? []).join(" ");
  if (!same && (kind !== "finetune" || config.descriptor.type === "se_e2_a"))
    throw new AtomgradError(
      "CONFIG",
      `model.type_map: found [${(typeMap ?? []).join(", ")}], but ${name} was trained with [${(config.type_map ?? []).join(", ")}]; ` +
        (kind === "finetune"
          ? "se_e2_a has a net for every pair of types, so its type_map cannot change"
          : "keep its type_map, or use --finetune to change it"),
    );
  const base = usePretrainScript ? config : input;
  const { sel } = base.descriptor;
  const resolved = typeof sel === "string" ? config.descriptor.sel : sel;
  return {
    ...base,
    rules: config.rules,
    type_map: typeMap,
    descriptor: { ...base.descriptor, sel: resolved } as ModelConfig["descriptor"],
  };
}

/** A model with given weights. Errors: FORMAT naming the file they came from. */
export function modelFrom(config: ModelConfig, weights: ModelFile["weights"], name: string): EnergyModel {
  try {
    return new EnergyModel(config, weights);
  } catch (error) {
    if (!(error instanceof AtomgradError) || error.code !== "FORMAT") throw error;
    throw new AtomgradError(
      "FORMAT",
      `${name}: does not fit the input's model section (${error.message}); give both the same descriptor and fitting_net`,
      { cause: error },
    );
  }
}
