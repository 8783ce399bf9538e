import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { DeepPot } from "../../src/models/deepmd/deep-pot.js";
import { close } from "../models/deepmd-fixture.js";
import { parseDeepmdInput } from "../../src/models/deepmd/config/deepmd-input.js";
import { checkModelConfig } from "../../src/models/deepmd/serialize/model-config.js";
import { readModelTree } from "../../src/models/deepmd/serialize/from-tree.js";
import { formatDpTree, parseDpTree } from "../../src/models/deepmd/serialize/hdf5.js";
import { fromNamedModel, toNamedModel } from "../../src/models/deepmd/serialize/named-weights.js";
import { readDeepmdModel, readDeepmdTree } from "../../src/models/deepmd/serialize/read-model.js";
import type { SeAttenWeights } from "../../src/models/deepmd/serialize/weights.js";
import { modelTree } from "../../src/models/deepmd/serialize/to-tree.js";
import { isArray, ndArray } from "../../src/models/deepmd/serialize/tree.js";
import type { NdArray, Tree, TreeSection } from "../../src/models/deepmd/serialize/tree.js";
import { writeDeepmdModel, writeDeepmdTree } from "../../src/models/deepmd/serialize/write-model.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { errorOf } from "../data/expect-error.js";
import { put, temporaryFolder } from "../data/temporary-folder.js";

const fixtures = join(import.meta.dirname, "../fixtures");
const shared = join(import.meta.dirname, "../../../shared/data/weights-deepmd");
const noShared = !existsSync(shared);
const folder = temporaryFolder();
const files = ["deepmd-models", "deepmd"].flatMap((name) =>
  readdirSync(join(fixtures, name))
    .filter((file) => file.endsWith(".dp"))
    .map((file) => join(fixtures, name, file)),
);
const parameters = join(fixtures, "deepmd-models/v2-parameters.dp");
const electrons = join(fixtures, "deepmd-models/float32-electrons.dp");
const attention = join(fixtures, "deepmd/train10-concat-smooth.dp");

async function rejection(run: () => Promise<unknown>): Promise<AtomgradError> {
  try {
    await run();
  } catch (error) {
    return errorOf(() => {
      throw error;
    });
  }
  throw new Error("nothing was thrown");
}

/** A copy of a tree with one value replaced (undefined: removed). */
function changed(tree: Tree, path: string, value: Tree | undefined): Tree {
  const [key, ...rest] = path.split("/");
  const section = tree as Record<string, Tree>;
  if (Array.isArray(tree)) {
    return tree.map((item: Tree, k) => (k === Number(key) ? changed(item, rest.join("/"), value) : item));
  }
  if (rest.length > 0) return { ...section, [key]: changed(section[key], rest.join("/"), value) };
  if (value !== undefined) return { ...section, [key]: value };
  return Object.fromEntries(Object.entries(section).filter(([name]) => name !== key));
}

function at(tree: Tree, path: string): Tree {
  return path.split("/").reduce((value: Tree, key) => (value as TreeSection)[key], tree);
}

