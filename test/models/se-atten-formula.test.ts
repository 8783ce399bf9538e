import { beforeAll, describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { EnergyModel } from "../../src/models/deepmd/energy-model.js";
import { box, coords, formulaModel, types } from "./formula-model.js";

/** Energies of spec deepmd 6.6, cross-checked there against DeePMD-kit's NumPy backend. */
const cases: [
  id: string,
  descriptor: Record<string, unknown>,
  davg: boolean,
  energy: number,
  force0: number[],
][] = [
  [
    "E: concat, smooth",
    {},
    false,
    -1.4767897210271759,
    [-0.11781988237580514, 0.540849570877659, -0.010686787765419235],
  ],
  [
    "F: not smooth",
    { smooth_type_embedding: false },
    false,
    -1.3426725081891986,
    [-0.2193590861891733, 0.39609166274858465, 0.04456779331740948],
  ],
  [
    "G: F with davg",
    { smooth_type_embedding: false },
    true,
    -1.2589380690869332,
    [-0.44018705245775697, 0.5750435958758745, 0.16816631853274328],
  ],
  [
    "H: strip, smooth, davg",
    { tebd_input_mode: "strip" },
    true,
    -3.351999719682837,
    [-0.10316950684607663, 0.241490887909322, 0.032878714235837124],
  ],
  [
    "I: strip, not smooth, one side",
    { tebd_input_mode: "strip", smooth_type_embedding: false, type_one_side: true },
    false,
    -2.737700535979202,
    [-0.05510395319095915, 0.07713188044983944, 0.0413986094895916],
  ],
  [
    "J: temperature 1, no dotr",
    { temperature: 1.0, attn_dotr: false },
    false,
    -1.2045355655966934,
    [-0.08023909751657689, 0.4058413968463963, -0.016001449323485285],
  ],
  [
    "K: no attention",
    { attn_layer: 0 },
    false,
    -1.6406440939809004,
    [0.058469886449093594, -0.24438821498188107, -0.0036233201238350223],
  ],
  [
    "L: electron configurations",
    { use_tebd_bias: true, use_econf_tebd: true, concat_output_tebd: false },
    false,
    -3.4666553103405398,
    [-0.12610428965821827, 0.3193852383210147, 0.040472212392970455],
  ],
  [
    "M: davg, excluded pair",
    { exclude_types: [[0, 1]] },
    true,
    -1.1344718547015207,
    [-5.83762212021428e-4, -7.27635618383648e-5, 6.11875406368071e-5],
  ],
  [
    "N: no normalize, scaling 2",
    { normalize: false, scaling_factor: 2.0 },
    false,
    -1.3740715092142288,
    [-0.10008701666745685, 0.2572744442442931, 0.029819435051314434],
  ],
  ["Q: sel too small, smooth", { sel: 3 }, false, -5.050874031326124, []],
  ["Q2: sel too small, not smooth", { sel: 3, smooth_type_embedding: false }, false, -3.6031390192122608, []],
];

const noBox: [string, Record<string, unknown>, boolean, number][] = [
  ["E", {}, false, -1.3818940575577676],
  ["F", { smooth_type_embedding: false }, false, -1.3345528727406717],
  ["H", { tebd_input_mode: "strip" }, true, -3.2602196095976588],
];

function potential(descriptor: Record<string, unknown>, davg: boolean): DeepPot {
  const { config, weights } = formulaModel(descriptor, davg);
  return DeepPot.of(new EnergyModel(config, weights));
}

beforeAll(openCpu);

describe("se_atten equals DeePMD-kit (spec 6.6)", () => {
  it.each(cases)("%s", (_id, descriptor, davg, energy, force0) => {
    const pot = potential(descriptor, davg);
    const result = pot.evalSync(coords, box, types, { atomic: true });
    expect(Math.abs(result.energy[0] - energy)).toBeLessThan(1e-10);
    force0.forEach((f, k) => expect(Math.abs(result.force[k] - f)).toBeLessThan(1e-10));
    const total = result.atomEnergy!.reduce((a, b) => a + b, 0);
    expect(Math.abs(total - energy)).toBeLessThan(1e-10);
  });

  it.each(noBox)("%s without a box", (_id, descriptor, davg, energy) => {
    const result = potential(descriptor, davg).evalSync(coords, null, types);
    expect(Math.abs(result.energy[0] - energy)).toBeLessThan(1e-10);
  });

  it("E: virial and atomic virial", () => {
    const { virial, atomVirial } = potential({}, false).evalSync(coords, box, types, { atomic: true });
    const wanted = [-0.9062630149685884, -0.20467863246775447, 0.49294863430313496, -0.20467863246775478];
    wanted.forEach((v, k) => expect(Math.abs(virial[k] - v)).toBeLessThan(1e-10));
    const atom1 = [
      -0.1347439753055673, 0.0871777128315804, 0.09598728901633702, 0.0024323756501906874,
      0.004558520946719039, -0.0029262574734600774, 0.11286349273310187, -0.07359348810843289,
      -0.08028897153309547,
    ];
    atom1.forEach((v, k) => expect(Math.abs(atomVirial![9 + k] - v)).toBeLessThan(1e-10));
  });

  it("virtual atoms change nothing and get 0", () => {
    const more = Float64Array.of(...coords, 1, 1, 1, 2, 2, 2);
    const result = potential({}, false).evalSync(more, box, [...types, -1, -1], { atomic: true });
    expect(Math.abs(result.energy[0] - -1.4767897210271759)).toBeLessThan(1e-10);
    expect([...result.atomEnergy!.subarray(6)]).toEqual([0, 0]);
    expect([...result.force.subarray(18)].map(Math.abs)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it("in f32 to 2e-5", () => {
    for (const [, descriptor, davg, energy] of cases.slice(0, 1)) {
      const pot = potential({ ...descriptor, precision: "float32" }, davg);
      expect(Math.abs(pot.evalSync(coords, box, types).energy[0] - energy)).toBeLessThan(
        2e-5 * Math.abs(energy),
      );
    }
  });
});
