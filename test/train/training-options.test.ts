import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readDeepmdSystem } from "../../src/data/deepmd-npy.js";
import { frameTypes } from "../../src/data/deepmd-system.js";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { readModelSync } from "../../src/models/deepmd/model-file.js";
import type { MetricsRow } from "../../src/train/deepmd/metrics-file.js";
import { averagesPrefix } from "../../src/train/deepmd/checkpoint.js";
import { compareSystem } from "../../src/train/deepmd/test-errors.js";
import { trainDeepmd } from "../../src/train/deepmd/run.js";
import type { TrainOptions } from "../../src/train/deepmd/train-options.js";

const data = resolve(import.meta.dirname, "../../examples/data/nbmotaw/train");
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atomgrad-options-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A tiny training with every output in the test's folder. */
async function train(
  changes: Record<string, unknown> = {},
  options: TrainOptions = {},
  descriptor: object = {},
): Promise<{ model: string; rows: MetricsRow[]; said: string[] }> {
  const input = {
    model: {
      type_map: ["Nb", "Mo", "Ta", "W"],
      descriptor: {
        type: "se_atten",
        sel: 30,
        rcut: 4,
        neuron: [4],
        axis_neuron: 2,
        attn_layer: 0,
        seed: 1,
        ...descriptor,
      },
      fitting_net: { neuron: [8], seed: 2 },
    },
    learning_rate: { type: "exp", start_lr: 1e-3, stop_lr: 1e-5 },
    loss: { type: "ener" },
    training: {
      training_data: { systems: [join(data, "n002"), join(data, "n016")], batch_size: 4 },
      numb_steps: 4,
      seed: 3,
      disp_file: join(folder, "lcurve.out"),
      disp_freq: 1,
      save_freq: 1,
      save_ckpt: join(folder, "model"),
      ...changes,
    },
  };
  const path = join(folder, "input.json");
  writeFileSync(path, JSON.stringify(input));
  const rows: MetricsRow[] = [];
  const said: string[] = [];
  const { model } = await trainDeepmd(path, {
    output: join(folder, "out.json"),
    skipNeighborStat: true,
    onRow: (row) => rows.push(row),
    onMessage: (text) => said.push(text),
    ...options,
  });
  return { model, rows, said };
}

const checkpoints = (where = folder): number[] =>
  readdirSync(where)
    .map((name) => /^model-(\d+)\.safetensors$/.exec(name)?.[1])
    .filter((step) => step !== undefined)
    .map(Number)
    .sort((a, b) => a - b);

describe("checkpoints", () => {
  it("a shorter run keeps its own and leaves those of a longer run before it", async () => {
    await train({ numb_steps: 6, max_ckpt_keep: 2 });
    expect(checkpoints()).toEqual([5, 6]);
    const { model } = await train({ numb_steps: 3, max_ckpt_keep: 2 });
    expect(checkpoints()).toEqual([2, 3, 5, 6]);
    expect(readModelSync(model).training?.step).toBe(3);
  });

  it("a restart goes on counting the checkpoints before it", async () => {
    const { model } = await train({ numb_steps: 2, max_ckpt_keep: 2 });
    await train({ numb_steps: 4, max_ckpt_keep: 2 }, { restart: model });
    expect(checkpoints()).toEqual([3, 4]);
  });

  it("ckpt_keep_ratio keeps that share, in save_dir", async () => {
    const where = join(folder, "deep", "er");
    await train({ numb_steps: 5, ckpt_keep_ratio: 0.5, save_dir: where });
    expect(checkpoints(where)).toEqual([3, 4, 5]);
  });

  it("save_dir that cannot be made is an error", async () => {
    writeFileSync(join(folder, "file"), "");
    await expect(train({ save_dir: join(folder, "file", "x") })).rejects.toThrow(
      /is a file; change training\.save_dir/,
    );
  });
});

describe("what is shown", () => {
  it("disp_avg shows the mean of the steps since the last row", async () => {
    const { rows: single } = await train();
    const { rows } = await train({ disp_freq: 2, disp_avg: true });
    expect(rows.map((row) => row.step)).toEqual([1, 2, 4]);
    expect(rows[1].training.rmse_f).toBeCloseTo(single[1].training.rmse_f, 12);
    const mean = (single[2].training.rmse_f + single[3].training.rmse_f) / 2;
    expect(rows[2].training.rmse_f).toBeCloseTo(mean, 12);
  });

  it("disp_training: false shows nothing, time_training: false no time", async () => {
    expect((await train({ disp_training: false })).rows).toEqual([]);
    expect((await train({ time_training: false })).rows[0].timed).toBe(false);
    const lines = readFileSync(join(folder, "lcurve.out"), "utf8").trim().split("\n");
    expect(lines).toHaveLength(6);
  });

  it("keys without effect are named, keys of other backends refused", async () => {
    const { said } = await train({ neighbor_graph_method: "legacy", profiling: true });
    expect(said.join("\n")).toMatch(/training\.neighbor_graph_method has no effect here/);
    expect(said.join("\n")).toMatch(/training\.profiling has no effect here/);
    await expect(train({ acc_freq: 2 })).rejects.toThrow(/training\.acc_freq: .*Paddle/);
  });
});

