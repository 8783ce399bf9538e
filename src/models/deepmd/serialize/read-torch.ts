import { basename } from "node:path";
import {
  PickleDict,
  PickleFloat,
  PickleObject,
  PickleTuple,
  type PickleValue,
} from "../../../data/pickle/index.js";
import { type OpenWeights, withWeights } from "../../../data/weights/open.js";
import { AtomgradError } from "../../../tensor/error.js";
import type { ModelConfig } from "../config/schema-model.js";
import { type NamedArray, type NamedModel, perType } from "./named-weights.js";
import { withProgramSettings } from "./torch-settings.js";

/** Buffers of the modules that the numbers do not depend on, and aliases. */
const ignored =
  /(^|\.)(_networks|emask|atom_excl|pair_excl|compress_info|compress_data|type_embd_data)(\.|$)/;
const marker = "atomic_model.out_bias";

/**
 * Reads a model that DeePMD-kit's PyTorch backend saved: a frozen one (`.pth`, TorchScript) or a checkpoint (`.pt`). Arrays
 * and settings are taken from the archive's pickle; the program in it is not looked at.
 *
 * @throws AtomgradError FILE, FORMAT, and CONFIG for models this package does not compute
 */
export async function readTorchModel(path: string): Promise<NamedModel & { script: unknown }> {
  const file = basename(path);
  // The settings in the file are those of an input: they are checked and completed as one.
  const { parseDeepmdInput } = await import("../config/deepmd-input.js");
  return withWeights(path, (found) => {
    const prefix = prefixOf(found, file);
    const arrays = new Map(
      found.tensors
        .filter(({ name }) => name.startsWith(prefix) && !ignored.test(name.slice(prefix.length)))
        .map((tensor) => [tensor.name.slice(prefix.length), tensor] as const),
    );
    refuseCompressed(found, file);
    const script = scriptOf(found.root, file);
    const text = JSON.stringify({ ...anyTraining, model: withSel(script, found.root) });
    const { model } = parseDeepmdInput(text, file).input;
    const types = model.type_map?.length ?? 0;
    const weights = new Map<string, NamedArray>();
    for (const [name, { shape, array }] of arrays) {
      if (array === null) continue;
      const read = { dtype: "float64", shape, data: array.float64() };
      const isStatistics = /^descriptor\.(sea|se_atten)\.(mean|stddev)$/.test(name);
      const own = isStatistics ? perType(read, `${file}: ${name}`) : read;
      weights.set(name, { shape: perTypeNames.has(name) ? [types] : own.shape, data: own.data });
    }
    const config = completed(withProgramSettings(model, found.root), weights);
    return { config, weights, minDistance: minDistance(found), script };
  });
}

/** What an input needs beside the model. */
const anyTraining = {
  learning_rate: { start_lr: 1e-3 },
  loss: {},
  training: { training_data: { systems: "." }, numb_steps: 1 },
};
const perTypeNames = new Set(["out_bias", "out_std", "fitting_net.bias_atom_e"]);

function prefixOf({ tensors, format }: OpenWeights, file: string): string {
  const found = tensors.map(({ name }) => name).filter((name) => name.endsWith(marker));
  if (found.length === 1) return found[0].slice(0, -"out_bias".length);
  const what =
    found.length > 1
      ? "holds several models (multi-task training); freeze one of its branches with DeePMD-kit"
      : `holds no energy model of DeePMD-kit (no ${marker} in this ${format} file)`;
  throw new AtomgradError("FORMAT", `${file}: ${what}`);
}

function refuseCompressed({ tensors }: OpenWeights, file: string): void {
  const table = tensors.find(
    ({ name, shape }) => /compress_data|type_embd_data/.test(name) && shape.every((size) => size > 0),
  );
  if (table !== undefined)
    throw new AtomgradError(
      "FORMAT",
      `${file}: ${table.name}: compressed models are not supported; use the model from before \`dp compress\``,
    );
}

/** The `model` section: TorchScript keeps it as JSON text, checkpoints as a mapping. */
function scriptOf(root: PickleValue, file: string): Record<string, unknown> {
  const missing = (): AtomgradError =>
    new AtomgradError(
      "FORMAT",
      `${file}: the settings of the model (model_def_script) are missing or no mapping`,
    );
  let script: unknown;
  if (root instanceof PickleObject) {
    const text = root.state.get("model_def_script");
    if (typeof text !== "string") throw missing();
    try {
      script = JSON.parse(text);
    } catch (cause) {
      throw new AtomgradError("FORMAT", `${file}: model_def_script is not JSON; the file is damaged`, {
        cause,
      });
    }
  } else script = plain(extraState(root));
  if (typeof script !== "object" || script === null || Array.isArray(script)) throw missing();
  return withoutInternals(script as Record<string, unknown>);
}

/** What DeePMD-kit adds to the settings while it builds a model. */
const internals = new Set(["ntypes", "mixed_types", "embedding_width", "dim_descrpt", "resuming"]);

function withoutInternals(section: Record<string, unknown>): Record<string, unknown> {
  const isSection = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  const kept = Object.entries(section).filter(([key]) => !internals.has(key));
  return Object.fromEntries(
    kept.map(([key, value]) => [key, isSection(value) ? withoutInternals(value) : value]),
  );
}

function extraState(root: PickleValue): PickleValue {
  const model = root instanceof PickleDict ? (root.get("model") ?? root) : null;
  const state = model instanceof PickleDict ? model.get("_extra_state") : undefined;
  return (state instanceof PickleDict ? state.get("model_params") : undefined) ?? null;
}

function plain(value: PickleValue): unknown {
  if (value instanceof PickleFloat) return value.value;
  if (value instanceof PickleTuple) return value.items.map(plain);
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof PickleDict)
    return Object.fromEntries([...value.entries].map(([key, item]) => [String(key as string), plain(item)]));
  return typeof value === "object" ? null : typeof value === "bigint" ? Number(value) : value;
}

/** The number of neighbours stands in the model where the settings still say "auto". */
function withSel(script: Record<string, unknown>, root: PickleValue): Record<string, unknown> {
  const descriptor = script.descriptor as Record<string, unknown> | undefined;
  const module = root instanceof PickleObject ? root.state.get("atomic_model") : undefined;
  const sel = module instanceof PickleObject ? plain(module.state.get("sel") ?? null) : null;
  if (typeof descriptor?.sel !== "string" || !Array.isArray(sel)) return script;
  return { ...script, descriptor: { ...descriptor, sel } };
}

/** What the arrays themselves show: models of earlier versions say neither which nets there are nor of a bias of the types. */
function completed(model: ModelConfig, weights: ReadonlyMap<string, unknown>): ModelConfig {
  const { descriptor } = model;
  if (descriptor.type === "se_e2_a") {
    const nets = new Set([...weights.keys()].map((name) => /^descriptor\.sea\..*?\.(\d+)\./.exec(name)?.[1]));
    nets.delete(undefined);
    const types = model.type_map?.length ?? 0;
    const oneSided = types === 1 ? descriptor.type_one_side : nets.size === types;
    return { ...model, descriptor: { ...descriptor, type_one_side: oneSided } };
  }
  const bias = weights.has("descriptor.type_embedding.embedding.embedding_net.layers.0.bias");
  return { ...model, descriptor: { ...descriptor, use_tebd_bias: bias } };
}

function minDistance({ tensors }: OpenWeights): number | null {
  const found = tensors.find(({ name }) => /(^|\.)min_nbor_dist$/.test(name))?.array?.float64();
  return found?.length === 1 && found[0] > 0 ? found[0] : null;
}
