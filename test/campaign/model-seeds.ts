import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { saveModel } from "../../src/models/deepmd/save-model.js";
import { inspectDeepmdModel } from "../../src/models/inspect-weights.js";
import { formulaModel } from "../models/formula-model.js";
import type { ReaderSeed } from "./reader-seeds.js";

const attention = { sel: 2, neuron: [2], axis_neuron: 1, attn: 2, attn_layer: 1, tebd_dim: 2 };
const radial = { sel: [2, 2], neuron: [2], axis_neuron: 1, type_one_side: true };

/** Small models in the files that DeePMD-kit's backends share, `.dp` by its other ending `.hdf5` too. */
const models = [
  ["deepmd-dp", "se_atten", "dp", attention],
  ["deepmd-yaml", "se_e2_a", "yaml", radial],
  ["deepmd-model-hdf5", "se_e2_a", "hdf5", radial],
] as const;

/** Good models in `folder`: what inspect says of each, and the potential made of it. */
export function modelSeeds(folder: string): Promise<ReaderSeed[]> {
  return Promise.all(
    models.map(async ([name, type, ending, descriptor]) => {
      const base = join(folder, name);
      mkdirSync(base);
      const written = join(base, `model.${ending === "hdf5" ? "dp" : ending}`);
      const model = formulaModel(descriptor, true, type, { neuron: [2, 2], resnet_dt: true });
      await saveModel(written, { ...model, minDistance: 0.5, training: undefined });
      const file = join(base, `model.${ending}`);
      const good = Uint8Array.from(readFileSync(written));
      return { name, kind: "weights" as const, path: file, file, good, read: () => numbersOf(file) };
    }),
  );
}

async function numbersOf(path: string): Promise<number> {
  const report = await inspectDeepmdModel(path, { hash: true });
  (await DeepPot.load(path)).dispose();
  return report!.tensors.reduce(
    (sum, { shape }) => sum + shape.reduce((product, extent) => product * extent, 1),
    0,
  );
}
