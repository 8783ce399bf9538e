import type { ModelConfig } from "./config/schema-model.js";
import type { HostArray, Weights } from "./parameters.js";

const rowsByType = [
  "descriptor.se_atten.mean",
  "descriptor.se_atten.stddev",
  "fitting_net.bias_atom_e",
  "out_bias",
  "out_std",
];
const typeMatrix = "descriptor.type_embedding.embedding.embedding_net.layers.0.matrix";

/**
 * Weights of a `se_atten` model for another type map: what belongs to a type goes with its name, and types the old model does
 * not know take the rows of `fresh`, the first weights of a model with the new type map.
 */
export function changeTypes(
  weights: ReadonlyMap<string, HostArray>,
  old: readonly string[],
  config: ModelConfig,
  fresh: ReadonlyMap<string, HostArray>,
): Weights {
  const typeMap = config.type_map ?? [];
  const hasTypeRows = config.descriptor.type !== "se_e2_a" && !config.descriptor.use_econf_tebd;
  const names = hasTypeRows ? [...rowsByType, typeMatrix] : rowsByType;
  const out: Weights = new Map(weights);
  for (const name of names) {
    const [from, into] = [weights.get(name)!, fresh.get(name)!];
    const width = into.data.length / typeMap.length;
    const data = into.data.slice();
    const added = (count: number, row: number, k: number): number =>
      name === typeMatrix ? residual(count, width, row, k) : 0;
    typeMap.forEach((type, t) => {
      const row = old.indexOf(type);
      if (row < 0) return;
      for (let k = 0; k < width; k++)
        data[t * width + k] =
          from.data[row * width + k] + added(old.length, row, k) - added(typeMap.length, t, k);
    });
    out.set(name, { shape: into.shape, data });
  }
  return out;
}

/** What the net of types adds to its matrix where its width is the number of types, or twice that (spec 2.6). */
function residual(types: number, width: number, row: number, column: number): number {
  return (width === types || width === 2 * types) && column % types === row ? 1 : 0;
}
