import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { writeFileAtomicSync } from "../../src/data/atomic-write.js";
import { parseDeepmdInput } from "../../src/models/deepmd/config/deepmd-input.js";
import { EnergyModel } from "../../src/models/deepmd/energy-model.js";
import { encodeModel } from "../../src/models/deepmd/model-file.js";
import { DataSet } from "../../src/train/deepmd/load-data.js";
import { freshWeights } from "../../src/train/deepmd/prepare-model.js";
import type { Bench, Workload } from "../bench.js";

/** Compiled, this file lies in dist/bench/rows. */
const root = fileURLToPath(new URL("../../../", import.meta.url));

const program = (model: string): string => `
  import { DeepPot } from ${JSON.stringify(pathToFileURL(join(root, "dist/index.mjs")).href)};
  const pot = await DeepPot.load(${JSON.stringify(model)});
  const a = 3.3;
  const { energy } = pot.evalSync([0, 0, 0, a / 2, a / 2, a / 2], [a, 0, 0, 0, a, 0, 0, 0, a], [0, 1]);
  if (!Number.isFinite(energy[0])) throw new Error("no energy");
`;

/** From `node` on the command line to the first energy of the network of `npm start`, two atoms; node's own start included. */
function firstEnergy(): Workload {
  const folder = mkdtempSync(join(tmpdir(), "atomgrad-start-"));
  const text = readFileSync(join(root, "examples/nbmotaw.json"), "utf8");
  const config = parseDeepmdInput(text, "nbmotaw.json").input;
  const systems = [join(root, "examples/data/nbmotaw/train/n002")];
  const data = DataSet.load({ ...config.training.training_data, systems }, config.model, 1, "train");
  const energyModel = new EnergyModel(config.model, freshWeights(config.model, data, 1));
  const file = join(folder, "model.safetensors");
  const content = {
    config: config.model,
    weights: energyModel.weights(),
    minDistance: null,
    training: undefined,
  };
  writeFileAtomicSync(file, encodeModel(content));
  energyModel.dispose();
  return {
    run: () => {
      const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program(file)]);
      if (status !== 0) throw new Error(stderr.toString());
    },
    work: { atoms: 2 },
    floor: {},
    peers: [],
    close: () => rmSync(folder, { recursive: true }),
  };
}

export const startRows: readonly Bench[] = [
  { name: "start/first-energy", dtype: "f32", threads: 2, open: () => Promise.resolve(firstEnergy()) },
];
