import { beforeAll, describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { fromNamedModel, toNamedModel } from "../../src/models/deepmd/serialize/named-weights.js";
import { readModelTree } from "../../src/models/deepmd/serialize/from-tree.js";
import { modelTree } from "../../src/models/deepmd/serialize/to-tree.js";
import { close, type FixtureCase, modelOf, potentialOf, readFixture, singleOf } from "./deepmd-fixture.js";

const fixture = readFixture("energies.json");
const cases = Object.entries(fixture.cases);

const parameters = ({ fparam, aparam }: FixtureCase) => ({
  fparam: fparam ?? undefined,
  aparam: aparam ?? undefined,
});

beforeAll(openCpu);

describe("se_e2_a and every option of fitting nets against DeePMD-kit 3.2 (fixtures/deepmd/energies.json)", () => {
  it.each(cases)("%s", (name, c) => {
    const pot = potentialOf(modelOf(fixture, name));
    const result = pot.evalSync(c.coord, c.box, c.types, { atomic: true, ...parameters(c) });
    close(result.energy, [c.energy], 1e-10);
    close(result.force, c.force, 1e-10);
    close(result.virial, c.virial, 1e-10);
    close(result.atomEnergy!, c.atomEnergy, 1e-10);
    close(result.atomVirial!, c.atomVirial, 1e-10);
    close(pot.evalDescriptorSync(c.coord, c.box, c.types, parameters(c)), c.descriptor, 1e-10);
    pot.dispose();
  });

  it.each(cases)("%s in f32", (name, c) => {
    const pot = singleOf(modelOf(fixture, name));
    const { energy, force, virial } = pot.evalSync(c.coord, c.box, c.types, parameters(c));
    close(energy, [c.single.energy], 2e-5);
    close(force, c.single.force, 2e-5);
    close(virial, c.single.virial, 2e-5);
    pot.dispose();
  });

  it.each(cases)("%s written as a model file and read again", (name) => {
    const model = modelOf(fixture, name);
    const again = toNamedModel(readModelTree(modelTree(fromNamedModel(model, {})), name), name);
    expect([...again.weights.keys()].sort()).toEqual([...model.weights.keys()].sort());
    for (const [key, { data }] of model.weights) expect(again.weights.get(key)!.data).toEqual(data);
    expect({ ...again.config, preset_out_bias: null }).toEqual({ ...model.config, preset_out_bias: null });
  });

  it("parameters that are missing or do not fit are errors", () => {
    const c = fixture.cases["both-parameters"];
    const pot = potentialOf(modelOf(fixture, "both-parameters"));
    const run = (options: object) => () => pot.evalSync(c.coord, c.box, c.types, options);
    expect(run({ aparam: c.aparam })).toThrow(/fparam is missing: the model needs 2 numbers per frame/);
    expect(run({ fparam: c.fparam })).toThrow(/aparam is missing: the model needs 1 numbers per atom/);
    expect(run({ fparam: [1], aparam: c.aparam })).toThrow(/fparam has 1 numbers; 2 per frame are needed/);
    pot.dispose();
  });
});
