import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { readModel } from "../../src/models/deepmd/model-file.js";

/** Values of a periodic frame and an open one, as DeePMD-kit's TensorFlow backend gives them. */
interface Case {
  energy: number[];
  force: number[];
  virial: number[];
  atomEnergy: number[];
  atomVirial: number[];
  descriptor: number[];
}

const place = mkdtempSync(join(tmpdir(), "atomgrad-graphs-"));
const folder = join(import.meta.dirname, "../fixtures/deepmd/tensorflow");
const unpacked = (name: string): Buffer => gunzipSync(readFileSync(join(folder, `${name}.gz`)));

interface Fixture {
  types: number[];
  frames: Record<"coord" | "box" | "fparam" | "aparam", number[][]>;
  cases: Record<string, Case>;
}

/** Version 3.2.0 has every case, earlier ones some. */
const cases = ["", "-2.2.7", "-2.1.5"].flatMap((version) => {
  const fixture = JSON.parse(unpacked(`cases${version}.json`).toString()) as Fixture;
  return Object.entries(fixture.cases).map(([name, wanted]) => [name + version, wanted, fixture] as const);
});

/** The largest difference, relative to the largest value. */
function difference(found: ArrayLike<number>, wanted: readonly number[]): number {
  expect(found.length).toBe(wanted.length);
  const scale = wanted.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return wanted.reduce((most, x, k) => {
    const error = Math.abs(found[k] - x) / scale;
    return error > most || Number.isNaN(error) ? error : most;
  }, 0);
}

/** What is refused in one sentence: excluded neighbours that TensorFlow lets take part. */
const refused: Readonly<Record<string, RegExp>> = {
  "atten-excluded-smooth-davg": /smooth se_atten with exclude_types and a mean that is not 0/,
  "atten-strip-excluded-smooth-davg": /smooth se_atten with exclude_types and a mean that is not 0/,
  "atten-excluded-davg-2.2.7": /se_atten with exclude_types of a version before 3/,
};

/** Version 2.1.5 gives the numbers of atoms sorted by type to the atoms as they stand. */
function sortedByType(values: readonly number[], types: readonly number[]): number[] {
  const order = types.map((_, k) => k).sort((a, b) => types[a] - types[b]);
  const placed = [...values];
  order.forEach((atom, k) => (placed[atom] = values[k]));
  return placed;
}

afterAll(() => rmSync(place, { recursive: true, force: true }));

describe("frozen TensorFlow graphs give DeePMD-kit's numbers (fixtures/deepmd/tensorflow)", () => {
  it.each(cases)("%s", async (name, wanted, { types, frames }) => {
    const file = join(place, `${name}.pb`);
    writeFileSync(file, unpacked(`${name}.pb`));
    if (name in refused) return expect(DeepPot.load(file)).rejects.toThrow(refused[name]);
    const pot = await DeepPot.load(file);
    const aparamOf = (values: number[]): number[] =>
      name.endsWith("2.1.5") ? sortedByType(values, types) : values;
    const found = [
      { frame: 0, periodic: true },
      { frame: 1, periodic: false },
    ].map(({ frame, periodic }) => {
      const part = (key: keyof typeof frames): number[] => frames[key][frame];
      const options = {
        atomic: true,
        ...(name.includes("parameters") ? { fparam: part("fparam"), aparam: aparamOf(part("aparam")) } : {}),
      };
      const cells = periodic ? part("box") : null;
      const values = pot.evalSync(part("coord"), cells, types, options);
      return { ...values, descriptor: pot.evalDescriptorSync(part("coord"), cells, types, options) };
    });
    const all = (key: keyof Case): number[] => found.flatMap((values) => [...values[key]!]);
    const bound = name.endsWith("f32") ? 2e-5 : 1e-10;
    const keys = ["descriptor", "atomEnergy", "energy", "force", "virial", "atomVirial"] as const;
    for (const key of keys) expect(difference(all(key), wanted[key]), key).toBeLessThan(bound);
    pot.dispose();
  });
});

describe("what training goes on from", () => {
  it.each([
    ["atten-types-tanh", { neuron: [4, 8], activation_function: "tanh", use_tebd_bias: true }],
    ["atten", { use_tebd_bias: false }],
    ["atten-2.2.7", { use_tebd_bias: true }],
  ])("%s: the net of types stands there with its layers and biases", async (name, wanted) => {
    const file = join(place, `net-${name}.pb`);
    writeFileSync(file, unpacked(`${name}.pb`));
    const { config, weights } = await readModel(file);
    const { type_embedding: net } = config;
    expect(net).toMatchObject(wanted);
    const layers = "descriptor.type_embedding.embedding.embedding_net.layers";
    net!.neuron.forEach((width, l) => {
      expect(weights.get(`${layers}.${l}.matrix`)!.shape[1]).toBe(width);
      expect(weights.has(`${layers}.${l}.bias`)).toBe(net!.use_tebd_bias);
    });
  });

  it("what the script says of training is kept", async () => {
    const file = join(place, "script.pb");
    writeFileSync(file, unpacked("e2a.pb"));
    const { config, script } = await readModel(file);
    const said = script as Record<"descriptor" | "fitting_net", { trainable?: boolean }>;
    expect(config.fitting_net.trainable).toEqual(said.fitting_net.trainable ?? true);
    expect(config.descriptor.trainable).toEqual(said.descriptor.trainable ?? true);
  });
});
