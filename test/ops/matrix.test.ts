import { describe, expect, it } from "vitest";
import { families } from "../../kernels/cases.generated.js";
import { openCpu, setIsa, setThreads, isas, getIsa, getThreads } from "../../src/backends/cpu/cpu.js";
import { openReference } from "../../src/backends/reference/reference.js";
import { setDefaultDevice } from "../../src/tensor/device.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { scope } from "../../src/tensor/scope.js";
import type { OpCases } from "../../src/testing/cases.js";
import { gradcheck, gradgradcheck } from "../../src/testing/gradcheck.js";
import { Samples } from "../../src/testing/samples.js";
import { inputsOf, scaleOf } from "./derivatives.js";
import { derivatives, expectClose, expectSameBits, forward, poisoned } from "./matrix.js";

openCpu();
openReference();
setDefaultDevice("cpu");

const all: [string, OpCases][] = Object.entries(families).flatMap(([family, cases]) =>
  cases.map((c): [string, OpCases] => [`${family}/${c.op}`, c]),
);

describe.each(all)("%s", (_name, c) => {
  const samples = c.samples(new Samples(1));
  const small = samples.filter((s) => s.large !== true);
  const order = c.order ?? 2;
  const types = c.types ?? (["f32", "f64"] as const);

  it("agrees with the float64 reference, with poisoned outputs, on every instruction set", async () => {
    const best = getIsa();
    for (const sample of samples) {
      const wanted = await forward(c, sample, "reference", "f64");
      for (const isa of isas()) {
        setIsa(isa);
        for (const dtype of types) {
          const found = await poisoned("cpu", () => forward(c, sample, "cpu", dtype));
          found.forEach((x, k) =>
            expectClose(
              x,
              wanted[k],
              c.tolerance[dtype],
              scaleOf([wanted[k]]),
              `${c.op} ${isa} ${dtype} output ${k}`,
            ),
          );
        }
      }
    }
    setIsa(best);
  });

  it("gives the same bits for 1 to 4 threads and for repeated runs", async () => {
    const before = getThreads();
    for (const sample of samples)
      for (const dtype of types) {
        setThreads(1);
        const wanted = await forward(c, sample, "cpu", dtype);
        for (const threads of [2, 3, 4, 4]) {
          setThreads(threads);
          const found = await forward(c, sample, "cpu", dtype);
          expect(found.length).toBe(wanted.length);
          found.forEach((x, k) => expectSameBits(x, wanted[k], `${threads} threads, output ${k}`));
        }
      }
    setThreads(before);
  });

  it.runIf(c.differentiate.length > 0 && order > 0)("has the gradient that differences give", () => {
    for (const sample of small) scope(() => check(c, sample, gradcheck));
  });

  it.runIf(c.differentiate.length > 0 && order > 1)("has the second gradient that differences give", () => {
    for (const sample of small) scope(() => check(c, sample, gradgradcheck));
  });

  it.runIf(c.differentiate.length > 0 && order > 0)(
    "has the reference's derivatives in f32, with poisoned outputs",
    async () => {
      for (const sample of samples) {
        const wanted = await derivatives(c, sample, "cpu", "f64", order);
        const found = await poisoned("cpu", () => derivatives(c, sample, "cpu", "f32", order));
        found.forEach((x, k) =>
          expectClose(
            x,
            wanted[k],
            50 * c.tolerance.f32,
            Math.max(0.1, scaleOf(wanted)),
            `${c.op} f32 derivative ${k}`,
          ),
        );
      }
    },
  );

  it.each((c.errors ?? []).map((e) => [e.name, e] as const))("refuses %s", (_n, e) => {
    let thrown: unknown;
    scope(() => {
      try {
        e.run();
      } catch (error) {
        thrown = error;
      }
    });
    expect(thrown).toBeInstanceOf(AtomgradError);
    expect((thrown as AtomgradError).code).toBe(e.code);
    expect((thrown as AtomgradError).message).toMatch(e.says);
  });
});

function check(c: OpCases, sample: ReturnType<OpCases["samples"]>[number], checker: typeof gradcheck): void {
  const inputs = inputsOf(sample, "cpu", "f64");
  const xs = c.differentiate.map((key) => inputs[key]);
  const f = (...variables: typeof xs) => {
    const given = { ...inputs };
    c.differentiate.forEach((key, k) => (given[key] = variables[k]));
    const out = c.run(given, sample.attrs ?? {});
    return Array.isArray(out) ? out[0] : out;
  };
  checker(f, xs);
}
