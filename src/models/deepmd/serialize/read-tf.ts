import type { NamedModel } from "./named-weights.js";
import { checkModelConfig } from "./model-config.js";
import { tfFitting } from "./tf-fitting.js";
import type { Named } from "./tf-layers.js";
import { tfSeAtten } from "./tf-se-atten.js";
import { tfSeE2A } from "./tf-se-e2-a.js";
import { TfSource } from "./tf-source.js";

/**
 * Reads a frozen TensorFlow graph of DeePMD-kit (`.pb`, `.pbtxt`; deepmd.md 4.3): `se_e2_a` and `se_atten` energy models of
 * versions 0.12 to 3.2. Its numbers follow TensorFlow's rules (deepmd.md 2.12).
 *
 * @param typeMap names of the types for graphs that do not hold them
 *
 * @throws AtomgradError FILE, or FORMAT: a damaged graph, or another kind of model, which one sentence names
 */
export function readTfModel(path: string, typeMap?: readonly string[]): NamedModel & { script: unknown } {
  const source = new TfSource(path);
  const kind = descriptorKind(source);
  const names =
    source
      .text("model_attr/tmap")
      ?.split(/\s+/)
      .filter((name) => name !== "") ?? typeMap;
  const types = source.array("descrpt_attr/t_avg").shape[0];
  if (names === undefined)
    throw source.bad(
      `the graph does not name its ${types} types, as those of early versions; give their names with --type-map (in a program: typeMap)`,
    );
  if (names.length !== types)
    throw source.bad(
      `${names.length} names of types (${names.join(" ")}) for the ${types} types of the graph`,
    );
  const weights: Named = new Map();
  const sections =
    kind === "se_e2_a" ? { descriptor: tfSeE2A(source, weights, types) } : tfSeAtten(source, weights);
  const fitting = tfFitting(source, weights, types, kind === "se_atten");
  const config = checkModelConfig(
    JSON.stringify({
      type: "standard",
      rules: "tf",
      type_map: names,
      // TensorFlow's graphs leave no atoms and no pairs out, whatever the script says of them.
      ...sections,
      fitting_net: fitting,
    }),
    source.file,
  );
  const shortest = source.arrays.get("train_attr/min_nbor_dist")?.data[0];
  const script = source.script?.model ?? null;
  return { config, weights, minDistance: shortest !== undefined && shortest > 0 ? shortest : null, script };
}

function descriptorKind(source: TfSource): "se_e2_a" | "se_atten" {
  const modelType = source.text("model_attr/model_type") ?? "ener";
  if (modelType !== "ener")
    throw source.bad(`a graph of model type "${modelType.slice(0, 40)}"; energy models ("ener") can be read`);
  const compressed = source.text("model_type") === "compressed_model";
  if (compressed || source.node("TabulateFusion", "TabulateFusionSeA", "TabulateFusionSeAtten") !== undefined)
    throw source.bad("compressed models are not supported; use the model from before `dp compress`");
  if (source.node("ProdEnvMatAMix") !== undefined) return "se_atten";
  if (source.node("ProdEnvMatA", "DescrptSeA", "DescrptNorot") !== undefined) return "se_e2_a";
  const other = source.node("ProdEnvMatR", "DescrptSeR", "Descrpt");
  throw source.bad(
    other === undefined
      ? "a TensorFlow graph, but no model of DeePMD-kit"
      : `the descriptor of operation ${other.op} is not supported; se_e2_a and se_atten are`,
  );
}
