import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { encodeNpy } from "../../src/data/npy.js";
import { temporaryFolder } from "../data/temporary-folder.js";
import { atomgrad, atomgradOk, useCommandLine } from "./command-line.js";

useCommandLine();
const fixtures = join(import.meta.dirname, "../fixtures/deepmd/model-commands");
const folder = temporaryFolder();
const model = "good.dp";

interface Change {
  (system: string): void;
}

/** A copy of a small system (6 atoms, one frame), changed. */
function system(name: string, change: Change): void {
  cpSync(join(fixtures, "single"), join(folder, name), { recursive: true });
  change(join(folder, name));
}

function rewrite(file: string, change: (data: Float64Array) => Float64Array | void): Change {
  return (place) => {
    const path = join(place, "set.000", file);
    const bytes = readFileSync(path);
    const data = new Float64Array(
      bytes.buffer.slice(bytes.byteOffset + 128, bytes.byteOffset + bytes.length),
    );
    const out = change(data) ?? data;
    writeFileSync(path, Buffer.concat(encodeNpy({ dtype: "f8", shape: [1, out.length], data: out })));
  };
}

function text(file: string, content: string): Change {
  return (place) => writeFileSync(join(place, file), content);
}

function remove(file: string): Change {
  return (place) => rmSync(join(place, file), { recursive: true });
}

/** Folders that are no good systems, and what their message must name. */
const systems: Record<string, { change: Change; says: RegExp }> = {
  "no-coord": { change: remove("set.000/coord.npy"), says: /coord\.npy/ },
  "no-sets": { change: remove("set.000"), says: /no-sets.*set\.\*/ },
  "no-types": { change: remove("type.raw"), says: /type\.raw/ },
  "no-box": { change: remove("set.000/box.npy"), says: /box\.npy/ },
  "nan-coord": {
    change: rewrite("coord.npy", (x) => void (x[4] = NaN)),
    says: /coord\.npy.*frame 0.*atom 1/,
  },
  "nan-energy": { change: rewrite("energy.npy", (x) => void (x[0] = NaN)), says: /energy\.npy.*frame 0/ },
  "flat-box": { change: rewrite("box.npy", (x) => x.fill(0)), says: /box\.npy.*frame 0.*volume/ },
  "short-box": { change: rewrite("box.npy", (x) => x.slice(0, 6)), says: /box\.npy/ },
  "odd-coord": { change: rewrite("coord.npy", (x) => x.slice(0, 17)), says: /coord\.npy/ },
  overlap: {
    change: rewrite("coord.npy", (x) => x.copyWithin(3, 0, 3)),
    says: /overlap.*frame 0.*on top of each other/,
  },
  // As an image of the atom, where the sum with a lattice vector was rounded.
  "rounded-overlap": {
    change: rewrite("coord.npy", (x) => {
      for (let k = 0; k < 3; k++) x[3 + k] = x[k] + 1e-6;
    }),
    says: /rounded-overlap.*frame 0.*on top of each other/,
  },
  "odd-type": { change: text("type.raw", "0 1 2 3 banana 0\n"), says: /type\.raw.*banana/ },
  "high-type": { change: text("type.raw", "0 1 2 3 7 0\n"), says: /type\.raw.*7/ },
  "other-element": { change: text("type_map.raw", "Nb Mo Xx W\n"), says: /type_map\.raw.*Xx/ },
  "twice-element": { change: text("type_map.raw", "Nb Nb Ta W\n"), says: /type_map\.raw.*Nb/ },
  "no-npy": { change: text("set.000/coord.npy", "hello"), says: /coord\.npy/ },
  "pickled-npy": {
    change: (place) => cpSync(join(fixtures, "../../npy/object.npy"), join(place, "set.000/coord.npy")),
    says: /coord\.npy/,
  },
  "huge-npy": { change: hugeNpy, says: /coord\.npy/ },
};

/** A header that announces far more numbers than the file holds. */
function hugeNpy(place: string): void {
  const header = "{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000, 18), }";
  const padded = `${header.padEnd(117)}\n`;
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, padded.length, 0]);
  writeFileSync(
    join(place, "set.000/coord.npy"),
    Buffer.concat([start, Buffer.from(padded), Buffer.alloc(64)]),
  );
}

