import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nearestBfloat16, nearestHalf } from "../../src/data/half.js";
import { type ModelFile, readModelSync } from "../../src/models/deepmd/model-file.js";
import { trainDeepmd } from "../../src/train/deepmd/run.js";
import type { TrainOptions } from "../../src/train/deepmd/train-options.js";
import { tinyInput } from "../cli/tiny-training.js";
import { putSystem, waterFiles } from "../data/deepmd-folder.js";
import { temporaryFolder } from "../data/temporary-folder.js";

const scratch = temporaryFolder();
const kinds = { float16: nearestHalf, bfloat16: nearestBfloat16 };

interface Run {
  readonly model: ModelFile;
  readonly losses: number[];
  readonly said: string[];
  readonly path: string;
  readonly outJson: string;
}

/** A tiny training in half precision, every output in a folder of its own. */
async function train(
  name: string,
  precision: string,
  changes: { training?: object; descriptor?: object; rate?: object } = {},
  options: TrainOptions = {},
): Promise<Run> {
  const folder = join(scratch, name);
  mkdirSync(folder, { recursive: true });
  putSystem(join(folder, "water"), waterFiles());
  const path = join(folder, "input.json");
  const input = tinyInput({
    descriptor: { precision, ...changes.descriptor },
    fitting: { precision },
    rate: { start_lr: 1e-2, stop_lr: 1e-3, decay_steps: 5, ...changes.rate },
    training: {
      training_data: { systems: [join(folder, "water")], batch_size: 3 },
      numb_steps: 20,
      disp_file: join(folder, "lcurve.out"),
      save_ckpt: join(folder, "model"),
      ...changes.training,
    },
  });
  writeFileSync(path, JSON.stringify(input));
  const [losses, said]: [number[], string[]] = [[], []];
  const output = join(folder, "out.json");
  const { model } = await trainDeepmd(path, {
    output,
    skipNeighborStat: true,
    onRow: ({ training }) => losses.push(training.rmse),
    onMessage: (text) => said.push(text),
    ...options,
  });
  return { model: readModelSync(model), losses, said, path: model, outJson: readFileSync(output, "utf8") };
}

describe("training nets of half precision", () => {
  it.each(Object.entries(kinds))(
    "%s: the loss falls, and checkpoints hold numbers of the type",
    async (precision, round) => {
      const { losses, model, said, outJson } = await train(precision, precision);
      expect(losses.length).toBe(20);
      expect(losses[19]).toBeLessThan(0.5 * losses[0]);
      expect(said).toContain(
        `input.json: ${precision} nets: weights are rounded to ${precision}, sums are float32`,
      );
      for (const [name, { data }] of model.weights)
        if (/^(descriptor|fitting_net\.filter)/.test(name)) expect(data.map(round), name).toEqual(data);
      const { model: section } = JSON.parse(outJson) as { model: Record<string, { precision: string }> };
      expect([section.descriptor.precision, section.fitting_net.precision]).toEqual([precision, precision]);
      expect(model.config.descriptor.precision).toBe(precision);
    },
  );

  it.each(Object.keys(kinds))("%s: updates far below a unit of the type add up", async (precision) => {
    const slow = { rate: { start_lr: 2e-5, stop_lr: 2e-5 }, training: { numb_steps: 60, save_freq: 60 } };
    const first = await train(`${precision}-slow-1`, precision, { ...slow, training: { numb_steps: 1 } });
    const last = await train(`${precision}-slow`, precision, slow);
    const moved = [...last.model.weights].filter(([name, { data }]) => {
      const before = first.model.weights.get(name)!.data;
      return name.endsWith("matrix") && data.some((x, k) => x !== before[k]);
    });
    expect(moved.length).toBeGreaterThan(3);
  });

  it("a restart goes on to the bit", async () => {
    const whole = await train("whole", "bfloat16", { training: { numb_steps: 12, save_freq: 6 } });
    const part = await train("part", "bfloat16", { training: { numb_steps: 12, save_freq: 6 } });
    const half = part.path.replace("-12.", "-6.");
    const rest = await train(
      "rest",
      "bfloat16",
      { training: { numb_steps: 12, save_freq: 6 } },
      { restart: half },
    );
    expect(rest.model.weights).toEqual(whole.model.weights);
    expect(rest.model.training!.optimizer).toEqual(whole.model.training!.optimizer);
    expect(rest.losses).toEqual(whole.losses.slice(6));
  });

  it("goes on from a checkpoint of another precision by --init-model alone", async () => {
    const { path } = await train("wide", "float64", { training: { numb_steps: 2 } });
    const more = { training: { numb_steps: 4 } };
    await expect(train("narrow-1", "float16", more, { restart: path })).rejects.toThrow(
      /the checkpoint is of a training in another precision; use --init-model/,
    );
    const { model } = await train("narrow-2", "float16", more, { initModel: path });
    expect(model.training!.step).toBe(4);
  });

  it("averages of weights are numbers of the type too, and a start from them is exact", async () => {
    const { path } = await train("averaged", "float16", { training: { numb_steps: 4, enable_ema: true } });
    const averaged = readModelSync(path.replace("model-4", "model_ema-4"));
    const layer = "fitting_net.filter_layers.networks.0.layers.1.matrix";
    const { data } = averaged.weights.get(layer)!;
    expect(data.map(nearestHalf)).toEqual(data);
    expect(data).not.toEqual(readModelSync(path).weights.get(layer)!.data);
  });
});