describe("models of DeePMD-kit 3.2", () => {
  it("finds the fixtures", () => {
    expect(files.length).toBeGreaterThanOrEqual(7);
  });

  it.each(files.map((file) => [file.split("/").at(-1)!, file]))(
    "%s: written as it was read",
    async (_, file) => {
      const tree = (await readDeepmdTree(file)) as TreeSection;
      expect(modelTree(readModelTree(tree, "m.dp")).model).toEqual(tree.model);
      const named = await readDeepmdModel(file);
      for (const ending of [".dp", ".yaml"]) {
        const path = join(folder, `copy${ending}`);
        await writeDeepmdModel(path, named, { software: "atomgrad", version: "1.0" });
        const { script, ...again } = await readDeepmdModel(path);
        expect({ ...again, script: named.script }).toEqual(named);
        expect(script).toMatchObject({ type_map: named.config.type_map });
        expect(((await readDeepmdTree(path)) as TreeSection).model).toEqual(tree.model);
        expect(readModelTree(await readDeepmdTree(path), "m").origin.software).toBe("atomgrad");
      }
    },
  );

  it("reads the same from .yaml and .dp", async () => {
    const yaml = await readDeepmdModel(attention.replace(".dp", ".yaml"));
    expect(yaml).toEqual(await readDeepmdModel(attention));
  });

  it("gives settings, weights and statistics by name", async () => {
    const { config, weights, minDistance } = await readDeepmdModel(parameters);
    expect(config.descriptor).toMatchObject({
      type: "se_atten_v2",
      tebd_input_mode: "strip",
      smooth_type_embedding: true,
    });
    expect(config).toMatchObject({
      pair_exclude_types: [[0, 1]],
      atom_exclude_types: [1],
      type_map: ["O", "H"],
    });
    expect(config.fitting_net).toMatchObject({
      numb_fparam: 1,
      atom_ener: [-1, null],
      default_fparam: [0.5],
    });
    expect(minDistance).toBe(0.75);
    const shape = (name: string): readonly number[] | undefined => weights.get(name)?.shape;
    expect(shape("descriptor.se_atten.filter_layers.networks.0.layers.0.matrix")).toEqual([1, 2]);
    expect(shape("descriptor.se_atten.filter_layers_strip.networks.0.layers.0.matrix")).toEqual([4, 2]);
    expect(
      shape("descriptor.se_atten.dpa1_attention.attention_layers.0.attention_layer.in_proj.matrix"),
    ).toEqual([4, 9]);
    expect(shape("descriptor.se_atten.mean")).toEqual([2, 4]);
    expect(shape("fitting_net.filter_layers.networks.0.layers.1.idt")).toEqual([4]);
    expect(shape("fitting_net.aparam_avg")).toEqual([2]);
    expect(shape("out_bias")).toEqual([2]);
    expect(weights.has("descriptor.type_embedding.embedding.embedding_net.layers.0.bias")).toBe(false);
  });

  it("keeps float32 numbers exact", async () => {
    const { config, weights } = await readDeepmdModel(electrons);
    expect(config.descriptor.precision).toBe("float32");
    const matrix = weights.get("descriptor.type_embedding.embedding.embedding_net.layers.0.matrix")!;
    expect(matrix.shape).toEqual([118, 4]);
    expect(matrix.data.every((value) => Math.fround(value) === value)).toBe(true);
  });

  it("keeps a configuration through text", async () => {
    for (const file of files) {
      const { config } = await readDeepmdModel(file);
      expect(checkModelConfig(JSON.stringify(config), "m.safetensors")).toEqual(config);
    }
    const text = readFileSync(join(fixtures, "deepmd-config/cases.json"), "utf8");
    const cases = JSON.parse(text) as Record<string, { input: unknown }>;
    for (const name of ["attention", "strip"]) {
      const { model } = parseDeepmdInput(JSON.stringify(cases[name].input), "input.json").input;
      expect(checkModelConfig(JSON.stringify(model), "m.safetensors")).toEqual(model);
    }
  });

  it("names what is wrong in a configuration", () => {
    const check = (model: unknown): string =>
      errorOf(() => checkModelConfig(JSON.stringify(model), "m.st")).message;
    expect(check({ type_map: ["O"], descriptor: { type: "dpa1" } })).toMatch(
      /^m\.st: model\.descriptor\.sel: is missing/,
    );
    expect(check({ type_map: ["O"], descriptor: { type: "dpa2" } })).toMatch(
      /descriptor "dpa2" is not supported/,
    );
    expect(check({ type: "frozen" })).toMatch(/model\.type: found "frozen"; "standard" is needed/);
    expect(check([])).toMatch(/m\.st: model: found a list; a section is needed/);
    expect(errorOf(() => checkModelConfig("{", "m.st")).message).toMatch(/not JSON; the file is damaged/);
  });
});