/** Files that are no good models. */
const models: Record<string, { content: () => Buffer | string; says: RegExp }> = {
  "empty.dp": { content: () => "", says: /empty\.dp/ },
  "text.dp": { content: () => "hello", says: /text\.dp/ },
  "cut.dp": { content: () => readFileSync(join(folder, model)).subarray(0, 20_000), says: /cut\.dp/ },
  "empty.safetensors": { content: () => "", says: /empty\.safetensors/ },
  "cut.safetensors": {
    content: () => readFileSync(join(folder, "good.safetensors")).subarray(0, 900),
    says: /cut\.safetensors/,
  },
  "huge.safetensors": { content: hugeSafetensors, says: /huge\.safetensors/ },
  "foreign.safetensors": { content: foreignSafetensors, says: /foreign\.safetensors.*format/ },
  "broken.yaml": { content: () => "model: [1, 2\n  - x: {", says: /broken\.yaml.*line/s },
  "other.yaml": {
    content: () => "model: {type: standard, '@class': Model, type_map: [O]}\n",
    says: /other\.yaml.*descriptor/,
  },
  "bomb.yaml": { content: yamlBomb, says: /bomb\.yaml/ },
  "list.yaml": { content: () => "- 1\n- 2\n", says: /list\.yaml/ },
  "nothing.pth": { content: () => "PK hello", says: /nothing\.pth/ },
  "cut.pth": {
    content: () => readFileSync(join(fixtures, "frozen1.pth")).subarray(0, 20_000),
    says: /cut\.pth/,
  },
  "text.pbtxt": { content: () => 'node { name: "x" op: "Add" }\n', says: /text\.pbtxt.*no model/ },
  "nothing.pb": { content: () => "hello", says: /nothing\.pb/ },
  "model.onnx": { content: () => "hello", says: /model\.onnx/ },
};

function hugeSafetensors(): Buffer {
  const header = JSON.stringify({ a: { dtype: "F64", shape: [1e12], data_offsets: [0, 8e12] } });
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([size, Buffer.from(header)]);
}

function foreignSafetensors(): Buffer {
  const header = JSON.stringify({ a: { dtype: "F32", shape: [1], data_offsets: [0, 4] } });
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([size, Buffer.from(header), Buffer.alloc(4)]);
}

function yamlBomb(): string {
  const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"];
  for (let k = 1; k < 12; k++) lines.push(`a${k}: &a${k} [${new Array(9).fill(`*a${k - 1}`).join(", ")}]`);
  return `${lines.join("\n")}\nmodel: *a11\n`;
}

/** Everything below a folder, with content. */
function contents(root: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of readdirSync(root, { recursive: true, encoding: "utf8" }))
    if (statSync(join(root, name)).isFile()) found.set(name, readFileSync(join(root, name), "latin1"));
    else found.set(name, "folder");
  return found;
}

/** A command that must be refused: one short message that names what is wrong, nothing made, nothing changed. */
function refused(args: readonly string[], says: RegExp): void {
  const before = contents(folder);
  const started = performance.now();
  const { status, stderr, stdout } = atomgrad(args, { cwd: folder });
  expect(performance.now() - started).toBeLessThan(20_000);
  expect(status, `${stdout}${stderr}`).toBe(1);
  expect(stderr).toMatch(says);
  expect(stderr.split("\n").length, stderr).toBeLessThanOrEqual(9);
  expect(stderr.length).toBeLessThanOrEqual(1500);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stderr).not.toMatch(/unexpected error/);
  expect(contents(folder)).toEqual(before);
}

