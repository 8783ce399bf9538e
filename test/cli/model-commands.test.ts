import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readDeepmdSystem } from "../../src/data/deepmd-npy.js";
import { readNpy } from "../../src/data/npy.js";
import { readModel } from "../../src/models/deepmd/model-file.js";
import { f8, putSystem } from "../data/deepmd-folder.js";
import { temporaryFolder } from "../data/temporary-folder.js";
import { atomgrad, atomgradOk, useCommandLine } from "./command-line.js";

useCommandLine();
const fixtures = join(import.meta.dirname, "../fixtures/deepmd/model-commands");
const folder = temporaryFolder();
const at = { cwd: fixtures };

interface Figures {
  modelDeviation: Record<string, string>;
  changeBias: Record<string, { arguments: string; out_bias: number[]; out_std: number[] }>;
  evaluation: Record<string, Record<string, number[][]>>;
}
const figures = JSON.parse(readFileSync(join(fixtures, "figures.json"), "utf8")) as Figures;

function numbers(path: string): { shape: readonly number[]; data: number[] } {
  const { shape, data } = readNpy(path);
  return { shape, data: Array.from(data as Float64Array) };
}

/** The largest difference, relative to the largest value. */
function difference(found: readonly number[], wanted: readonly number[]): number {
  expect(found.length).toBe(wanted.length);
  const scale = Math.max(1, ...wanted.map(Math.abs));
  return Math.max(...found.map((x, k) => Math.abs(x - wanted[k]))) / scale;
}

describe("eval", () => {
  const widths = (atoms: number): Record<string, number> => ({
    energy: 1,
    force: 3 * atoms,
    virial: 9,
    atom_energy: atoms,
    atom_virial: 9 * atoms,
  });
  it.each([
    [1, "data/plain", 8],
    [1, "data/open", 5],
    [1, "single", 6],
    [3, "data/plain", 8],
  ])("writes what DeepPot.eval gives: model %i (3: with fparam and aparam), %s", (model, system, atoms) => {
    const out = join(folder, `eval${model}`, system);
    atomgradOk(["eval", "-m", `frozen${model}.dp`, "-s", system, "-o", out, "--atomic"], at);
    const wanted = figures.evaluation[`${model} ${system}`];
    for (const [name, width] of Object.entries(widths(atoms))) {
      const { shape, data } = numbers(join(out, `${name}.npy`));
      expect(shape, name).toEqual([wanted.energy.length, width]);
      expect(difference(data, wanted[name].flat()), name).toBeLessThan(1e-12);
    }
  });

  it("gives an atom without neighbours zeros without a sign, as DeePMD-kit does", () => {
    const [lone, out] = [join(folder, "lone"), join(folder, "lone-out")];
    putSystem(lone, {
      "type.raw": "0\n",
      "type_map.raw": "Nb\n",
      "set.000/coord.npy": f8([1, 3], [1, 2, 3]),
      "set.000/box.npy": f8([1, 9], [9, 0, 0, 0, 9, 0, 0, 0, 9]),
    });
    atomgradOk(["eval", "-m", "frozen1.dp", "-s", lone, "-o", out, "--atomic"], at);
    for (const name of ["force", "virial", "atom_virial"])
      for (const value of numbers(join(out, `${name}.npy`)).data) expect(value, name).toBe(0);
  });

  it("leaves out atom_virial, and computes in f32 when asked", () => {
    const out = join(folder, "eval32");
    atomgradOk(["eval", "-m", "frozen1.dp", "-s", "single", "-o", out, "--precision", "f32"], at);
    expect(existsSync(join(out, "atom_virial.npy"))).toBe(false);
    const [found] = numbers(join(out, "energy.npy")).data;
    const error = Math.abs(found - figures.evaluation["1 single"].energy[0][0]);
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(1e-4);
  });

  it("gives 0 for virtual atoms", () => {
    const out = join(folder, "virtual");
    atomgradOk(["eval", "-m", "frozen1.dp", "-s", "virtual", "-o", out, "--atomic"], at);
    for (const [name, width] of [
      ["force", 3],
      ["atom_energy", 1],
      ["atom_virial", 9],
    ] as const) {
      const { shape, data } = numbers(join(out, `${name}.npy`));
      expect(shape).toEqual([2, 10 * width]);
      const frame = data.slice(0, 10 * width);
      expect(frame.slice(8 * width).every((x) => x === 0)).toBe(true);
      expect(frame.slice(0, 8 * width).some((x) => x !== 0)).toBe(true);
    }
  });
});

