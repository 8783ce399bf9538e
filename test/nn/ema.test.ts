import { describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { openReference } from "../../src/backends/reference/reference.js";
import { Ema } from "../../src/nn/ema.js";
import { device as deviceOf, memory } from "../../src/tensor/device.js";
import { keep, scope } from "../../src/tensor/scope.js";
import { tensor } from "../../src/tensor/tensor.js";

openCpu();
openReference();

describe.each(["cpu", "reference"] as const)("Ema on %s", (device) => {
  const start = [0.5, -2, 3];
  const make = () => keep(tensor(Float64Array.from(start), [3], { device }));

  it("starts at the parameters and follows them by the formula, allocating nothing", async () => {
    const before = memory(device);
    const w = make();
    const ema = new Ema(new Map([["w", w]]), 0.9);
    expect((await ema.exportState()).get("w")!.data).toEqual(Float64Array.from(start));
    const average = [...start];
    ema.update();
    const { allocations } = deviceOf(device).pool.counters;
    for (let step = 1; step <= 20; step++) {
      const values = start.map((x, k) => x + Math.sin(step + k));
      w.assign(values);
      scope(() => ema.update());
      values.forEach((x, k) => (average[k] = 0.9 * average[k] + 0.1 * x));
    }
    expect(deviceOf(device).pool.counters.allocations).toBe(allocations);
    const found = (await ema.exportState()).get("w")!.data;
    average.forEach((x, k) => expect(found[k]).toBeCloseTo(x, 13));
    ema.dispose();
    w.dispose();
    expect(memory(device).tensors).toBe(before.tensors);
  });

  it("lends the averages to the parameters and puts them back, exactly, even after an error", async () => {
    const w = make();
    using ema = new Ema(new Map([["w", w]]), 0.5);
    w.assign([1.5, 2, 3]);
    ema.update();
    const seen = await ema.withAverages(() => [...w.dataSync()]);
    expect(seen).toEqual([1, 0, 3]);
    expect([...w.dataSync()]).toEqual([1.5, 2, 3]);
    await expect(
      ema.withAverages(async () => {
        await Promise.resolve();
        throw new Error("validation failed");
      }),
    ).rejects.toThrow("validation failed");
    expect([...w.dataSync()]).toEqual([1.5, 2, 3]);
    expect([...(await ema.exportState()).get("w")!.data]).toEqual([1, 0, 3]);
    w.dispose();
  });

  it("refuses what makes no sense while they are exchanged", async () => {
    const w = make();
    using ema = new Ema(new Map([["w", w]]), 0.5);
    await ema.withAverages(async () => {
      expect(() => ema.update()).toThrow(/Ema: update\(\) inside withAverages\(\)/);
      expect(() => ema.loadState(new Map())).toThrow(/loadState\(\) inside/);
      await expect(ema.exportState()).rejects.toThrow(/exportState\(\) inside/);
      await expect(ema.withAverages(() => 1)).rejects.toThrow(/withAverages\(\) inside/);
    });
    ema.update();
    w.dispose();
  });

  it("is saved and restored", async () => {
    const w = make();
    using ema = new Ema(new Map([["w", w]]), 0.5);
    w.assign([0, 0, 0]);
    using other = new Ema(new Map([["w", w]]), 0.5);
    other.loadState(await ema.exportState());
    ema.update();
    other.update();
    expect(await other.exportState()).toEqual(await ema.exportState());
    expect(() => other.loadState(new Map())).toThrow(/Ema: the state does not fit; missing "w"/);
    w.dispose();
  });

  it("refuses a decay outside [0, 1)", () => {
    for (const decay of [1, -0.1, NaN]) expect(() => new Ema(new Map(), decay)).toThrow(/Ema: decay is/);
  });
});
