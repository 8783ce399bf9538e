import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { openReference } from "../../src/backends/reference/reference.js";
import { globalNorm } from "../../src/nn/clip.js";
import { Adam, type AdamOptions, AdamW, Sgd } from "../../src/nn/optimizer.js";
import type { DeviceName } from "../../src/tensor/backend.js";
import { memory } from "../../src/tensor/device.js";
import { keep, scope } from "../../src/tensor/scope.js";
import { type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";

openCpu();
openReference();

type Optimizer = Adam | Sgd;
const adam: AdamOptions = { beta1: 0.8, beta2: 0.99, eps: 1e-6 };
const makers: Record<string, (p: Map<string, Tensor>) => Optimizer> = {
  Adam: (p) => new Adam(p, adam),
  "Adam with weight decay": (p) => new Adam(p, { ...adam, weightDecay: 0.1 }),
  AdamW: (p) => new AdamW(p, { ...adam, weightDecay: 0.1 }),
  Sgd: (p) => new Sgd(p),
  "Sgd with weight decay": (p) => new Sgd(p, { weightDecay: 0.1 }),
  "Sgd with momentum": (p) => new Sgd(p, { momentum: 0.9, dampening: 0.3, weightDecay: 0.1 }),
  "Sgd with Nesterov's momentum": (p) => new Sgd(p, { momentum: 0.9, nesterov: true }),
};

interface Fixture {
  readonly start: number[];
  readonly rates: number[];
  readonly cases: Record<string, Record<"all" | "gap" | "late", number[]>>;
}
const file = new URL("../fixtures/nn/optimizers.json", import.meta.url);
const fixture = JSON.parse(readFileSync(file, "utf8")) as Fixture;

const gradient = (k: number): Float64Array =>
  Float64Array.from(fixture.start, (_, j) => Math.sin(1 + 3 * k + j) * (1 + j));

/** One parameter and its optimiser; `step(k)` is update k of the fixture. */
function setUp(name: string, device: DeviceName = "cpu", dtype: "f32" | "f64" = "f64") {
  const w = keep(tensor(fixture.start, [2, 2], { device, dtype }));
  const optimizer = makers[name](new Map([["w", w]]));
  const step = (k: number, factor = 1, gradScale = 1): void =>
    scope(() => {
      const values = gradient(k).map((g) => g * factor);
      optimizer.step([tensor(values, [2, 2], { device, dtype })], fixture.rates[k], gradScale);
    });
  const dispose = (): void => {
    optimizer.dispose();
    w.dispose();
  };
  return { w, optimizer, step, dispose };
}

function expectNear(found: ArrayLike<number>, wanted: ArrayLike<number>, digits = 13): void {
  expect(found.length).toBe(wanted.length);
  for (let k = 0; k < wanted.length; k++) expect(found[k]).toBeCloseTo(wanted[k], digits);
}

describe.each(["cpu", "reference"] as const)("optimisers on %s", (device) => {
  it.each(Object.keys(makers))(
    "%s does PyTorch's updates, and skips what has no gradient as PyTorch does",
    (name) => {
      for (const [variant, absent] of [
        ["all", -1],
        ["gap", 2],
        ["late", 0],
      ] as const) {
        const { w, optimizer, step, dispose } = setUp(name, device);
        for (let k = 0; k < 5; k++)
          if (k === absent) optimizer.step([undefined], fixture.rates[k]);
          else step(k);
        expectNear(w.dataSync(), fixture.cases[name][variant]);
        expect(optimizer.steps).toBe(5);
        dispose();
      }
    },
  );
});

describe("optimisers", () => {
  it("follow Kingma and Ba's formulas, written out", () => {
    const { w, step, dispose } = setUp("AdamW");
    const [p, m, v] = [[...fixture.start], [0, 0, 0, 0], [0, 0, 0, 0]];
    for (let k = 0; k < 5; k++) {
      step(k);
      const rate = fixture.rates[k];
      gradient(k).forEach((g, j) => {
        p[j] -= rate * 0.1 * p[j];
        m[j] = 0.8 * m[j] + (1 - 0.8) * g;
        v[j] = 0.99 * v[j] + (1 - 0.99) * g * g;
        const [mean, square] = [m[j] / (1 - 0.8 ** (k + 1)), v[j] / (1 - 0.99 ** (k + 1))];
        p[j] -= (rate * mean) / (Math.sqrt(square) + 1e-6);
      });
    }
    expectNear(w.dataSync(), p);
    dispose();
  });

  it.each(Object.keys(makers))("%s agrees in f32", (name) => {
    const { w, step, dispose } = setUp(name, "cpu", "f32");
    for (let k = 0; k < 5; k++) step(k);
    expectNear(w.dataSync(), fixture.cases[name].all, 5);
    dispose();
  });

  it("scale gradients on the way", () => {
    for (const name of Object.keys(makers)) {
      const [plain, scaled] = [setUp(name), setUp(name)];
      for (let k = 0; k < 3; k++) {
        plain.step(k, 0.25);
        scaled.step(k, 1, 0.25);
      }
      expect(scaled.w.dataSync()).toEqual(plain.w.dataSync());
      plain.dispose();
      scaled.dispose();
    }
  });

  it.each(Object.keys(makers))("%s resumes from its state bit for bit, skipped updates included", (name) => {
    const [whole, first, second] = [setUp(name), setUp(name), setUp(name)];
    for (const run of [whole, first]) {
      run.step(0);
      run.optimizer.step([undefined], 0.1);
      run.step(2);
    }
    second.w.assign(first.w.dataSync());
    second.optimizer.importState(first.optimizer.exportState(), first.optimizer.steps);
    for (const run of [whole, second]) for (const k of [3, 4]) run.step(k);
    expect(second.w.dataSync()).toEqual(whole.w.dataSync());
    expect(second.optimizer.exportState()).toEqual(whole.optimizer.exportState());
    expect(second.optimizer.steps).toBe(5);
    for (const run of [whole, first, second]) run.dispose();
  });

  it("name their state after the parameters, and import all of it or nothing", () => {
    const { optimizer, step, dispose } = setUp("Adam");
    step(0);
    const state = optimizer.exportState();
    expect([...state.keys()]).toEqual(["m.w", "v.w"]);
    const wrong = new Map([...state, ["m.w", new Float64Array(4)], ["v.w", new Float64Array(3)]] as const);
    expect(() => optimizer.importState(wrong, 9)).toThrow(
      /optimizer: state v.w has 3 numbers, the model needs 4/,
    );
    expect(optimizer.exportState()).toEqual(state);
    expect(optimizer.steps).toBe(1);
    expect(() => optimizer.importState(new Map(), 0)).toThrow(/state m.w has 0 numbers/);
    dispose();
  });

  it("leak nothing, inside a scope or outside", () => {
    const before = memory();
    const { optimizer, step, dispose } = setUp("AdamW");
    const held = memory().tensors;
    const g = zeros([2, 2], { dtype: "f64" });
    for (let k = 0; k < 3; k++) optimizer.step([g], 0.1);
    expect(memory().tensors).toBe(held + 1);
    g.dispose();
    step(0);
    const { allocations } = memory();
    for (let k = 0; k < 5; k++) step(k);
    expect(memory()).toMatchObject({ tensors: held, allocations });
    dispose();
    expect(memory().tensors).toBe(before.tensors);
  });

  it("want a gradient for each parameter, of its shape and type", () => {
    const { optimizer, dispose } = setUp("Adam");
    expect(() => optimizer.step([], 0.1)).toThrow(/optimizer: 0 gradients for 1 parameters/);
    scope(() => {
      expect(() => optimizer.step([zeros([4], { dtype: "f64" })], 0.1)).toThrow(
        /adamUpdate: \[4\] beside a parameter of shape \[2,2\]/,
      );
      expect(() => optimizer.step([zeros([2, 2])], 0.1)).toThrow(/grad expected f64, got f32/);
    });
    dispose();
  });
});

describe("globalNorm", () => {
  it("is the norm of all gradients together, absent ones aside", () => {
    const before = memory().tensors;
    scope(() => {
      const grads = [tensor([3, 0]), undefined, tensor([4], [1, 1])];
      expect(globalNorm(grads)).toBe(5);
      expect(globalNorm([])).toBe(0);
      expect(globalNorm([tensor([1, NaN])])).toBeNaN();
      expect(globalNorm([tensor([Infinity])])).toBe(Infinity);
    });
    expect(memory().tensors).toBe(before);
  });
});
