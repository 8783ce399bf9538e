import { unzipSync, zipSync } from "fflate";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readNpyFloat64 } from "../../src/data/npy.js";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { descriptorOfSystem, evalSystem, readSystemFor } from "../../src/models/deepmd/eval-system.js";
import { type ModelFile, readModel } from "../../src/models/deepmd/model-file.js";
import { temporaryFolder } from "../data/temporary-folder.js";

const fixtures = join(import.meta.dirname, "../fixtures/deepmd/model-commands");
const shared = join(import.meta.dirname, "../../../shared/data/weights-deepmd");
const absent = !existsSync(shared);
const frozen = join(shared, "frozen-tf");

/** The largest difference, relative to the largest value. */
function difference(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  expect(found.length).toBe(wanted.length);
  let [most, scale] = [0, 1];
  for (let k = 0; k < wanted.length; k++) {
    const error = Math.abs(found[k] - wanted[k]);
    most = error > most || Number.isNaN(error) ? error : most;
    scale = Math.max(scale, Math.abs(wanted[k]));
  }
  return most / scale;
}

interface PublishedResult {
  coord: number[];
  atype: number[];
  box?: number[];
  atomic_energy: number[];
  force: number[];
  atomic_virial: number[];
}

/** A TorchScript archive whose script has no settings but a few: their names begin with `_`, as comments do. */
function withoutSettings(archive: Uint8Array): Uint8Array {
  const entries = Object.entries(unzipSync(archive)).map(([name, bytes]) => {
    if (!name.endsWith("/data.pkl")) return [name, bytes] as const;
    const text = Buffer.from(bytes).toString("latin1");
    const from = text.indexOf('"descriptor": {') + '"descriptor": {'.length;
    const to = text.indexOf("}", from);
    const fewer = text.slice(from, to).replace(/"(?!type"|sel"|precision")\w(\w+)": /g, '"_$1": ');
    return [name, Buffer.from(text.slice(0, from) + fewer + text.slice(to), "latin1")] as const;
  });
  return zipSync(Object.fromEntries(entries), { level: 0 });
}

describe("TorchScript models", () => {
  it.each(["frozen1", "frozen3"])("%s.pth holds what %s.dp holds", async (name) => {
    const [torch, neutral] = [
      await readModel(join(fixtures, `${name}.pth`)),
      await readModel(join(fixtures, `${name}.dp`)),
    ];
    expect([...torch.weights.keys()].sort()).toEqual([...neutral.weights.keys()].sort());
    for (const [key, { data }] of neutral.weights) expect(torch.weights.get(key)!.data, key).toEqual(data);
    const pots = [
      await DeepPot.load(join(fixtures, `${name}.pth`)),
      await DeepPot.load(join(fixtures, `${name}.dp`)),
    ];
    const results = pots.map((pot) =>
      evalSystem(pot, readSystemFor(pot, join(fixtures, "data/plain")), { atomic: true }),
    );
    expect(results[0]).toEqual(results[1]);
    expect(torch.script).toMatchObject({ type_map: ["Nb", "Mo", "Ta", "W"] });
    expect(torch.minDistance).toBe(neutral.minDistance);
  });

  it.skipIf(absent)("deeppot_sea.pth is deeppot_sea.yaml (needs the shared model files)", async () => {
    const [torch, yaml] = [
      await readModel(join(shared, "deeppot_sea.pth")),
      await readModel(join(shared, "deeppot_sea.yaml")),
    ];
    for (const [key, { data }] of yaml.weights) expect(torch.weights.get(key)?.data, key).toEqual(data);
    const without = ({ config }: ModelFile): object => ({
      descriptor: { ...config.descriptor, seed: null },
      fitting: { ...config.fitting_net, seed: null, trainable: true },
    });
    expect(without(torch)).toEqual(without(yaml));
  });

  it.skipIf(absent)(
    "deeppot_sea.pth gives the numbers published for deeppot_sea.yaml (needs the shared model files)",
    async () => {
      const pot = await DeepPot.load(join(shared, "deeppot_sea.pth"));
      const same = await DeepPot.load(join(shared, "deeppot_sea.yaml"));
      const { results } = JSON.parse(readFileSync(join(shared, "deeppot-testcase.json"), "utf8")) as {
        results: PublishedResult[];
      };
      for (const wanted of results) {
        const found = pot.evalSync(wanted.coord, wanted.box ?? null, wanted.atype, { atomic: true });
        expect(difference(found.atomEnergy!, wanted.atomic_energy)).toBeLessThan(1e-10);
        expect(difference(found.force, wanted.force)).toBeLessThan(1e-10);
        expect(difference(found.atomVirial!, wanted.atomic_virial)).toBeLessThan(1e-10);
        const others = same.evalSync(wanted.coord, wanted.box ?? null, wanted.atype, { atomic: true });
        expect(found).toEqual(others);
      }
      pot.dispose();
      same.dispose();
    },
  );

  it("settings that the script leaves out stand in the model", async () => {
    const path = join(temporaryFolder(), "old.pth");
    writeFileSync(path, withoutSettings(readFileSync(join(fixtures, "frozen1.pth"))));
    const [old, whole] = [await readModel(path), await readModel(join(fixtures, "frozen1.pth"))];
    const { descriptor: said } = old.script as { descriptor: object };
    const known = Object.keys(said).filter((key) => !key.startsWith("_"));
    expect(known.sort()).toEqual(["precision", "sel", "type"]);
    const { seed } = old.config.descriptor;
    expect(old.config.descriptor).toEqual({ ...whole.config.descriptor, seed });
    expect(old.config.fitting_net).toMatchObject({ neuron: [8, 8], resnet_dt: true });
  });

  it.skipIf(absent)("a descriptor alone is refused (needs the shared model files)", async () => {
    await expect(readModel(join(shared, "dpa1.pth"))).rejects.toThrow(/dpa1\.pth: holds no energy model/);
  });
});

