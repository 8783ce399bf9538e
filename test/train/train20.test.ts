import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import type { DeepmdSystem, LabelName } from "../../src/data/deepmd-system.js";
import { parseDeepmdInput } from "../../src/models/deepmd/config/deepmd-input.js";
import { EnergyModel } from "../../src/models/deepmd/energy-model.js";
import { changeBias } from "../../src/train/deepmd/change-bias.js";
import { EnergyLoss, type Errors } from "../../src/train/deepmd/energy-loss.js";
import { labelledBatch } from "../../src/train/deepmd/labelled-batch.js";
import { RunningErrors } from "../../src/train/deepmd/running-errors.js";
import { Lcurve, scientific } from "../../src/train/deepmd/lcurve.js";
import { EnergyTrainer } from "../../src/train/deepmd/trainer.js";
import { learningRateSchedule } from "../../src/train/learning-rate.js";
import { temporaryFolder } from "../data/temporary-folder.js";
import { type Fixture, type FixtureCase, modelOf } from "../models/deepmd-fixture.js";

const scratch = temporaryFolder();

type Frames = Record<string, number[][] | number[]>;

interface Case extends Pick<FixtureCase, "model"> {
  input: {
    model: {
      type_map: string[];
      descriptor: { trainable?: boolean };
      fitting_net: { trainable?: boolean[] };
    };
    training: { numb_steps: number; gradient_max_norm?: number; disp_avg?: boolean };
  } & Record<string, unknown>;
  validation: Frames | null;
  /** Labels that differ from those of all cases, and those that are not there. */
  changed: Frames;
  lacking: string[];
  columns: { training: string[]; validation: string[] };
  /** step, lr, training columns, validation columns */
  rows: [number, number, (number | null)[], (number | null)[]][];
  after: number[] | null;
  /** The lines of lcurve.out. */
  lcurve?: string[];
}

const fixture = JSON.parse(
  readFileSync(new URL("../fixtures/deepmd/train20.json", import.meta.url), "utf8"),
) as Pick<Fixture, "trees"> & { types: number[]; frames: Frames; cases: Record<string, Case> };

const labels: LabelName[] = ["energy", "force", "virial", "atom_ener", "atom_pref", "fparam", "aparam"];

/** A system of the fixture, its two types numbered as in the case's type map. */
function systemOf(frames: Frames, typeMap: readonly string[]): DeepmdSystem {
  const count = frames.coord.length;
  const types = Int32Array.from(fixture.types, (t) => typeMap.indexOf(["O", "H"][t]));
  const rows = (name: string): number[] => (frames[name] as (number | number[])[]).flat();
  const label = (name: LabelName) => {
    const repeat = name === "atom_pref" ? 3 : 1;
    const data = Float64Array.from(rows(name).flatMap((x) => new Array<number>(repeat).fill(x)));
    return { width: data.length / count, data, found: new Uint8Array(count).fill(1) };
  };
  return {
    name: "fixture",
    typeMap,
    frameCount: count,
    atomCount: types.length,
    mixed: false,
    types,
    positions: Float64Array.from(rows("coord")),
    cells: Float64Array.from(rows("box")),
    labels: Object.fromEntries(labels.filter((name) => name in frames).map((name) => [name, label(name)])),
    setSizes: [count],
  };
}

function compare(
  found: Errors,
  columns: readonly string[],
  wanted: readonly (number | null)[],
  step: number,
): void {
  columns.forEach((column, k) => {
    const expected = wanted[k];
    if (expected === null) return expect(found[column], `${column} of step ${step}`).toBeNaN();
    expect(Math.abs(found[column] / expected - 1), `${column} of step ${step}`).toBeLessThan(1e-6);
  });
}

beforeAll(openCpu);

describe("twenty training steps give every column of DeePMD-kit's lcurve.out (fixtures/deepmd/train20.json)", () => {
  it.each(Object.entries(fixture.cases))("%s", (name, c) => {
    const named = modelOf(fixture as unknown as Fixture, name);
    const text = { ...c.input, training: { ...c.input.training, training_data: { systems: ["x"] } } };
    const { input } = parseDeepmdInput(JSON.stringify(text), `${name}.json`);
    const trainable = {
      descriptor: { ...named.config.descriptor, trainable: input.model.descriptor.trainable },
      fitting_net: { ...named.config.fitting_net, trainable: input.model.fitting_net.trainable },
    };
    const rate = learningRateSchedule(input.learning_rate, input.training.numb_steps!);
    const loss = new EnergyLoss(input.loss);
    const model = new EnergyModel({ ...named.config, ...trainable }, named.weights);
    const trainer = new EnergyTrainer({
      model,
      loss,
      rate,
      startRate: input.learning_rate.start_lr,
      optimizer: input.optimizer,
      maxNorm: input.training.gradient_max_norm,
    });
    const present = Object.entries({ ...fixture.frames, ...c.changed }).filter(
      ([key]) => !c.lacking.includes(key),
    );
    const typeMap = input.model.type_map!;
    const batch = labelledBatch(systemOf(Object.fromEntries(present), typeMap), Int32Array.of(0, 1));
    const other =
      c.validation === null ? undefined : labelledBatch(systemOf(c.validation, typeMap), Int32Array.of(0, 1));
    expect(loss.columns).toEqual(c.columns.training);
    const path = join(scratch, `${name}.out`);
    const lcurve = new Lcurve(path, loss.columns, other !== undefined, false);
    const recent = new RunningErrors();
    let row = 0;
    for (let step = 1; step <= 20; step++) {
      const errors = trainer.update(step - 1, batch);
      recent.add(errors);
      if (c.rows[row]?.[0] !== step) continue;
      const [, lr, training, validation] = c.rows[row++];
      expect(Math.abs(rate(step - 1) - lr)).toBeLessThan(1e-12 * Math.max(lr, 1e-6));
      const shown = input.training.disp_avg ? recent.take() : errors;
      compare(shown, c.columns.training, training, step);
      const checked = other === undefined ? undefined : trainer.evaluate(step - 1, other);
      if (checked !== undefined) compare(checked, c.columns.validation, validation, step);
      lcurve.write({ step, rate: rate(step - 1), training: shown, validation: checked });
    }
    lcurve.close();
    if (c.lcurve !== undefined) expect(readFileSync(path, "utf8")).toBe(`${c.lcurve.join("\n")}\n`);
    expect(row).toBe(c.rows.length);
    if (c.after !== null) {
      const statisticsBatches = () => [{ system: batch.system, frames: batch.frames }].values();
      changeBias(model, { statisticsBatches });
      const bias = model.weights().get("out_bias")!.data;
      c.after.forEach((b, t) => expect(Math.abs(bias[t] - b)).toBeLessThan(1e-6));
    }
    trainer.dispose();
    model.dispose();
  });
});

describe("numbers of lcurve.out", () => {
  it("are rounded as C rounds them", () => {
    for (const [value, wanted] of [
      [1.125, "1.12e+00"],
      [1.135, "1.14e+00"],
      [0.375, "3.75e-01"],
      [9.995, "9.99e+00"],
      [-2.5, "-2.50e+00"],
      [5e-324, "4.94e-324"],
      [0, "0.00e+00"],
      [NaN, "nan"],
    ] as const)
      expect(scientific(value, 2)).toBe(wanted);
    expect([0.125, 0.375, 1.25, 2.5, 3.5e-4].map((x) => scientific(x, 1))).toEqual([
      "1.2e-01",
      "3.8e-01",
      "1.2e+00",
      "2.5e+00",
      "3.5e-04",
    ]);
  });
});