describe("running averages (enable_ema)", () => {
  it("are written beside the weights and go on after a restart", async () => {
    const ema = { enable_ema: true, ema_decay: 0.5, max_ckpt_keep: 0 };
    await train(ema);
    const average = (step: number): Float64Array => weightOf(join(folder, `model_ema-${step}.safetensors`));
    const plain = (step: number): Float64Array => weightOf(join(folder, `model-${step}.safetensors`));
    plain(3).forEach((w, k) => expect(average(3)[k]).toBeCloseTo((average(2)[k] + w) / 2, 14));
    const expected = average(4);
    rmSync(join(folder, "model_ema-4.safetensors"));
    await train(ema, { restart: join(folder, "model-2.safetensors") });
    expect(average(4)).toEqual(expected);
  });

  it("have the suffix before the last dot of save_ckpt", () => {
    expect(averagesPrefix("out/model.ckpt")).toBe("out/model_ema.ckpt");
    expect(averagesPrefix("out.d/model")).toBe("out.d/model_ema");
  });
});

it("change_bias_after_training: errors of energies are orthogonal to the numbers of atoms of each type", async () => {
  const systems = ["n002", "n008"].map((name) => join(data, name));
  // Batches so large that the statistics see every frame.
  const training_data = { systems, batch_size: 100 };
  const { model } = await train({ change_bias_after_training: true, numb_steps: 2, training_data });
  const pot = await DeepPot.load(model);
  const moments = [0, 0, 0, 0];
  for (const path of systems) {
    const system = readDeepmdSystem(path, { typeMap: pot.typeMap });
    const frames = system.frameCount;
    const compared = compareSystem(pot, system, frames);
    for (let f = 0; f < frames; f++) {
      const error = system.labels.energy!.data[f] - compared.prediction.energy[f];
      for (const t of frameTypes(system, f)) if (t >= 0) moments[t] += error;
    }
  }
  pot.dispose();
  for (const moment of moments) expect(Math.abs(moment)).toBeLessThan(1e-8);
});

it("frames whose types differ and that have no cells are told apart by their number", async () => {
  const { model } = await train({ numb_steps: 1 });
  const pot = await DeepPot.load(model);
  const coords = [0, 0, 0, 2.6, 0, 0, 0, 0, 0, 2.7, 0.1, 0];
  const both = pot.evalSync(coords, null, [0, 1, 2, 3], { frames: 2 });
  const apart = [pot.evalSync(coords.slice(0, 6), null, [0, 1]), pot.evalSync(coords.slice(6), null, [2, 3])];
  expect([...both.energy]).toEqual(apart.map(({ energy }) => energy[0]));
  expect(() => pot.evalSync(coords, null, [0, 1, 2, 3], { frames: 3 })).toThrow(/whole frames/);
  pot.dispose();
});

function weightOf(path: string): Float64Array {
  return readModelSync(path).weights.get("fitting_net.filter_layers.networks.0.layers.0.matrix")!.data;
}

describe("trainable_ln", () => {
  const norms = async (trainable_ln: boolean): Promise<number[][]> => {
    const { model } = await train({}, {}, { attn: 4, attn_layer: 1, trainable_ln });
    const found = [...readModelSync(model).weights].filter(([name]) => name.includes(".attn_layer_norm."));
    expect(found.length).toBe(2);
    return found.map(([, { data: values }]) => [...values].sort());
  };

  it("false leaves the norms of attention at 1 and 0", async () => {
    expect((await norms(false)).sort()).toEqual([new Array(4).fill(0), new Array(4).fill(1)]);
  });

  it("true trains them", async () => {
    for (const values of await norms(true))
      expect(values.some((value) => value !== 0 && value !== 1)).toBe(true);
  });
});

describe("--skip-neighbor-stat", () => {
  it("says nothing of a sel that is too small, and does not know the shortest distance", async () => {
    const { model, said } = await train({ numb_steps: 1 }, {}, { sel: 2 });
    expect(said).toEqual([]);
    expect(readModelSync(model).minDistance).toBeNull();
  });

  it("left out, both are said", async () => {
    const { model, said } = await train({ numb_steps: 1 }, { skipNeighborStat: false }, { sel: 2 });
    expect(said.join()).toMatch(
      /model\.descriptor\.sel is 2, but an atom of the training data has \d+ neighbours/,
    );
    expect(readModelSync(model).minDistance).toBeGreaterThan(1);
  });

  it("does not go with a sel that the statistics decide", async () => {
    await expect(train({}, {}, { sel: "auto" })).rejects.toThrow(
      /^input\.json: model\.descriptor\.sel is "auto".*leave out --skip-neighbor-stat/,
    );
    await train({ numb_steps: 1 }, { skipNeighborStat: false }, { sel: "auto" });
  });
});
