import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import type { DeepmdSystem } from "../../src/data/deepmd-system.js";
import { parseDeepmdInput } from "../../src/models/deepmd/config/deepmd-input.js";
import { EnergyModel } from "../../src/models/deepmd/energy-model.js";
import { readModel } from "../../src/models/deepmd/model-file.js";
import { EnergyLoss } from "../../src/train/deepmd/energy-loss.js";
import { labelledBatch } from "../../src/train/deepmd/labelled-batch.js";
import { EnergyTrainer } from "../../src/train/deepmd/trainer.js";
import { learningRateSchedule } from "../../src/train/learning-rate.js";

interface Case {
  model: string;
  learning_rate: Record<string, unknown>;
  loss: Record<string, number>;
  frames: { coord: number[][]; box: number[][]; types: number[][]; energy: number[]; force: number[][] };
  steps: { lr: number; loss: number; rmse_e: number; rmse_f: number }[];
}

const folder = new URL("../fixtures/deepmd/", import.meta.url);
const { cases } = JSON.parse(readFileSync(new URL("train10.json", folder), "utf8")) as {
  cases: Record<string, Case>;
};

/** The fixture's frames as a mixed system. */
function systemOf({ frames }: Case): DeepmdSystem {
  const count = frames.coord.length;
  const label = (rows: number[][]) => ({
    width: rows[0].length,
    data: Float64Array.from(rows.flat()),
    found: new Uint8Array(count).fill(1),
  });
  return {
    name: "fixture",
    typeMap: ["Nb", "Mo", "Ta", "W"],
    frameCount: count,
    atomCount: frames.types[0].length,
    mixed: true,
    types: Int32Array.from(frames.types.flat()),
    positions: Float64Array.from(frames.coord.flat(2)),
    cells: Float64Array.from(frames.box.flat(2)),
    labels: {
      energy: label(frames.energy.map((e) => [e].flat())),
      force: label(frames.force.map((f) => f.flat())),
    },
    setSizes: [count],
  };
}

/** The fixture's loss and learning rate as an input has them. */
function inputOf({ learning_rate: rate, loss }: Case) {
  const text = JSON.stringify({
    model: { type_map: ["Nb", "Mo", "Ta", "W"], descriptor: { type: "se_atten", sel: 1 }, fitting_net: {} },
    learning_rate: {
      type: "exp",
      start_lr: rate.start_lr,
      stop_lr: rate.stop_lr,
      decay_steps: rate.decay_steps,
    },
    loss: { type: "ener", ...loss },
    training: { training_data: { systems: ["x"] }, numb_steps: 10 },
  });
  return parseDeepmdInput(text, "fixture.json").input;
}

beforeAll(openCpu);

describe("ten training steps give DeePMD-kit's losses (fixtures/deepmd/train10.json)", () => {
  it.each(Object.entries(cases))("%s", async (_name, c) => {
    const { config, weights } = await readModel(fileURLToPath(new URL(c.model, folder)));
    const input = inputOf(c);
    const trainer = new EnergyTrainer({
      model: new EnergyModel(config, weights),
      loss: new EnergyLoss(input.loss),
      rate: learningRateSchedule(input.learning_rate, 10),
      startRate: input.learning_rate.start_lr,
      optimizer: input.optimizer,
      maxNorm: null,
    });
    const system = systemOf(c);
    const batch = labelledBatch(
      system,
      Int32Array.from({ length: system.frameCount }, (_, f) => f),
    );
    c.steps.forEach((wanted, step) => {
      const found = trainer.update(step, batch);
      const relative = (a: number, b: number): number => Math.abs(a - b) / Math.abs(b);
      expect(relative(found.rmse ** 2, wanted.loss), `loss of step ${step}`).toBeLessThan(1e-6);
      expect(relative(found.rmse_e, wanted.rmse_e), `rmse_e of step ${step}`).toBeLessThan(1e-6);
      expect(relative(found.rmse_f, wanted.rmse_f), `rmse_f of step ${step}`).toBeLessThan(1e-6);
    });
    trainer.dispose();
  });
});