describe.skipIf(noShared)("older models (skipped without ../shared/data)", () => {
  it("reads any tree, anchors included", async () => {
    const sea = await readDeepmdTree(join(shared, "deeppot_sea.yaml"));
    const davg = at(sea, "model/descriptor/@variables/davg") as NdArray;
    expect(davg).toMatchObject({ dtype: "float64", shape: [2, 138, 4] });
    expect(davg.data[0]).toBe(0.05033023990415701);
    const r = (await readDeepmdTree(join(shared, "deeppot-r.yaml"))) as TreeSection;
    expect(at(r, "model/descriptor/type")).toBe("se_r");
    const dp = await readDeepmdTree(join(shared, "deeppot.dp"));
    expect(at(dp, "model/descriptor/@variables/davg")).toMatchObject({ dtype: "float64" });
    expect(at(dp, "model/@version")).toBe(1);
  });

  it("refuses other descriptors in one sentence", async () => {
    const r = await rejection(() => readDeepmdModel(join(shared, "deeppot-r.yaml")));
    expect(r.message).toMatch(/^deeppot-r\.yaml: .*"se_r" is not supported; se_atten/);
  });

  it("computes se_e2_a as the file's own test results say", async () => {
    openCpu();
    const { results } = JSON.parse(readFileSync(join(shared, "deeppot-testcase.json"), "utf8")) as {
      results: {
        coord: number[];
        atype: number[];
        box: number[] | null;
        atomic_energy: number[];
        force: number[];
        atomic_virial: number[];
        descriptor?: number[];
      }[];
    };
    const pot = await DeepPot.load(join(shared, "deeppot_sea.yaml"));
    for (const { coord, atype, box, ...wanted } of results) {
      const found = pot.evalSync(coord, box, atype, { atomic: true });
      close(found.atomEnergy!, wanted.atomic_energy, 1e-14);
      close(found.force, wanted.force, 1e-13);
      close(found.atomVirial!, wanted.atomic_virial, 1e-13);
      if (wanted.descriptor) close(pot.evalDescriptorSync(coord, box, atype), wanted.descriptor, 1e-13);
    }
    pot.dispose();
  });

  it("reads se_e2_a of version 1", async () => {
    const { config } = await readDeepmdModel(join(shared, "deeppot.dp"));
    expect(config.descriptor.type).toBe("se_e2_a");
  });

  it("writes them back", async () => {
    for (const name of ["deeppot_sea.yaml", "deeppot-r.yaml", "deeppot.dp"]) {
      const tree = (await readDeepmdTree(join(shared, name))) as TreeSection;
      for (const ending of [".yaml", ".dp"]) {
        await writeDeepmdTree(join(folder, `old${ending}`), tree);
        expect(await readDeepmdTree(join(folder, `old${ending}`))).toEqual(tree);
      }
    }
  });
});

describe("older versions of the sections", () => {
  it("fills in what they did not write", async () => {
    let tree = await readDeepmdTree(attention);
    for (const key of ["@variables/out_bias", "@variables/out_std"])
      tree = changed(tree, `model/${key}`, undefined);
    tree = changed(tree, "model/@version", 1);
    tree = changed(tree, "model/fitting/@version", 1);
    for (const key of ["dim_case_embd", "default_fparam"])
      tree = changed(tree, `model/fitting/${key}`, undefined);
    const data = readModelTree(tree, "m");
    expect([...data.outBias.data]).toEqual(data.typeMap.map(() => 0));
    expect([...data.outStd.data]).toEqual(data.typeMap.map(() => 1));
    expect(data.fitting.config).toMatchObject({ dim_case_embd: 0, default_fparam: null });
  });

  it("takes a descriptor of version 1 without use_tebd_bias as one with bias", async () => {
    const tree = changed(await readDeepmdTree(electrons), "model/descriptor/@version", 1);
    const old = changed(tree, "model/descriptor/use_tebd_bias", undefined);
    expect(readModelTree(old, "m").descriptor.config).toMatchObject({ use_tebd_bias: true });
  });
});