beforeAll(() => {
  cpSync(join(fixtures, "frozen1.dp"), join(folder, model));
  cpSync(join(fixtures, "frozen3.dp"), join(folder, "parameters.dp"));
  cpSync(join(fixtures, "single"), join(folder, "good"), { recursive: true });
  atomgradOk(["convert-backend", model, "good.safetensors"], { cwd: folder });
  for (const [name, { change }] of Object.entries(systems)) system(name, change);
  for (const [name, { content }] of Object.entries(models)) writeFileSync(join(folder, name), content());
  // An output of an earlier run, which must survive.
  mkdirSync(join(folder, "old"));
  for (const name of ["energy.npy", "force.npy", "virial.npy", "atom_energy.npy", "good.npy"])
    writeFileSync(join(folder, "old", name), "old");
  for (const name of ["old.dp", "old.out", "old.e.out", "old.f.out"])
    writeFileSync(join(folder, name), "old");
});

/** Every command that reads systems, with an existing output. */
const readers: Record<string, (system: string) => string[]> = {
  eval: (s) => ["eval", "-m", model, "-s", s, "-o", "old"],
  "eval-desc": (s) => ["eval-desc", "-m", model, "-s", s, "-o", "old"],
  test: (s) => ["test", "-m", model, "-s", s, "-d", "old"],
  "model-devi": (s) => ["model-devi", "-m", model, "good.safetensors", "-s", s, "-o", "old.out"],
  "change-bias": (s) => ["change-bias", model, "-s", s, "-o", "old.dp"],
  "neighbor-stat": (s) => ["neighbor-stat", "-s", s, "-r", "4", "-t", "Nb", "Mo", "Ta", "W"],
};

describe("bad systems", () => {
  const cases = Object.entries(systems).flatMap(([name, { says }], k) =>
    // One of the six commands each: they read systems by the same code; overlaps and labels are found by computing.
    (name === "overlap" ? Object.keys(readers) : [Object.keys(readers)[k % 5]]).map(
      (command) => [command, name, says] as const,
    ),
  );
  it.each(cases)("%s refuses %s", (command, name, says) => refused(readers[command](name), says));

  it("missing, empty or a file instead of a folder", () => {
    mkdirSync(join(folder, "nothing"), { recursive: true });
    refused(readers.eval("absent"), /absent.*no such file/);
    refused(readers.test("nothing"), /nothing.*type\.raw/);
    refused(readers["eval-desc"](model), /good\.dp/);
  });
});

describe("missing parameters", () => {
  it("of frames", () =>
    refused(["eval", "-m", "parameters.dp", "-s", "good", "-o", "old"], /good: frame 0: .*fparam/));
});

describe("bad models", () => {
  it.each(Object.entries(models))("%s", (name, { says }) => {
    refused(["eval", "-m", name, "-s", "good", "-o", "old"], says);
  });

  it.each([
    ["show", ["show", "cut.dp", "size"], /cut\.dp/],
    ["info", ["info", "foreign.safetensors"], /foreign\.safetensors/],
    ["convert-backend", ["convert-backend", "cut.safetensors", "old.dp"], /cut\.safetensors/],
    ["freeze", ["freeze", "-c", "cut.dp", "-o", "old.dp"], /cut\.dp/],
    ["change-bias", ["change-bias", "text.dp", "-b", "1", "-o", "old.dp"], /text\.dp/],
    ["model-devi", ["model-devi", "-m", model, "cut.dp", "-s", "good", "-o", "old.out"], /cut\.dp/],
    ["test", ["test", "-m", "empty.dp", "-s", "good", "-d", "old"], /empty\.dp/],
  ])("%s", (_, args, says) => refused(args, says));
});