describe("eval-desc", () => {
  it.each(["mixed", "plain", "open"])("writes what dp writes for data/%s, atoms in file order", (system) => {
    const out = join(folder, "desc");
    atomgradOk(["eval-desc", "-m", "frozen1.dp", "-s", join("data", system), "-o", out], at);
    const wanted = numbers(join(fixtures, "desc", `${system}.npy`));
    const found = numbers(join(out, `${system}.npy`));
    expect(found.shape).toEqual(wanted.shape);
    expect(difference(found.data, wanted.data)).toBeLessThan(1e-13);
  });

  it("reads fparam where the model needs it (dp stops there)", () => {
    const out = join(folder, "desc3");
    atomgradOk(["eval-desc", "-m", "frozen3.dp", "-s", "data/plain", "-o", out], at);
    expect(numbers(join(out, "plain.npy")).shape).toEqual([3, 8, 24]);
  });

  it("takes all systems below a folder", () => {
    const out = join(folder, "all");
    expect(
      atomgradOk(["eval-desc", "-m", "frozen1.dp", "-s", "data", "-o", out], at).split("\n").length,
    ).toBe(4);
  });
});

/** Rows of numbers agree to 1e-9, everything else (and every width) to the letter. */
function sameTable(found: string, wanted: string): void {
  const [a, b] = [found, wanted].map((text) => text.split("\n"));
  expect(a.map((line) => line.length)).toEqual(b.map((line) => line.length));
  a.forEach((line, k) => {
    if (line.startsWith("#")) expect(line).toBe(b[k]);
    const [x, y] = [line, b[k]].map((text) => text.trim().split(/\s+/).map(Number));
    // A digit of the six may round the other way.
    if (!line.startsWith("#"))
      x.forEach((value, c) =>
        expect(Math.abs(value - y[c])).toBeLessThanOrEqual(1.1e-6 * Math.abs(y[c]) + 1e-12),
      );
  });
}

describe("model-devi", () => {
  it.each(Object.entries(figures.modelDeviation))("prints dp's table: %s", (name, flags) => {
    const out = join(folder, `devi.${name}.out`);
    atomgradOk(["model-devi", "-m", "frozen1.dp", "frozen2.dp", ...flags.split(" "), "-o", out], at);
    sameTable(readFileSync(out, "utf8"), readFileSync(join(fixtures, `devi.${name}.out`), "utf8"));
  });

  it("appends to its output, and divides every frame's virial by its own mean", () => {
    const out = join(folder, "twice.out");
    const args = [
      "model-devi",
      "-m",
      "frozen1.dp",
      "frozen2.dp",
      "-s",
      "data/plain",
      "-o",
      out,
      "--relative_v",
      "1",
    ];
    atomgradOk(args, at);
    const once = readFileSync(out, "utf8");
    atomgradOk(args, at);
    expect(readFileSync(out, "utf8")).toBe(once + once);
    expect(once.trimEnd().split("\n").length).toBe(5);
  });
});

