import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readModelSync } from "../../src/models/deepmd/model-file.js";
import { f8, type FileSpec, waterFiles } from "../data/deepmd-folder.js";
import { temporaryFolder } from "../data/temporary-folder.js";
import { bitsOf, curveRows } from "../train/checkpoint-bits.js";
import { folderState } from "./folder-state.js";
import { expectRefusal, Program } from "./program.js";
import { putTinyTraining } from "./tiny-training.js";

const program = new Program();
const base = temporaryFolder();
const steps = 250;
/** The bias of the labels would follow them: then only the loss of the first step shows what they are. */
const noBias = { data_stat_nbatch: 1 };

const checkpoints = (folder: string): string[] =>
  readdirSync(folder).filter((name) => name.endsWith(".safetensors"));

/** A training in a folder of its own that saves only at its end. */
function longTraining(name: string): string {
  const folder = join(base, name);
  putTinyTraining(folder, { training: { numb_steps: steps, save_freq: 10 * steps } });
  return folder;
}

describe("a training that is asked to stop", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("by %s saves, ends with %i, and goes on bit for bit", async (signal, status) => {
    const folder = longTraining(signal);
    const child = spawn(process.execPath, [program.path, "train", "input.json"], { cwd: folder });
    let said = "";
    child.stdout.on("data", (text) => (said += String(text)));
    child.stdout.once("data", () => child.kill(signal));
    const [code] = (await once(child, "close")) as [number | null];
    expect(code, said).toBe(status);
    const [saved, ...others] = checkpoints(folder);
    expect(others).toEqual([]);
    const done = Number(/^model-(\d+)\.safetensors$/.exec(saved)![1]);
    expect(done).toBeLessThan(steps);
    expect(said).toContain(`interrupted after ${done} steps`);
    expect(said).toContain(`atomgrad train input.json --restart ${saved}`);

    const resumed = program.run(folder, ["train", "input.json", "--restart", saved]);
    expect(resumed.status, resumed.stderr).toBe(0);
    const whole = longTraining(`whole-${signal}`);
    expect(program.run(whole, ["train", "input.json"]).status).toBe(0);
    const last = `model-${steps}.safetensors`;
    expect(bitsOf(join(folder, last))).toEqual(bitsOf(join(whole, last)));
    expect(curveRows(join(folder, "lcurve.out"))).toEqual(curveRows(join(whole, "lcurve.out")));
  });
});

describe("a training whose data are still being counted", () => {
  it("ends at once when asked to stop, and leaves nothing", async () => {
    const folder = join(base, "counting");
    const frames = 20_000;
    const repeated = (name: string, width: number): FileSpec => {
      const first = (waterFiles()[name] as { data: Float64Array }).data.subarray(0, width);
      return { shape: [frames, width], data: Float64Array.from({ length: frames * width }, (_, k) => first[k % width]) }; // prettier-ignore
    };
    const widths = { coord: 9, box: 9, energy: 1, force: 9 };
    const files = Object.entries(widths).map(([name, width]) => {
      const file = `set.000/${name}.npy`;
      return [file, repeated(file, width)] as const;
    });
    putTinyTraining(folder, {
      descriptor: { rcut: 60 },
      training: { enable_compile: true },
      files: Object.fromEntries(files),
    });
    const before = folderState(folder);
    const child = spawn(process.execPath, [program.path, "train", "input.json"], { cwd: folder });
    // What is said of the input comes before the counting.
    child.stderr.once("data", () => child.kill("SIGTERM"));
    expect(await once(child, "close")).toEqual([null, "SIGTERM"]);
    expect(folderState(folder)).toEqual(before);
  });
});

describe("a training whose loss overflows", () => {
  const water = waterFiles();
  /** Finite labels whose squares are not. */
  const energies = (huge: number): { shape: number[]; data: Float64Array } =>
    f8([3], [-1, -2, -3].map((energy, frame) => (frame === huge || huge < 0 ? 1e200 : energy))); // prettier-ignore

  it("at once writes nothing, and names step and frame", () => {
    const folder = join(base, "at-once");
    putTinyTraining(folder, { files: { ...water, "set.000/energy.npy": energies(-1) }, model: noBias });
    const before = folderState(folder);
    expectRefusal(
      program.run(folder, ["train", "input.json"]),
      /step 1: the loss is Infinity for frames? [0-2] of water/,
    );
    expect(folderState(folder)).toEqual(before);
  });

  it("later keeps what was good before", () => {
    const folder = join(base, "later");
    putTinyTraining(folder, {
      files: { ...water, "set.000/energy.npy": energies(2) },
      model: noBias,
      training: { numb_steps: 10, max_ckpt_keep: 0 },
    });
    const { status, stderr } = program.run(folder, ["train", "input.json"]);
    expect(status).toBe(1);
    const step = Number(/step (\d+): the loss is Infinity for frames? 2 of water/.exec(stderr)![1]);
    expect(step).toBeGreaterThan(1);
    const good = Array.from({ length: step - 1 }, (_, k) => `model-${k + 1}.safetensors`);
    expect(checkpoints(folder)).toEqual(good);
    for (const name of good)
      for (const [key, { data }] of readModelSync(join(folder, name)).weights)
        expect(data.every(Number.isFinite), `${key} of ${name}`).toBe(true);
    expect(curveRows(join(folder, "lcurve.out")).length).toBe(step - 1);
  });

  it("by its weights saves no checkpoint of them", () => {
    const folder = join(base, "weights");
    putTinyTraining(folder, {
      rate: { start_lr: 1e40, stop_lr: 1e39 },
      descriptor: { precision: "float32" },
      fitting: { precision: "float32" },
    });
    expectRefusal(
      program.run(folder, ["train", "input.json"]),
      /step 1: the weight \S+ is (-?Infinity|NaN) for frames [0-2] of water/,
    );
    for (const name of checkpoints(folder))
      for (const [key, { data }] of readModelSync(join(folder, name)).weights)
        expect(data.every(Number.isFinite), `${key} of ${name}`).toBe(true);
  });
});