describe("bad arguments", () => {
  it.each([
    [["eval", "-m", model, "-s", "good", "-o", "old", "--precision", "f16"], /--precision f16.*f32 and f64/],
    [["eval", "-m", model, "-s", "good"], /-o, --output/],
    [["eval", "-m", model, "-s", "good", "-o", "old", "--atomc"], /--atomc.*\n.*--atomic/],
    [["eval", "-m", model, "-s", "good", "-o", model], /good\.dp|energy\.npy/],
    [["test", "-m", model, "-s", "good", "-n", "-3"], /-n -3/],
    [["test", "-m", model, "-s", "good", "-n", "x"], /-n x/],
    [["model-devi", "-m", model, "-s", "good", "-o", "old.out"], /-m.*two or more/],
    [["model-devi", "-m", model, model, "-s", "good", "-o", "old.out", "-f", "1.5"], /-f 1\.5/],
    [["model-devi", "-m", model, model, "-s", "good", "-o", "old.out", "--relative", "a"], /--relative a/],
    [["neighbor-stat", "-s", "good", "-r", "0"], /-r 0/],
    [["neighbor-stat", "-s", "good", "-r", "4", "-t", "Nb"], /type_map\.raw|type_map/],
    [["show", model], /ATTRIBUTES/],
    [["show", model, "sizes"], /sizes/],
    [["show", model, "model-branch"], /model-branch/],
    [["convert-backend", model, "new.pb"], /new\.pb/],
    [["convert-backend", "absent.dp", "old.dp"], /absent\.dp/],
    [["freeze", "-c", "good", "-o", "old.dp"], /good.*no checkpoint/],
    [["freeze", "-c", "absent", "-o", "old.dp"], /absent/],
    [["change-bias", model, "-b", "1", "2", "-o", "old.dp"], /-b.*2 numbers.*4 types/],
    [["change-bias", model, "-b", "x", "2", "3", "4", "-o", "old.dp"], /-b x/],
    [["change-bias", model, "-m", "add", "-s", "good", "-o", "old.dp"], /-m add/],
    [["evaluate"], /evaluate/],
  ] as const)("%j", (args, says) => {
    refused(args, says);
  });
});

describe("bad inputs of a training", () => {
  function input(change: (root: Input) => void): string {
    const root = JSON.parse(readFileSync(join(fixtures, "../cli/input.json"), "utf8")) as Input;
    delete root.training.validation_data;
    Object.assign(root.training, { numb_steps: 2, training_data: { systems: ["good"], batch_size: 1 } });
    change(root);
    return JSON.stringify(root);
  }
  type Section = Record<string, unknown>;
  interface Input extends Section {
    model: Section & { descriptor: Section; fitting_net: Section };
    learning_rate: Section;
    loss: Section;
    training: Section & { training_data?: Section };
  }
  const inputs: [string, string, RegExp][] = [
    ["a typing error in a key", input((i) => (i.model.descriptor.rcutt = 6)), /rcutt.*rcut/s],
    ["a wrong type", input((i) => (i.model.descriptor.neuron = "many")), /model\.descriptor\.neuron/],
    ["no such system", input((i) => (i.training.training_data!.systems = ["absent"])), /absent/],
    ["an unknown descriptor", input((i) => (i.model.descriptor.type = "dpa3")), /model\.descriptor.*dpa3/s],
    ["bad syntax", '{"model": {,}', /input\.json.*line 1/s],
    ["not a section", "[1]", /input\.json/],
    ["NaN labels", input((i) => (i.training.training_data!.systems = ["nan-energy"])), /energy\.npy/],
    [
      "overlapping atoms",
      input((i) => (i.training.training_data!.systems = ["overlap"])),
      /overlap.*frame 0/,
    ],
    ["nothing", "", /input\.json/],
    ["an unwritable place", input((i) => (i.training.save_ckpt = "good.dp/model")), /save_ckpt/],
    [
      "an unwritable curve",
      input((i) => (i.training.disp_file = "absent/lcurve.out")),
      /disp_file|lcurve\.out/,
    ],
  ];
  it.each(inputs)("%s", (_, content, says) => {
    writeFileSync(join(folder, "input.json"), content);
    writeFileSync(join(folder, "out.json"), "old");
    refused(["train", "input.json"], says);
  });

  it("unknown files and flags", () => {
    writeFileSync(
      join(folder, "input.json"),
      input(() => undefined),
    );
    refused(["train", "absent.json"], /absent\.json/);
    refused(["train", "input.json", "--restart", "absent.safetensors"], /absent\.safetensors/);
    refused(["train", "input.json", "--init-model", "cut.dp"], /cut\.dp/);
    refused(["train", "input.json", "--metrics", "absent/metrics.jsonl"], /metrics\.jsonl/);
    expect(existsSync(join(folder, "lcurve.out"))).toBe(false);
  });
});