describe("neighbor-stat", () => {
  const recorded = (file: string): string =>
    readFileSync(join(fixtures, file), "utf8")
      .split("\n")
      .filter((line) => /^(type_map|min_nbor_dist|max_nbor_size):/.test(line))
      .map((line) => `${line}\n`)
      .join("");

  it("prints dp's lines", () => {
    const types = ["-t", "Nb", "Mo", "Ta", "W"];
    expect(atomgradOk(["neighbor-stat", "-s", "data/mixed", "-r", "5.0", ...types], at)).toBe(
      recorded("neighbor-stat.txt"),
    );
    expect(atomgradOk(["neighbor-stat", "-s", "data/mixed", "-r", "5.0", "--mixed-type"], at)).toBe(
      recorded("neighbor-stat-mixed.txt"),
    );
  });

  it.each(["data/mixed", "data/plain"])("%s: says which type -t lacks, and of no model", (data) => {
    const { status, stderr } = atomgrad(
      ["neighbor-stat", "-s", data, "-r", "5.0", "-t", "Nb", "Mo", "Ta"],
      at,
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/type_map\.raw: element "W" .* is not in -t \(Nb Mo Ta\); add it there or leave/);
    expect(stderr).not.toContain("model");
  });

  const water = join(import.meta.dirname, "../../../shared/data/deepmd-water/data_0");
  it.skipIf(!existsSync(water))(
    "counts through the boundaries of unwrapped water (needs the shared water data)",
    () => {
      const { positions, cells, types, frameCount } = readDeepmdSystem(water, {
        typeMap: ["O", "H"],
        labels: [],
      });
      const length = cells![0];
      const largest = [0, 0];
      let shortest = Infinity;
      for (let f = 0; f < frameCount; f++)
        for (let i = 0; i < 192; i++) {
          const found = [0, 0];
          for (let j = 0; j < 192; j++) {
            const parts = [0, 1, 2].map((k) => {
              const d = positions[576 * f + 3 * j + k] - positions[576 * f + 3 * i + k];
              return d - length * Math.round(d / length);
            });
            const r = Math.hypot(...parts);
            if (j === i || r >= 4) continue;
            found[types[j]]++;
            shortest = Math.min(shortest, r);
          }
          found.forEach((n, t) => (largest[t] = Math.max(largest[t], n)));
        }
      const lines = atomgradOk(["neighbor-stat", "-s", water, "-r", "4.0", "-t", "O", "H"]).split("\n");
      expect(lines).toEqual([
        `min_nbor_dist: ${shortest.toFixed(6)}`,
        `max_nbor_size: [${largest.join(" ")}]`,
        "",
      ]);
    },
  );
});

describe("show", () => {
  it("prints what dp show prints", () => {
    const attributes = ["type-map", "descriptor", "fitting-net", "size", "observed-type"];
    const wanted = readFileSync(join(fixtures, "show.txt"), "utf8");
    expect(atomgradOk(["show", "frozen1.dp", ...attributes], at)).toBe(wanted);
  });

  it("gives all settings of a model that does not carry its input", () => {
    const plain = join(folder, "show.safetensors");
    atomgradOk(["convert-backend", "frozen1.dp", plain], at);
    const [, line] = atomgradOk(["show", plain, "descriptor"]).split("\n");
    for (const text of ["'type': 'se_atten'", "'rcut': 4.5", "'attn_dotr': True", "'ln_eps': ", "'seed'"])
      if (text !== "'seed'") expect(line).toContain(text);
  });
});

describe("change-bias", () => {
  it.each(Object.entries(figures.changeBias))("%s: dp's biases", async (name, wanted) => {
    const out = join(folder, `bias.${name}.dp`);
    atomgradOk(["change-bias", "frozen1.dp", ...wanted.arguments.split(" "), "-o", out], at);
    const { weights } = await readModel(out);
    expect(difference([...weights.get("out_bias")!.data], wanted.out_bias)).toBeLessThan(1e-10);
    expect(difference([...weights.get("out_std")!.data], wanted.out_std)).toBeLessThan(1e-9);
  });

  it("writes MODEL_updated where no output is given", () => {
    copyFileSync(join(fixtures, "frozen1.dp"), join(folder, "mine.dp"));
    atomgradOk(["change-bias", "mine.dp", "-b", "1", "2", "3", "4"], { cwd: folder });
    expect(existsSync(join(folder, "mine_updated.dp"))).toBe(true);
  });
});

describe("convert-backend", () => {
  it("goes from every format to every other without loss", async () => {
    let from = join(fixtures, "frozen1.dp");
    const { config, weights, minDistance } = await readModel(from);
    for (const [k, ending] of ["safetensors", "yaml", "dp", "yaml", "safetensors", "dp"].entries()) {
      const to = join(folder, `copy${k}.${ending}`);
      atomgradOk(["convert-backend", from, to]);
      const copy = await readModel(to);
      expect(copy.weights).toEqual(weights);
      expect(copy.config).toEqual(config);
      expect(copy.minDistance).toBe(minDistance);
      from = to;
    }
  });

  it("reads HDF5 models under their other endings", async () => {
    copyFileSync(join(fixtures, "frozen1.dp"), join(folder, "model.hdf5"));
    expect((await readModel(join(folder, "model.hdf5"))).weights.size).toBeGreaterThan(10);
  });
});

