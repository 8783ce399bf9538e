import { describe, expect, it } from "vitest";
import { families } from "../../kernels/cases.generated.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { openReference } from "../../src/backends/reference/reference.js";
import { openWebGpu } from "../../src/backends/webgpu/webgpu.js";
import { setDefaultDevice } from "../../src/tensor/device.js";
import type { OpCases } from "../../src/testing/cases.js";
import { Samples } from "../../src/testing/samples.js";
import { derivatives, expectClose, forward, poisoned, scaleOf } from "./matrix.js";
import { highestOrder, type Support, supportOf } from "./support.js";

openCpu();
openReference();
setDefaultDevice("cpu");
const absent = await openWebGpu().then(
  () => undefined,
  (error: Error) => error.message,
);

/** WGSL allows its functions more rounding than the CPU's have (exp: 3 + 2|x| units in the last place, division: 2.5). */
const slack = 8;

const all = Object.entries(families).flatMap(([family, cases]) =>
  cases.map((c): [string, OpCases] => [`${family}/${c.op}`, c]),
);
const rows: (readonly [string, OpCases, Support])[] = [];
if (absent === undefined) for (const [name, c] of all) rows.push([name, c, supportOf(c, "webgpu", "f32")]);

it.skipIf(absent !== undefined)(`finds an adapter${absent === undefined ? "" : ` (${absent})`}`, () => {
  expect(rows.length).toBe(all.length);
});

describe.each(rows)("%s on webgpu", (_name, c, support) => {
  const samples = c.samples(new Samples(1));

  it.skipIf(support.order < 0)("agrees with the float64 reference, with poisoned outputs", async () => {
    for (const sample of samples) {
      const wanted = await forward(c, sample, "reference", "f64");
      const found = await poisoned("webgpu", () => forward(c, sample, "webgpu", "f32"));
      found.forEach((x, k) =>
        expectClose(x, wanted[k], slack * c.tolerance.f32, scaleOf([wanted[k]]), `${c.op} output ${k}`),
      );
    }
  });

  it.skipIf(support.order < 0)("gives the same bits again", async () => {
    for (const sample of samples)
      expect(await forward(c, sample, "webgpu", "f32")).toEqual(await forward(c, sample, "webgpu", "f32"));
  });

  it.skipIf(support.order < 1)(
    `has the derivatives of the CPU up to order ${support.order}, with poisoned outputs`,
    async () => {
      for (const sample of samples) {
        const wanted = await derivatives(c, sample, "cpu", "f64", support.order);
        const found = await poisoned("webgpu", () => derivatives(c, sample, "webgpu", "f32", support.order));
        expect(found.length).toBe(wanted.length);
        const scale = Math.max(0.1, scaleOf(wanted));
        found.forEach((x, k) =>
          expectClose(x, wanted[k], 50 * slack * c.tolerance.f32, scale, `${c.op} derivative ${k}`),
        );
      }
    },
  );

  it.skipIf(support.missing)(
    support.missing ? `goes beyond order ${support.order} (${support.reason})` : "runs to its highest order",
    () => {
      expect(support.reason).toBeUndefined();
      expect(support.order).toBe(highestOrder(c));
    },
  );
});
