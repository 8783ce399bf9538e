import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { learningRateSchema, lossSchema } from "../../src/models/deepmd/config/schema-training.js";
import type { EnerLossConfig } from "../../src/models/deepmd/config/schema-training.js";
import { learningRateSchedule } from "../../src/train/learning-rate.js";
import { activeTerms, lossPrefactor } from "../../src/train/loss-prefactor.js";

interface Case {
  type: string;
  values: [number, number][];
}
const fixture = join(import.meta.dirname, "../fixtures/deepmd-config/rates.json");
const cases = JSON.parse(readFileSync(fixture, "utf8")) as Case[];

describe("learning rates", () => {
  it("gives the check values of the specification (1.7)", () => {
    const given = { type: "exp", start_lr: 1e-3, stop_lr: 3.51e-8, decay_steps: 5000 };
    const rate = learningRateSchedule(learningRateSchema.parse(given), 1e6);
    expect(rate(0)).toBe(1e-3);
    expect(rate(4999)).toBe(1e-3);
    expect(rate(5000)).toBeCloseTo(9.500064099092084e-4, 18);
    expect(rate(5000) / rate(0)).toBeCloseTo(0.9500064099092085, 15);
    expect(rate(500000) / 5.9245252974394665e-6).toBeCloseTo(1, 13);
    expect(rate(999999) / 3.6947119128759015e-8).toBeCloseTo(1, 13);
  });

  it.each(cases.map(({ values, ...given }) => [JSON.stringify(given), given, values] as const))(
    "equals DeePMD-kit: %s",
    (_, given, values) => {
      const rate = learningRateSchedule(learningRateSchema.parse({ start_lr: 1e-3, ...given }), 1000);
      for (const [step, value] of values)
        expect(Math.abs(rate(step) - value)).toBeLessThanOrEqual(1e-12 * value);
    },
  );

  it("survives a run that is all warm-up, and a stop rate of 0", () => {
    const warm = { type: "exp", warmup_steps: 10, stop_lr: 1e-6 };
    const rate = learningRateSchedule(learningRateSchema.parse(warm), 10);
    expect([0, 5, 10].map(rate)).toEqual([0, 5e-4, 1e-3]);
    const zero = learningRateSchedule(
      learningRateSchema.parse({ type: "exp", stop_lr: 0, decay_steps: 10 }),
      100,
    );
    expect(zero(99)).toBeGreaterThan(0);
  });
});

describe("loss prefactors", () => {
  const loss: EnerLossConfig = lossSchema.parse({ type: "ener", start_pref_v: 1, limit_pref_ae: 2 });

  it("goes from start to limit with the learning rate", () => {
    expect(lossPrefactor(loss, "f", 5e-4, 1e-3)).toBe(500.5);
    expect(lossPrefactor(loss, "e", 5e-4, 1e-3)).toBe(0.51);
    expect(lossPrefactor(loss, "f", 1e-3, 1e-3)).toBe(1000);
    expect(lossPrefactor(loss, "f", 0, 1e-3)).toBe(1);
  });

  it("knows which terms exist", () => {
    expect(activeTerms(loss, "pt")).toEqual(["e", "f"]);
    expect(activeTerms(loss, "tf")).toEqual(["e", "f", "v", "ae"]);
  });
});