describe("frozen TensorFlow graphs", () => {
  const models = absent ? [] : readdirSync(join(frozen, "models"));
  const cases = models.flatMap((file) =>
    ["w192", "wtri", "wtiny", "wopen"].map((system) => [file.replace(".pb", ""), system]),
  );

  it.skipIf(absent)("are there (needs the shared frozen graphs)", () => expect(cases.length).toBe(8));

  it.each(cases)("%s gives DeePMD-kit's numbers for %s", async (name, system) => {
    const pot = await DeepPot.load(join(frozen, "models", `${name}.pb`));
    const data = readSystemFor(pot, join(frozen, "systems", system));
    const found = evalSystem(pot, data, { atomic: true });
    const place = join(frozen, "ref", name, system);
    const wanted = (file: string): Float64Array => readNpyFloat64(join(place, `${file}.npy`)).data;
    expect(difference(found.energy, wanted("energy"))).toBeLessThan(1e-12);
    expect(difference(found.atomEnergy!, wanted("atom_energy"))).toBeLessThan(1e-10);
    expect(difference(found.force, wanted("force"))).toBeLessThan(1e-10);
    expect(difference(found.virial, wanted("virial"))).toBeLessThan(1e-10);
    expect(difference(found.atomVirial!, wanted("atom_virial"))).toBeLessThan(1e-10);
    if (existsSync(join(place, "descriptor.npy")))
      expect(difference(descriptorOfSystem(pot, data), wanted("descriptor"))).toBeLessThan(1e-10);
    pot.dispose();
  });

  it.skipIf(absent)(
    "an early graph needs the names of its types (needs the shared model files)",
    async () => {
      const graph = join(shared, "cu_graph.000.pb");
      await expect(DeepPot.load(graph)).rejects.toThrow(
        /cu_graph\.000\.pb: the graph does not name its 1 types/,
      );
      const pot = await DeepPot.load(graph, { typeMap: ["Cu"] });
      const a = 3.61;
      const corners = [0, 0, 0, 0, a / 2, a / 2, a / 2, 0, a / 2, a / 2, a / 2, 0];
      const { energy, force } = pot.evalSync(corners, [a, 0, 0, 0, a, 0, 0, 0, a], [0, 0, 0, 0]);
      // The cohesive energy of copper that DFT (PBE) gives is about 3.5 to 3.7 eV.
      expect(energy[0] / 4).toBeGreaterThan(-4.5);
      expect(energy[0] / 4).toBeLessThan(-3);
      expect(Math.max(...force.map(Math.abs))).toBeLessThan(1e-9);
      pot.dispose();
    },
  );

  it.skipIf(absent)("text form: the numbers published with it (needs the shared model files)", async () => {
    const pot = await DeepPot.load(join(shared, "deeppot.pbtxt"));
    const { results } = JSON.parse(readFileSync(join(shared, "deeppot-testcase.json"), "utf8")) as {
      results: { coord: number[]; atype: number[]; box: number[] }[];
    };
    const { coord, atype, box } = results[0];
    const { atomEnergy } = pot.evalSync(coord, box, atype, { atomic: true });
    const published = [
      ...[-92.75780747115504, -186.3501786584258, -186.3392472863538],
      ...[-92.79281325486221, -186.3671545232154, -186.3619822847602],
    ];
    expect(difference(atomEnergy!, published)).toBeLessThan(1e-14);
  });
});
