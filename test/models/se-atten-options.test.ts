import { beforeAll, describe, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { close, modelOf, potentialOf, readFixture, singleOf } from "./deepmd-fixture.js";

const fixture = readFixture("options.json");

beforeAll(openCpu);

describe("se_atten options against DeePMD-kit 3.2 (fixtures/deepmd/options.json)", () => {
  it.each(Object.entries(fixture.cases))("%s", (name, c) => {
    const pot = potentialOf(modelOf(fixture, name));
    const result = pot.evalSync(c.coord, c.box, c.types, { atomic: true });
    close(result.energy, [c.energy], 1e-10);
    close(result.force, c.force, 1e-10);
    close(result.virial, c.virial, 1e-10);
    close(result.atomEnergy!, c.atomEnergy, 1e-10);
    close(result.atomVirial!, c.atomVirial, 1e-10);
    close(pot.evalDescriptorSync(c.coord, c.box, c.types), c.descriptor, 1e-10);
    pot.dispose();
  });

  it.each(Object.entries(fixture.cases))("%s in f32", (name, c) => {
    const pot = singleOf(modelOf(fixture, name));
    const { energy, force, virial } = pot.evalSync(c.coord, c.box, c.types);
    close(energy, [c.single.energy], 2e-5);
    close(force, c.single.force, 2e-5);
    close(virial, c.single.virial, 2e-5);
    pot.dispose();
  });
});
