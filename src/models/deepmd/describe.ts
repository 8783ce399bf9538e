import { byElement } from "../../data/elements.js";
import { AtomgradError } from "../../tensor/error.js";
import { modelSection } from "./config/out-json.js";
import type { ModelFile } from "./model-file.js";
import { pythonText } from "./python-text.js";
import { isRealKey } from "./real-keys.js";

/** What `show` can tell of a model, in the order in which it is told. */
export const modelAttributes = [
  "model-branch",
  "type-map",
  "descriptor",
  "fitting-net",
  "size",
  "observed-type",
] as const;
export type ModelAttribute = (typeof modelAttributes)[number];

/** Arrays that statistics fix; all others are parameters. */
const fixed = /(^out_(bias|std)|\.(mean|stddev|bias_atom_e|[fa]param_(avg|inv_std)|case_embd))$/;

/** Energy biases smaller than this belong to types that the training data did not have, eV. */
const noBias = 1e-6;

/** Numbers of trainable parameters. */
export interface ModelSize {
  readonly descriptor: number;
  readonly fittingNet: number;
  readonly total: number;
}

export function modelSize({ weights }: Pick<ModelFile, "weights">): ModelSize {
  const count = (prefix: string): number =>
    [...weights]
      .filter(([name]) => name.startsWith(prefix) && !fixed.test(name))
      .reduce((sum, [, { data }]) => sum + data.length, 0);
  const [descriptor, fittingNet] = [count("descriptor."), count("fitting_net.")];
  return { descriptor, fittingNet, total: descriptor + fittingNet };
}

/** Types that were in the training data: those with an energy bias, by atomic number (names of no element last). */
export function observedTypes({ config, weights }: Pick<ModelFile, "config" | "weights">): string[] {
  const names = config.type_map ?? [];
  const told = config.info.observed_type;
  if (Array.isArray(told) && told.every((name) => typeof name === "string")) return told;
  const biased = (array: string): string[] =>
    names.filter((_, t) => Math.abs(weights.get(array)?.data[t] ?? 0) > noBias);
  const found = biased("out_bias");
  return byElement(found.length > 0 ? found : biased("fitting_net.bias_atom_e"));
}

/**
 * The lines `dp show` prints. Settings are given with all defaults, as one Python mapping.
 *
 * Errors: CONFIG for `model-branch`: models of this package have no branches.
 */
export function describeModel(model: ModelFile, attributes: readonly ModelAttribute[]): string[] {
  const asks = (attribute: ModelAttribute): boolean => attributes.includes(attribute);
  if (asks("model-branch"))
    throw new AtomgradError(
      "CONFIG",
      "model-branch: the model is not of multi-task training, it has no branches",
    );
  const section = modelSection(model.config);
  const mapping = (name: "descriptor" | "fitting_net"): string =>
    pythonText(settingsOf(model, section, name), isRealKey);
  const lines = ["This is a singletask model"];
  if (asks("type-map")) lines.push(`The type_map is ${pythonText(model.config.type_map, () => false)}`);
  if (asks("descriptor")) lines.push(`The descriptor parameter is ${mapping("descriptor")}`);
  if (asks("fitting-net")) lines.push(`The fitting_net parameter is ${mapping("fitting_net")}`);
  if (asks("size")) {
    const { descriptor, fittingNet, total } = modelSize(model);
    const line = (name: string, count: number): string => `Parameters in ${name}: ${withCommas(count)}`;
    lines.push(
      "Parameter counts:",
      line("descriptor", descriptor),
      line("fitting-net", fittingNet),
      line("total", total),
    );
  }
  if (asks("observed-type")) {
    const types = observedTypes(model);
    lines.push("The observed types for this model: ");
    lines.push(
      `Number of observed types: ${types.length} `,
      `Observed types: ${pythonText(types, () => false)} `,
    );
  }
  return lines;
}

/** The settings the model was trained with, in their order, completed by the others. */
function settingsOf(
  { script }: ModelFile,
  section: Record<string, unknown>,
  name: "descriptor" | "fitting_net",
): Record<string, unknown> {
  const complete = section[name] as Record<string, unknown>;
  const own = (script as Record<string, unknown> | null | undefined)?.[name];
  return typeof own === "object" && own !== null && !Array.isArray(own)
    ? { ...own, ...withoutKeys(complete, own) }
    : complete;
}

function withoutKeys(section: Record<string, unknown>, known: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(section).filter(([key]) => !Object.hasOwn(known, key)));
}

function withCommas(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** What one line of `info` can say. */
export type Fact = string | number | null | readonly (string | number)[];

/** A model in a few facts, by name. Lengths in angstrom. */
export function modelFacts(model: ModelFile): Record<string, Fact> {
  const { descriptor, fitting_net: fitting, type_map: types } = model.config;
  const { descriptor: inDescriptor, fittingNet, total } = modelSize(model);
  return {
    type_map: types,
    descriptor: descriptor.type,
    rcut: descriptor.rcut,
    rcut_smth: descriptor.rcut_smth,
    sel: descriptor.sel,
    "descriptor precision": descriptor.precision,
    fitting_net: fitting.neuron,
    "fitting_net precision": fitting.precision,
    numb_fparam: fitting.numb_fparam,
    numb_aparam: fitting.numb_aparam,
    parameters: total,
    "in the descriptor": inDescriptor,
    "in the fitting net": fittingNet,
    "observed types": observedTypes(model),
    min_nbor_dist: model.minDistance,
    step: model.training?.step ?? null,
  };
}
