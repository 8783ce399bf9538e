import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import type { DeepmdSystem } from "../../src/data/deepmd-system.js";
import { parseDeepmdInput } from "../../src/models/deepmd/config/deepmd-input.js";
import { EnergyModel } from "../../src/models/deepmd/energy-model.js";
import { readModel } from "../../src/models/deepmd/model-file.js";
import { EnergyLoss } from "../../src/train/deepmd/energy-loss.js";
import { labelledBatch } from "../../src/train/deepmd/labelled-batch.js";
import { EnergyTrainer } from "../../src/train/deepmd/trainer.js";
import { learningRateSchedule } from "../../src/train/learning-rate.js";

const folder = join(import.meta.dirname, "../fixtures/deepmd/tensorflow");
const place = mkdtempSync(join(tmpdir(), "atomgrad-tf-train-"));
const steps = 20;

interface Training {
  from: string;
  input: Record<string, unknown>;
  columns: string[];
  rows: number[][];
}

const labels = ["energy", "force", "virial", "fparam", "aparam"] as const;
const { types, trainings } = JSON.parse(readFileSync(join(folder, "train20.json"), "utf8")) as {
  types: number[];
  trainings: Record<string, Training>;
};
const { frames } = JSON.parse(gunzipSync(readFileSync(join(folder, "cases.json.gz"))).toString()) as {
  frames: Record<"coord" | "box" | (typeof labels)[number], number[] | number[][]>;
};
const count = frames.coord.length;

const system: DeepmdSystem = {
  name: "fixture",
  typeMap: ["O", "H"],
  frameCount: count,
  atomCount: types.length,
  mixed: false,
  types: Int32Array.from(types),
  positions: Float64Array.from(frames.coord.flat()),
  cells: Float64Array.from(frames.box.flat()),
  labels: Object.fromEntries(
    labels.map((name) => {
      const data = Float64Array.from(frames[name].flat());
      return [name, { width: data.length / count, data, found: new Uint8Array(count).fill(1) }];
    }),
  ),
  setSizes: [count],
};

beforeAll(openCpu);
afterAll(() => rmSync(place, { recursive: true, force: true }));

describe("twenty steps of TensorFlow's training from its frozen graph (fixtures/deepmd/tensorflow/train20.json)", () => {
  it.each(Object.entries(trainings))("%s", async (name, { from, input: own, columns, rows }) => {
    const file = join(place, `${name}.pb`);
    writeFileSync(file, gunzipSync(readFileSync(join(folder, `${from}.pb.gz`))));
    const { config, weights, script } = await readModel(file);
    const training = { numb_steps: steps, training_data: { systems: ["x"] } };
    const { input } = parseDeepmdInput(
      JSON.stringify({ model: script, ...own, training }),
      "input.json",
      "tf",
    );
    const model = new EnergyModel(config, weights);
    const rate = learningRateSchedule(input.learning_rate, steps);
    const loss = new EnergyLoss(input.loss, "tf");
    const startRate = input.learning_rate.start_lr;
    const { optimizer } = input;
    const trainer = new EnergyTrainer({ model, loss, rate, startRate, optimizer, maxNorm: null });
    const batch = labelledBatch(system, Int32Array.of(0, 1));
    expect(loss.columns).toEqual(columns);
    expect(rows.length).toBe(steps + 1);
    for (const [step, lr, ...wanted] of rows) {
      // TensorFlow's learning rate is a float32.
      expect(Math.abs(rate(step) - lr), `lr of step ${step}`).toBeLessThanOrEqual(1e-7 * lr);
      const found = trainer.evaluate(step, batch);
      columns.forEach((column, k) =>
        expect(Math.abs(found[column] / wanted[k] - 1), `${column} of step ${step}`).toBeLessThan(1e-6),
      );
      if (step < steps) trainer.update(step, batch);
    }
    trainer.dispose();
    model.dispose();
  });
});
