import { beforeAll, expect, it } from "vitest";
import { cases } from "../../kernels/radial_basis/cases.js";
import {
  legendreDotOp,
  legendreOp,
  sphericalBesselDotOp,
  sphericalBesselOp,
} from "../../kernels/radial_basis/op.js";
import { cases as basisCases } from "../../kernels/spherical_basis/cases.js";
import { sphericalBasisOp } from "../../kernels/spherical_basis/op.js";
import type { Op } from "../../src/autograd/define-op.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import type { OpCases } from "../../src/testing/cases.js";
import { Samples } from "../../src/testing/samples.js";
import { scaleOf } from "./derivatives.js";
import { derivatives, expectClose, forward } from "./matrix.js";

beforeAll(() => openCpu());

/** The same cases on an op's elementary parts, which devices without its kernel run. */
function byParts(op: Op, c: OpCases): OpCases {
  const run: OpCases["run"] = (inputs, attrs) => {
    const { backend } = Object.values(inputs)[0].device;
    const supports = backend.supports.bind(backend);
    backend.supports = (kernel, dtype) =>
      kernel !== op.kernel && !family.some((o) => o.kernel === kernel) && supports(kernel, dtype);
    try {
      return c.run(inputs, attrs);
    } finally {
      Reflect.deleteProperty(backend, "supports");
    }
  };
  return { ...c, run };
}
const family = [sphericalBesselOp, sphericalBesselDotOp, legendreOp, legendreDotOp, sphericalBasisOp];

it.each(family.map((op) => [op.name, op] as const))(
  "%s by its parts is its kernel, with two derivatives",
  async (name, op) => {
    const c = [...cases, ...basisCases].find((one) => one.op === name)!;
    // P_0 is constant: its parts have no gradient at all.
    const samples = c.samples(new Samples(1)).filter((s) => s.large !== true && s.attrs!.degrees !== 1);
    for (const sample of samples)
      for (const [dtype, tolerance] of [
        ["f64", 1e-12],
        // The recurrence starts from sines in f32, of arguments up to 40.
        ["f32", 2e-4],
      ] as const) {
        const results = async (on: OpCases) => [
          ...(await forward(on, sample, "cpu", dtype)),
          ...(await derivatives(on, sample, "cpu", dtype, 2)),
        ];
        const [found, wanted] = [await results(byParts(op, c)), await results(c)];
        expect(found.length).toBe(wanted.length);
        found.forEach((x, k) =>
          expectClose(x, wanted[k], tolerance, Math.max(0.1, scaleOf([wanted[k]])), `${name} ${dtype} ${k}`),
        );
      }
  },
);