describe("wrong model files", () => {
  const layer = "model/descriptor/embeddings/networks/0/layers/0/@variables";
  const wrong: [string, Tree | undefined, RegExp][] = [
    ["model", undefined, /^m\.dp: model: is missing; a section is needed/],
    ["model/type", "linear", /model\.type: the model type "linear" is not supported; "standard" is/],
    ["model/@version", 3, /model\.@version: Model of version 3; versions 1, 2 can be read/],
    ["model/type_map", "O H", /model\.type_map: found "O H"; a list of texts is needed/],
    ["model/descriptor/type", "dpa2", /descriptor\.type: the descriptor "dpa2" is not supported; se_atten/],
    ["model/descriptor/compress", {}, /compress: compressed models are not supported/],
    ["model/descriptor/@version", 4, /lmax: only the classic se_atten/],
    ["model/descriptor/@version", 9, /Descriptor of version 9; versions 2, 1 can be read/],
    ["model/descriptor/attn_mask", true, /attn_mask: masking an atom's attention/],
    [
      "model/descriptor/precision",
      "float8",
      /precision: models in float8 are not supported; float16, float32/,
    ],
    ["model/descriptor/rcut", "6", /descriptor\.rcut: found "6"; a number is needed/],
    ["model/descriptor/attn_layer", 7, /attention_layers: \d layers, but attn_layer is 7/],
    ["model/descriptor/neuron", [4], /embeddings\.networks\[0\]\.layers: \d layers; 1 are needed/],
    [
      "model/descriptor/@variables/davg",
      ndArray([2, 4], new Float64Array(8)),
      /davg: an array of shape \[2, 4\]; \[4, \d+, 4\] is needed/,
    ],
    ["model/descriptor/@variables/davg", undefined, /davg: is missing; an array of shape/],
    [`${layer}/w`, null, /layers\[0\]\.@variables\.w: found null; an array of shape/],
    [`${layer}/w`, ndArray([1, 1], [NaN]), /@variables\.w: an array of shape \[1, 1\]/],
    ["model/fitting/type", "dipole", /fitting\.type: the fitting net "dipole" is not supported; "ener" is/],
    ["model/fitting/exclude_types", [1], /fitting\.exclude_types: types left out by the fitting net alone/],
    ["model/fitting/mixed_types", false, /mixed_types: separate nets for each type/],
    ["model/fitting/dim_descrpt", 3, /dim_descrpt: found 3, but the descriptor is \d+ wide/],
    ["model/fitting/dim_case_embd", 2, /dim_case_embd: models of multi-task training/],
    ["model/fitting/nets/ndim", 1, /nets\.networks: separate nets for each type/],
    ["model/fitting/atom_ener", ["a"], /atom_ener: found "a" in a list of numbers/],
  ];

  it.each(wrong)("%s = %j", async (path, value, says) => {
    const tree = changed(await readDeepmdTree(attention), path, value);
    const error = errorOf(() => readModelTree(tree, "m.dp"));
    expect(error.message).toMatch(says);
    expect(error.message).toMatch(/^m\.dp: /);
    expect(error.message.split("\n").length).toBe(1);
  });

  it("finds NaN weights", async () => {
    const tree = await readDeepmdTree(attention);
    const { shape, data } = at(tree, "model/descriptor/@variables/dstd") as NdArray;
    const broken = ndArray(
      shape,
      data.map((value, k) => (k === 5 ? NaN : value)),
    );
    const run = (): unknown => readModelTree(changed(tree, "model/descriptor/@variables/dstd", broken), "m");
    expect(errorOf(run).message).toMatch(/dstd: entry 5 is NaN; the model is damaged/);
  });

  it("says what the model code cannot express", async () => {
    const data = readModelTree(await readDeepmdTree(attention), "m");
    const davg = ndArray(
      data.descriptor.davg.shape,
      data.descriptor.davg.data.map((value, k) => value + (k === 8 ? 1 : 0)),
    );
    const uneven = { ...data, descriptor: { ...data.descriptor, davg } };
    expect(errorOf(() => toNamedModel(uneven, "m.dp")).message).toMatch(
      /m\.dp: .*davg: the statistics of slot 2 differ/,
    );
    const attentive = data.descriptor as SeAttenWeights;
    const typeEmbedding = attentive.typeEmbedding.map((layer) => ({ ...layer, activation: "tanh" }));
    const curved = { ...data, descriptor: { ...attentive, typeEmbedding } };
    expect(errorOf(() => toNamedModel(curved, "m")).message).toMatch(
      /several or nonlinear layers \(from TensorFlow\)/,
    );
    const named = toNamedModel(data, "m");
    named.weights.delete("out_bias");
    expect(errorOf(() => fromNamedModel(named, {})).message).toMatch(/weight out_bias is missing/);
  });

  it("names endings and missing files", async () => {
    expect((await rejection(() => readDeepmdModel("x.pth"))).message).toMatch(/^x\.pth: .*end in \.yaml/);
    expect((await rejection(() => readDeepmdModel(join(folder, "none.dp")))).message).toMatch(
      /^none\.dp: cannot read/,
    );
    const named = await readDeepmdModel(attention);
    expect((await rejection(() => writeDeepmdModel("x.pb", named, {}))).message).toMatch(/^x\.pb: /);
  });
});

describe("hostile .dp files", () => {
  const original = readFileSync(parameters);
  const parse = (bytes: Uint8Array): Promise<Tree> => parseDpTree(bytes, "x.dp");

  it("names what is not HDF5", async () => {
    for (const bytes of [new Uint8Array(0), new Uint8Array(100), original.subarray(0, 5000)]) {
      expect((await rejection(() => parse(bytes))).message).toMatch(/^x\.dp: not a readable/);
    }
    expect((await rejection(() => readDeepmdTree(put(join(folder, "text.dp"), "hello")))).code).toBe(
      "FORMAT",
    );
  });

  it("refuses datasets that are missing, and arrays outside @variables", async () => {
    const good = { "@variables": { w: ndArray([2], [1, 2]) }, list: [{ "@variables": { b: null } }] };
    expect(await parse(await formatDpTree(good))).toEqual(good);
    const bytes = await formatDpTree({ "@variables": { w: "variable_0007" } });
    expect((await rejection(() => parse(bytes))).message).toMatch(
      /@variables\.w names the dataset "variable_0007", which/,
    );
    expect((await rejection(() => formatDpTree({ w: ndArray([1], [1]) }))).message).toMatch(
      /must stand inside @variables/,
    );
    const bits = { "@variables": { w: { ...ndArray([1], [1]), dtype: "int64" } } };
    expect((await rejection(() => formatDpTree(bits))).message).toMatch(
      /float32 and float64 arrays; found int64/,
    );
  });

  it("never fails in another way and never hangs, whatever is changed", async () => {
    const change = fc.tuple(fc.nat(original.length - 1), fc.constantFrom(0, 1, 127, 128, 255));
    const header = fc.tuple(fc.nat(2047), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(header, change), { minLength: 1, maxLength: 4 }),
        async (changes) => {
          const bytes = Uint8Array.from(original);
          for (const [position, value] of changes) bytes[position] = value;
          try {
            readModelTree(await parse(bytes), "x.dp");
          } catch (error) {
            if (!(error instanceof AtomgradError)) throw error;
          }
        },
      ),
      { numRuns: 150 },
    );
    const healthy = await parse(original);
    expect(isArray(at(healthy, "model/@variables/out_bias"))).toBe(true);
  }, 60000);
});
