import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { memory } from "../../src/tensor/device.js";
import { readSafetensors } from "../../src/data/safetensors.js";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { trainDeepmd } from "../../src/train/deepmd/run.js";

const data = resolve(import.meta.dirname, "../../examples/data/nbmotaw/train");
let folder = "";
const home = process.cwd();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atomgrad-run-"));
});
afterEach(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
});

/** A small network on the shipped alloys, with every output in the test's folder. */
function input(changes: { steps?: number; name?: string; training?: object; model?: object } = {}): string {
  const path = join(folder, `${changes.name ?? "input"}.json`);
  const text = {
    model: {
      type_map: ["Nb", "Mo", "Ta", "W"],
      descriptor: {
        type: "se_atten",
        sel: 40,
        rcut: 4,
        rcut_smth: 1,
        neuron: [4, 8],
        axis_neuron: 2,
        attn: 8,
        attn_layer: 1,
        smooth_type_embedding: true,
      },
      fitting_net: { neuron: [8, 8] },
      ...changes.model,
    },
    learning_rate: { type: "exp", start_lr: 1e-3, stop_lr: 1e-5, decay_steps: 5 },
    loss: { type: "ener" },
    training: {
      training_data: { systems: [join(data, "n002"), join(data, "n016")], batch_size: 2 },
      numb_steps: changes.steps ?? 6,
      seed: 3,
      disp_file: join(folder, "lcurve.out"),
      disp_freq: 2,
      save_freq: 2,
      max_ckpt_keep: 2,
      save_ckpt: join(folder, "model"),
      ...changes.training,
    },
  };
  writeFileSync(path, JSON.stringify(text));
  return path;
}

const out = (): { output: string; skipNeighborStat: boolean } => ({
  output: join(folder, "out.json"),
  skipNeighborStat: true,
});

/** Weights and optimiser state of a checkpoint, as bytes. */
function stateOf(path: string): Record<string, Buffer> {
  return Object.fromEntries(
    [...readSafetensors(path).tensors].map(([name, t]) => [name, Buffer.from(t.bytes)]),
  );
}

describe("a training run", () => {
  it("writes lcurve.out, metrics, out.json and the newest checkpoints", async () => {
    const metrics = join(folder, "metrics.jsonl");
    const result = await trainDeepmd(input(), { ...out(), metrics });
    expect(result.steps).toBe(6);
    const rows = readFileSync(join(folder, "lcurve.out"), "utf8").trim().split("\n");
    expect(rows[0]).toBe("# step       rmse_trn    rmse_e_trn    rmse_f_trn   lr      ");
    expect(rows.slice(2).map((row) => Number(row.trim().split(/\s+/)[0]))).toEqual([1, 2, 4, 6]);
    const lines = readFileSync(metrics, "utf8").trim().split("\n");
    expect(Object.keys(JSON.parse(lines[0]) as object)).toEqual([
      "step",
      "lr",
      "rmse_trn",
      "rmse_e_trn",
      "rmse_f_trn",
    ]);
    expect(
      readdirSync(folder)
        .filter((name) => name.startsWith("model-"))
        .sort(),
    ).toEqual(["model-4.safetensors", "model-6.safetensors"]);
    expect(existsSync(join(folder, "out.json"))).toBe(true);
    const pot = await DeepPot.load(result.model);
    expect(pot.typeMap).toEqual(["Nb", "Mo", "Ta", "W"]);
    pot.dispose();
  });

  it("restarted gives the bits of an uninterrupted one", async () => {
    const whole = await trainDeepmd(input({ name: "whole" }), out());
    const expected = stateOf(whole.model);
    rmSync(whole.model);
    const stop = new AbortController();
    const interrupted = await trainDeepmd(input(), {
      ...out(),
      signal: stop.signal,
      onStep: (done) => done === 3 && stop.abort(),
    });
    expect(interrupted.interrupted).toBe(true);
    const resumed = await trainDeepmd(input(), { ...out(), restart: interrupted.model });
    expect(stateOf(resumed.model)).toEqual(expected);
  });

  it("restarted keeps the rows before the checkpoint in lcurve.out and metrics, and replaces those after it", async () => {
    const metrics = join(folder, "metrics.jsonl");
    await trainDeepmd(input({ name: "whole" }), { ...out(), metrics });
    const whole = readFileSync(metrics, "utf8");
    appendFileSync(metrics, '{"step":8,"lr":1');
    const again = { ...out(), metrics, restart: join(folder, "model-4.safetensors") };
    await trainDeepmd(input(), again);
    expect(readFileSync(metrics, "utf8")).toBe(whole);
    const steps = readFileSync(join(folder, "lcurve.out"), "utf8").match(/^ +\d+/gm);
    expect(steps?.map(Number)).toEqual([1, 2, 4, 6]);
    await trainDeepmd(input(), { ...again, metrics: join(folder, "new.jsonl") });
    expect(readFileSync(join(folder, "new.jsonl"), "utf8").trim().split("\n").length).toBe(1);
  });

  it("restarted for steps that show no row leaves lcurve.out as it was, without a second header", async () => {
    await trainDeepmd(input(), out());
    const before = readFileSync(join(folder, "lcurve.out"), "utf8");
    await trainDeepmd(input({ steps: 7 }), { ...out(), restart: join(folder, "model-6.safetensors") });
    expect(readFileSync(join(folder, "lcurve.out"), "utf8")).toBe(before);
  });

  it("allocates nothing after warm-up and keeps its number of tensors", async () => {
    const seen: { tensors: number; allocations: number }[] = [];
    await trainDeepmd(input({ steps: 60, training: { save_freq: 1000, disp_freq: 1000 } }), {
      ...out(),
      onStep: () => seen.push({ tensors: memory("cpu").tensors, allocations: memory("cpu").allocations }),
    });
    expect(new Set(seen.map((s) => s.tensors)).size).toBe(1);
    expect(seen[59].allocations - seen[40].allocations).toBeLessThanOrEqual(2);
  });

  it("learns: the force error falls", async () => {
    const errors: number[] = [];
    await trainDeepmd(input({ steps: 150, training: { disp_freq: 1, save_freq: 1000 } }), {
      ...out(),
      onRow: (row) => errors.push(row.training.rmse_f),
    });
    const mean = (list: number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
    expect(mean(errors.slice(-30))).toBeLessThan(0.9 * mean(errors.slice(0, 30)));
  });
});

describe("bad input ends in one error and leaves nothing behind", () => {
  it.each([
    ["an unknown key", { model: { descripter: {} } }, /descripter/],
    ["a missing system", { training: { training_data: { systems: ["nowhere"] } } }, /nowhere/],
    ["a checkpoint to restart from that is missing", {}, /absent\.safetensors/],
  ])("%s", async (name, changes, says) => {
    const options = {
      ...out(),
      ...(name.includes("restart") && { restart: join(folder, "absent.safetensors") }),
    };
    await expect(trainDeepmd(input(changes), options)).rejects.toThrow(says);
    expect(readdirSync(folder)).toEqual(["input.json"]);
  });

  it("a too small sel is a warning that names the number needed", async () => {
    const said: string[] = [];
    const model = { descriptor: { type: "se_atten", sel: 4, rcut: 4, neuron: [4], attn_layer: 0 } };
    await trainDeepmd(input({ steps: 1, model }), {
      output: join(folder, "out.json"),
      onMessage: (text) => said.push(text),
    });
    expect(said.join()).toMatch(/sel is 4, but an atom .* has \d+ neighbours/);
  });
});
