import { beforeAll, describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { EnergyModel } from "../../src/models/deepmd/energy-model.js";
import type { Rules } from "../../src/models/deepmd/settings.js";
import { box, coords, formulaModel, types } from "./formula-model.js";

interface Case {
  descriptor: Record<string, unknown>;
  energy: number;
  atoms?: [number, number];
  force?: [number, number, number];
  rules?: Rules;
}

/** Spec deepmd 6.6, checked there against DeePMD-kit's NumPy backend. */
const cases: Record<string, Case> = {
  "A: one side": {
    descriptor: { type_one_side: true },
    energy: -4.030103773161652,
    atoms: [-2.735596521714701, 0.40633044663474005],
    force: [0.7143489138947713, -2.20754972002868, -0.16263445422337694],
  },
  "B: two sides": {
    descriptor: {},
    energy: -5.828610386080621,
    atoms: [-1.7483930170244877, -0.5685896493512256],
  },
  "C: an excluded pair": {
    descriptor: { exclude_types: [[0, 1]] },
    energy: -4.039790243323507,
    atoms: [-1.0807020890010315, -0.40147999291301106],
    force: [1.2956195985014776e-4, 1.6149366100301703e-5, -1.3580148766162863e-5],
  },
  "D: time steps": {
    descriptor: { type_one_side: true, resnet_dt: true },
    energy: -0.9649838127113437,
    atoms: [-0.3719027765870333, -0.10651219108793736],
    force: [0.11806903874554633, -0.35735082284331904, -0.03271023942233157],
  },
  "P: sel too small, PyTorch's choice": {
    descriptor: { type_one_side: true, sel: [1, 2] },
    energy: -0.21488231970737592,
  },
  "P: sel too small, TensorFlow's choice": {
    descriptor: { type_one_side: true, sel: [1, 2] },
    energy: -0.2148173545559442,
    rules: "tf",
  },
  "P2: sel too small, both choose the same": {
    descriptor: { type_one_side: true, sel: [2, 2] },
    energy: -0.389769014952277,
  },
};

function potential({ descriptor, rules = "pt" }: Pick<Case, "descriptor" | "rules">): DeepPot {
  const { config, weights } = formulaModel(descriptor, true, "se_e2_a");
  return DeepPot.of(new EnergyModel({ ...config, rules }, weights));
}

const near = (found: number, wanted: number): void =>
  expect(Math.abs(found - wanted)).toBeLessThan(1e-12 * Math.max(1, Math.abs(wanted)));

beforeAll(openCpu);

describe("se_e2_a gives the numbers of spec deepmd 6.6", () => {
  it.each(Object.entries(cases))("%s", (_name, c) => {
    const result = potential(c).evalSync(coords, box, types, { atomic: true });
    near(result.energy[0], c.energy);
    c.atoms?.forEach((e, i) => near(result.atomEnergy![i], e));
    c.force?.forEach((f, k) => near(result.force[k], f));
  });

  it("without a box", () => {
    near(potential(cases["A: one side"]).evalSync(coords, null, types).energy[0], -4.498484473828173);
    near(potential(cases["B: two sides"]).evalSync(coords, null, types).energy[0], -5.601657399521689);
  });

  it("virials of structures and atoms", () => {
    const { virial, atomVirial } = potential(cases["A: one side"]).evalSync(coords, box, types, {
      atomic: true,
    });
    const [xx, xy, xz, , yy, yz, , , zz] = virial;
    [1.8176431151043082, -0.5768414888803752, 0.3205854784198487].forEach((v, k) => near([xx, xy, xz][k], v));
    [1.3616744357790664, -0.2854880563827657, 0.756469115102234].forEach((v, k) => near([yy, yz, zz][k], v));
    const first = [
      ...[-0.6675199261810175, 0.07060911429096246, 0.5458330357122095, -0.19509426230075527],
      ...[-0.03208367649100678, 0.16979007837540594, 0.597872230952932, -0.052876127451300034],
      -0.49089938681899575,
    ];
    first.forEach((v, k) => near(atomVirial![9 + k], v));
  });

  it("virtual atoms change nothing and get 0", () => {
    const more = [...coords, 1, 1, 1, 2, 2, 2];
    const { atomEnergy, energy, force } = potential(cases["A: one side"]).evalSync(
      more,
      box,
      [...types, -1, -1],
      {
        atomic: true,
      },
    );
    near(energy[0], -4.030103773161652);
    expect([...atomEnergy!.subarray(6), ...force.subarray(18)].every((x) => x === 0)).toBe(true);
  });

  it("in f32 to 2e-5", () => {
    const { config, weights } = formulaModel({ precision: "float32" }, true, "se_e2_a");
    const single = { ...config, fitting_net: { ...config.fitting_net, precision: "float32" as const } };
    const pot = DeepPot.of(new EnergyModel(single, weights));
    const { energy } = pot.evalSync(coords, box, types);
    expect(Math.abs(energy[0] / -5.828610386080621 - 1)).toBeLessThan(2e-5);
  });
});