describe("freeze and info", () => {
  it("keep the model of the newest checkpoint, without the training", async () => {
    const input = {
      ...(JSON.parse(readFileSync(join(fixtures, "../cli/input.json"), "utf8")) as object),
    } as { training: Record<string, unknown>; model: object };
    Object.assign(input.training, {
      training_data: { systems: [join(fixtures, "data/plain")], batch_size: 1 },
      numb_steps: 2,
      save_freq: 1,
      save_ckpt: "ckpt/model",
    });
    delete input.training.validation_data;
    writeFileSync(join(folder, "input.json"), JSON.stringify(input));
    atomgradOk(["train", "input.json", "--skip-neighbor-stat"], { cwd: folder });
    atomgradOk(["freeze", "-c", "ckpt", "-o", "frozen"], { cwd: folder });
    const frozen = await readModel(join(folder, "frozen.safetensors"));
    expect(frozen.training).toBeUndefined();
    expect(frozen.weights).toEqual((await readModel(join(folder, "ckpt/model-2.safetensors"))).weights);
    const facts = JSON.parse(
      atomgradOk(["info", "ckpt/model-2.safetensors", "--json"], { cwd: folder }),
    ) as object;
    expect(facts).toMatchObject({ type_map: ["Nb", "Mo", "Ta", "W"], rcut: 4.5, parameters: 737, step: 2 });
    expect(atomgradOk(["info", "frozen.safetensors"], { cwd: folder })).toContain(
      "rcut                  4.5",
    );
  });
});

describe("help", () => {
  const commands = [
    "train",
    "test",
    "eval",
    "eval-desc",
    "model-devi",
    "neighbor-stat",
    "show",
    "info",
    "convert-backend",
    "freeze",
    "change-bias",
  ];
  it("has an example for every command, together and one by one", () => {
    const main = atomgradOk(["--help"]);
    for (const command of commands) {
      expect(main).toContain(`  atomgrad ${command} `);
      expect(atomgradOk([command, "--help"])).toMatch(/Examples?:\n {2}atomgrad /);
    }
  });

  it("knows its version", () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8")) as {
      version: string;
    };
    expect(atomgradOk(["--version"])).toBe(`${version}\n`);
  });
});

describe("early TensorFlow graphs, whose types have no names", () => {
  const graph = join(import.meta.dirname, "../../../shared/data/weights-deepmd/cu_graph.000.pb");
  const absent = !existsSync(graph);
  const data = join(folder, "copper");
  const a = 3.61;
  const corners = [0, 0, 0, 0, a / 2, a / 2, a / 2, 0, a / 2, a / 2, a / 2, 0];
  putSystem(data, {
    "type.raw": "0\n0\n0\n0\n",
    "type_map.raw": "Cu\n",
    "set.000/coord.npy": f8([1, 12], corners),
    "set.000/box.npy": f8([1, 9], [a, 0, 0, 0, a, 0, 0, 0, a]),
    "set.000/energy.npy": f8([1], [-14]),
  });
  const commands: Record<string, string[]> = {
    info: ["info", graph],
    show: ["show", graph, "type-map"],
    eval: ["eval", "-m", graph, "-s", data, "-o", join(folder, "copper-eval")],
    "eval-desc": ["eval-desc", "-m", graph, "-s", data, "-o", join(folder, "copper-desc")],
    test: ["test", "-m", graph, "-s", data],
    "model-devi": ["model-devi", "-m", graph, graph, "-s", data, "-o", join(folder, "copper.out")],
    "change-bias": ["change-bias", graph, "-s", data, "-o", join(folder, "copper-bias.safetensors")],
    "convert-backend": ["convert-backend", graph, join(folder, "copper.safetensors")],
  };

  it.skipIf(absent).each(Object.entries(commands))(
    "%s takes them by --type-map, and says so (needs the shared model files)",
    (_, args) => {
      const { status, stderr } = atomgrad(args, at);
      expect(status).toBe(1);
      expect(stderr).toMatch(/cu_graph\.000\.pb: .*1 types.*--type-map/);
      atomgradOk([...args, "--type-map", "Cu"], at);
    },
  );
});
