// Writes V8's compiled form of the package beside it (dist/atomgrad.cache). V8 stores the functions that have run by then, so a
// potential is loaded and evaluated first: its functions are the ones a program waits for. Without the native addon only what
// loading the package runs is stored.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** @param root of the checkout, with dist/src and dist/load.cjs */
export async function writeCodeCache(root) {
  const folder = mkdtempSync(join(tmpdir(), "atomgrad-cache-"));
  try {
    const model = join(folder, "model.safetensors");
    const hasAddon = existsSync(join(root, "build/Release/atomgrad.node"));
    if (hasAddon) writeFileSync(model, Buffer.concat(await untrainedModel(root)));
    const args = [join(root, "dist/load.cjs"), "--write-cache", ...(hasAddon ? [model] : [])];
    const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
    if (status !== 0) throw new Error("bundle: the bundled package does not load");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The network of `npm start` with its initial weights, as the parts of a file. */
async function untrainedModel(root) {
  const open = (path) => import(pathToFileURL(join(root, "dist/src", path)).href);
  const { openCpu } = await open("backends/cpu/cpu.js");
  const { parseDeepmdInput } = await open("models/deepmd/config/deepmd-input.js");
  const { EnergyModel } = await open("models/deepmd/energy-model.js");
  const { encodeModel } = await open("models/deepmd/model-file.js");
  const { DataSet } = await open("train/deepmd/load-data.js");
  const { freshWeights } = await open("train/deepmd/prepare-model.js");
  openCpu();
  const text = readFileSync(join(root, "examples/nbmotaw.json"), "utf8");
  const { model: config, training } = parseDeepmdInput(text, "nbmotaw.json").input;
  const systems = [join(root, "examples/data/nbmotaw/train/n002")];
  const data = DataSet.load({ ...training.training_data, systems }, config, 1, "train");
  const model = new EnergyModel(config, freshWeights(config, data, 1));
  const content = { config, weights: model.weights(), minDistance: null, training: undefined };
  model.dispose();
  return encodeModel(content);
}
