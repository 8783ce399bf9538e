import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseDeepmdInput } from "../../src/models/deepmd/config/deepmd-input.js";
import { EnergyModel } from "../../src/models/deepmd/energy-model.js";
import { saveModel } from "../../src/models/deepmd/save-model.js";
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
  console.log(energy[0]);
`;

/** The network of `npm start` with its first weights, as a file of ours and as one DeePMD-kit opens. */
async function writeModel(folder: string): Promise<{ ours: string; theirs: string }> {
  const text = readFileSync(join(root, "examples/nbmotaw.json"), "utf8");
  const { model: config, training } = parseDeepmdInput(text, "nbmotaw.json").input;
  const systems = [join(root, "examples/data/nbmotaw/train/n002")];
  const data = DataSet.load({ ...training.training_data, systems }, config, 1, "train");
  const model = new EnergyModel(config, freshWeights(config, data, 1));
  const content = { config, weights: model.weights(), minDistance: null, training: undefined };
  const [ours, theirs] = [join(folder, "model.safetensors"), join(folder, "model.dp")];
  await saveModel(ours, content);
  await saveModel(theirs, content);
  model.dispose();
  return { ours, theirs };
}

/** Starts Node on scripts from a shell, as users do: a large process would pay for its own copy whenever it starts another. */
class Shell {
  private readonly child = spawn(
    "sh",
    ["-c", 'while read -r script; do "$0" "$script" < /dev/null; echo ended; done', process.execPath],
    // Node reads the certificates this variable names before it runs anything: most of a start where it is set, none of ours.
    {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, NODE_EXTRA_CA_CERTS: undefined },
    },
  );
  private readonly lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();

  /** Starts Node on a script; its first line. */
  async firstLine(script: string): Promise<string> {
    this.child.stdin.write(`${script}\n`);
    const { value } = (await this.lines.next()) as { value: string };
    if (value === "ended") throw new Error(`${script} printed nothing`);
    return value;
  }

  async ended(): Promise<void> {
    for (;;) if ((await this.lines.next()).value === "ended") return;
  }

  close(): void {
    this.child.stdin.end();
  }
}

/** From `node` on the command line to the first line it prints. */
function startOf(script: string, folder: string, peers: Workload["peers"]): Workload {
  const shell = new Shell();
  let line = "";
  return {
    run: async () => {
      line = await shell.firstLine(script);
    },
    settle: () => shell.ended(),
    work: { atoms: 2 },
    floor: {},
    peers,
    difference: ({ energy }) => Math.abs(Number(line) - Number(energy)),
    close: () => {
      shell.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** From `node` to the first energy, two atoms. */
async function firstEnergy(): Promise<Workload> {
  const folder = mkdtempSync(join(tmpdir(), "atomgrad-start-"));
  const { ours, theirs } = await writeModel(folder);
  const script = join(folder, "first-energy.mjs");
  writeFileSync(script, program(ours));
  const peer = { peer: "deepmd-kit", program: "deepmd_start.py", args: [theirs], request: {} };
  return startOf(script, folder, [peer]);
}

/** What of it is Node's own: a module that prints a number. */
function nodeAlone(): Workload {
  const folder = mkdtempSync(join(tmpdir(), "atomgrad-start-"));
  const script = join(folder, "node-alone.mjs");
  writeFileSync(script, "console.log(1);\n");
  return startOf(script, folder, []);
}

export const startRows: readonly Bench[] = [
  { name: "start/first-energy", dtype: "f32", threads: 2, open: firstEnergy },
  { name: "start/node-alone", dtype: "f32", threads: 2, open: () => Promise.resolve(nodeAlone()) },
];
