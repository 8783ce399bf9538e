import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { openWebGpu } from "../../src/backends/webgpu/webgpu.js";
import { graphOf } from "../../src/models/deepmd/build-graph.js";
import { EnergyModel } from "../../src/models/deepmd/energy-model.js";
import { frameList } from "../../src/models/deepmd/frames.js";
import { predict } from "../../src/models/deepmd/prediction.js";
import type { DeviceName } from "../../src/tensor/backend.js";
import { memory, setDefaultDevice } from "../../src/tensor/device.js";
import { scopeAsync } from "../../src/tensor/scope.js";
import { absence } from "../ops/device-matrix.js";
import { close, type FixtureCase, modelOf, readFixture } from "./deepmd-fixture.js";

openCpu();
const absent = await absence(openWebGpu);

type Results = readonly [energy: Float64Array, force: Float64Array, virial: Float64Array];

/** Energy, forces and virial of a case in float32 nets on a device. */
async function evaluate(
  device: DeviceName,
  fixture: ReturnType<typeof readFixture>,
  name: string,
): Promise<Results> {
  setDefaultDevice(device);
  const { config, weights } = modelOf(fixture, name);
  const { coord, types, box, fparam, aparam } = fixture.cases[name];
  const precision = "float32" as const;
  const model = new EnergyModel(
    {
      ...config,
      descriptor: { ...config.descriptor, precision },
      fitting_net: { ...config.fitting_net, precision },
    },
    weights,
  );
  const given = { fparam: fparam ?? undefined, aparam: aparam ?? undefined };
  const frames = frameList(coord, box, types, given, model.parameterCounts).slice(0, 1);
  try {
    return await scopeAsync(async () => {
      const p = predict(model, graphOf(model, frames), { createGraph: false, virial: true });
      const read = [p.energy, p.force, p.virial!].map(async (t) => Float64Array.from(await t.data()));
      return (await Promise.all(read)) as unknown as Results;
    });
  } finally {
    model.dispose();
  }
}

const suites = ["options.json", "energies.json"].map((file) => [file, readFixture(file)] as const);

describe.skipIf(absent !== undefined).each(suites)(
  `models of %s on webgpu${absent === undefined ? "" : ` (${absent})`}`,
  (_file, fixture) => {
    const cases: [string, FixtureCase][] = Object.entries(fixture.cases);
    let tensors: number;
    beforeAll(() => (tensors = memory("webgpu").tensors));
    afterAll(() => {
      setDefaultDevice("cpu");
    });

    it.each(cases)("%s gives DeePMD-kit's numbers and the CPU's in f32", async (name, c) => {
      const [energy, force, virial] = await evaluate("webgpu", fixture, name);
      close(energy, [c.energy], 5e-5);
      close(force, c.force, 5e-5);
      close(virial, c.virial, 5e-5);
      const cpu = await evaluate("cpu", fixture, name);
      [energy, force, virial].forEach((found, k) => close(found, [...cpu[k]], 2e-5));
      expect(memory("webgpu").tensors).toBe(tensors);
    });
  },
);
