import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { f8, type FileSpec, putSystem, waterFiles } from "../data/deepmd-folder.js";
import { temporaryFolder } from "../data/temporary-folder.js";
import { folderState } from "./folder-state.js";
import { expectRefusal, Program } from "./program.js";
import { putTinyTraining, type TinyChanges } from "./tiny-training.js";

const program = new Program();
const base = temporaryFolder();
let cases = 0;

type Npy = Exclude<FileSpec, string | Uint8Array | null>;
const water = waterFiles();
const numbersOf = (name: string): number[] => [...((water[name] as Npy).data as Float64Array)];

/** The file of the water system with one number replaced. */
function withNumber(name: string, index: number, value: number): Record<string, FileSpec> {
  const values = numbersOf(name);
  values[index] = value;
  return { [name]: f8((water[name] as Npy).shape, values) };
}

/** A folder with the tiny training, and outputs of an earlier one that must survive a refusal. */
function folderWith(changes: TinyChanges, prepare?: (folder: string) => void): string {
  const folder = join(base, String(cases++));
  mkdirSync(folder);
  putTinyTraining(folder, changes);
  for (const name of ["out.json", "lcurve.out", "metrics.jsonl", "model-5.safetensors"])
    writeFileSync(join(folder, name), `an earlier ${name}`);
  prepare?.(folder);
  return folder;
}

interface Wrong {
  readonly changes?: TinyChanges;
  readonly args?: readonly string[];
  readonly prepare?: (folder: string) => void;
  readonly says: readonly RegExp[];
}

const overlap = withNumber("set.000/coord.npy", 18 + 3, numbersOf("set.000/coord.npy")[18]);
const onTop: Record<string, FileSpec> = (() => {
  const values = numbersOf("set.000/coord.npy");
  values.splice(18 + 3, 3, ...values.slice(18, 21));
  return { ...overlap, "set.000/coord.npy": f8([3, 9], values) };
})();
const perAtom = f8([3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
/** A second set like the first, before changes. */
function secondSet(changes: Record<string, FileSpec>): Record<string, FileSpec> {
  const files = Object.entries(water).filter(([name]) => name.startsWith("set.000/"));
  const again = files.map(([name, file]) => [name.replace("000", "001"), file] as const);
  return { ...Object.fromEntries(again), ...changes };
}
const emptyBytes = new Uint8Array(0);

/** An npy of Python objects: what numpy.save writes for dtype=object, with a pickle that must never be opened. */
const objectNpy = (): Uint8Array => {
  const header = "{'descr': '|O', 'fortran_order': False, 'shape': (3, 9), }".padEnd(117) + "\n";
  return new Uint8Array(
    Buffer.concat([
      Buffer.from("\x93NUMPY\x01\x00v\x00", "latin1"),
      Buffer.from(header),
      Buffer.from("cposix\nsystem\n(S'touch hacked'\ntR."),
    ]),
  );
};

const wrong: Record<string, Wrong> = {
  "labels of whole numbers": {
    changes: { files: { "set.000/energy.npy": { shape: [3], data: Int32Array.of(1, 2, 3) } } },
    says: [/water\/set\.000\/energy\.npy/, /i4|int32/, /float64/],
  },
  "labels of another shape": {
    changes: { files: { "set.000/force.npy": f8([3, 6], new Array<number>(18).fill(0)) } },
    says: [/water\/set\.000\/force\.npy: shape \(3, 6\)/, /\(3, 9\)/],
  },
  "coordinates of another number of atoms": {
    changes: { files: { "type.raw": "0\n1\n" } },
    says: [/coord\.npy/, /2 atoms of type\.raw/],
  },
  "an npy file that ends too early": {
    changes: { files: { "set.000/coord.npy": shortened(1) } },
    says: [/water\/set\.000\/coord\.npy/, /bytes/],
  },
  "an npy file that ends in its header": {
    changes: { files: { "set.000/coord.npy": shortened(200) } },
    says: [/water\/set\.000\/coord\.npy/],
  },
  "an empty npy file": {
    changes: { files: { "set.000/coord.npy": emptyBytes } },
    says: [/water\/set\.000\/coord\.npy/],
  },
  "an npy file of Python objects": {
    changes: { files: { "set.000/coord.npy": objectNpy() } },
    says: [/water\/set\.000\/coord\.npy/, /object/],
  },
  "an element that the model's type_map lacks": {
    changes: { files: { "type_map.raw": "O\nXe\n" } },
    says: [/water\/type_map\.raw|water\/type\.raw/, /Xe/, /O H|"O", "H"|O, H/],
  },
  "a type beyond type_map": {
    changes: { files: { "type.raw": "0\n1\n7\n" } },
    says: [/water\/type\.raw/, /7/],
  },
  "atoms on top of each other": {
    changes: { files: onTop },
    says: [/water/, /frame 2/, /on top of each other/],
  },
  "atoms on top of each other, neighbours not counted first": {
    changes: { files: onTop },
    args: ["--skip-neighbor-stat"],
    says: [/water/, /frame 2/, /on top of each other/],
  },
  "a NaN energy": {
    changes: { files: withNumber("set.000/energy.npy", 1, NaN) },
    says: [/water\/set\.000\/energy\.npy: frame 1/, /NaN/],
  },
  "an infinite force": {
    changes: { files: withNumber("set.000/force.npy", 9 + 5, Infinity) },
    says: [/water\/set\.000\/force\.npy: frame 1, atom 1, z/, /Infinity/],
  },
  "a NaN coordinate": {
    changes: { files: withNumber("set.000/coord.npy", 18 + 7, NaN) },
    says: [/water\/set\.000\/coord\.npy: frame 2, atom 2, y/, /NaN/],
  },
  "a box without volume": {
    changes: { files: { "set.000/box.npy": f8([3, 9], new Array<number>(27).fill(0)) } },
    says: [/water\/set\.000\/box\.npy: frame 0/, /volume/],
  },
  "a missing system": {
    changes: { training: { training_data: { systems: ["watr"] } } },
    says: [/watr/, /no such folder/],
  },
  "a missing validation system": {
    changes: { training: { validation_data: { systems: ["dry"] } } },
    says: [/dry/, /no such folder/],
  },
  "missing coordinates": {
    changes: { files: { "set.000/coord.npy": null } },
    says: [/water\/set\.000\/coord\.npy/, /no such file/],
  },
  "parameters of atoms that are missing": {
    changes: { fitting: { numb_aparam: 1 } },
    says: [/water: frame 0: aparam is missing/, /aparam\.npy/],
  },
  "parameters of atoms that only the last set lacks": {
    changes: { fitting: { numb_aparam: 1 }, files: secondSet({ "set.000/aparam.npy": perAtom }) },
    says: [/water: frame 3: aparam is missing/],
  },
  "parameters of frames that only the validation lacks": {
    changes: {
      fitting: { numb_fparam: 1 },
      files: { "set.000/fparam.npy": f8([3, 1], [1, 2, 3]) },
      training: { validation_data: { systems: ["dry"] } },
    },
    prepare: (folder) => putSystem(join(folder, "dry"), waterFiles()),
    says: [/dry: frame 0: fparam is missing/],
  },
  "a set without any label of the loss": {
    changes: {
      loss: { start_pref_ae: 1, limit_pref_ae: 1, start_pref_f: 0, start_pref_e: 0 },
      files: secondSet({ "set.000/atom_ener.npy": perAtom }),
    },
    says: [/water: frame 3: no term of the loss has its label/, /atom_ener\.npy/],
  },
  "sets without a label in common, mixed in batches": {
    changes: {
      files: secondSet({ "set.000/force.npy": null, "set.001/energy.npy": null }),
      training: { training_data: { systems: ["water"], batch_size: 2 } },
    },
    says: [/water: no label of the loss stands in every set/],
  },
  "a validation system without labels": {
    changes: { training: { validation_data: { systems: ["dry"] } } },
    prepare: (folder) =>
      putSystem(join(folder, "dry"), {
        ...waterFiles(),
        "set.000/energy.npy": null,
        "set.000/force.npy": null,
      }),
    says: [/dry: frame 0: no term of the loss has its label/],
  },
  "atoms on top of each other in a validation system": {
    changes: { training: { validation_data: { systems: ["dry"] } } },
    prepare: (folder) => putSystem(join(folder, "dry"), { ...waterFiles(), ...onTop }),
    says: [/dry: frame 2: two atoms are on top of each other/],
  },
  "a loss that overflows in the first step": {
    changes: {
      model: { data_stat_nbatch: 1 },
      files: { "set.000/energy.npy": f8([3], [1e200, 1e200, -1e200]) },
    },
    says: [/step 1: the loss is Infinity/],
  },
  "a cutoff with neighbours without number": {
    changes: { descriptor: { rcut: 1000 } },
    says: [/water: frame 0/, /within rcut 1000 angstrom an atom has about 13,000,000 neighbours/],
  },
  "a cutoff with neighbours without number that are not counted": {
    changes: { descriptor: { rcut: 1000 } },
    args: ["--skip-neighbor-stat"],
    says: [/water: frame [012]/, /within rcut 1000 angstrom/],
  },
  "curves of TensorBoard below a file": {
    changes: { training: { tensorboard: true, tensorboard_log_dir: "input.json/log" } },
    says: [/input\.json/, /training\.tensorboard_log_dir/],
  },
  "a missing input": { args: ["absent.json"], says: [/absent\.json/, /no such file/] },
  "a missing checkpoint": {
    args: ["--restart", "absent.safetensors"],
    says: [/absent\.safetensors/, /no such file/],
  },
  "a checkpoint that is something else": {
    args: ["--restart", "model-5.safetensors"],
    says: [/model-5\.safetensors/],
  },
  "malformed JSON": {
    prepare: (folder) =>
      writeFileSync(join(folder, "input.json"), '{\n  "model": {\n    "type_map": ["O",]\n'),
    says: [/input\.json/, /line 3/, /comma/],
  },
  "a misspelt key": {
    changes: { descriptor: { sell: 3 } },
    says: [/input\.json: model\.descriptor\.sell/, /did you mean "sel"/],
  },
  "batches across systems": {
    changes: { training: { training_data: { systems: ["water"], batch_size: "mixed:4" } } },
    says: [/ input\.json: training\.training_data\.batch_size: found "mixed:4"/, /deepmd-mixed/],
  },
  "batches across systems by TensorFlow's rules": {
    changes: { training: { training_data: { systems: ["water"], batch_size: "mixed:4" } } },
    args: ["--tf"],
    says: [/ input\.json: training\.training_data\.batch_size: found "mixed:4"/],
  },
  "patterns for a list of folders": {
    changes: { training: { training_data: { systems: ["water"], rglob_patterns: ["*"] } } },
    says: [/ input\.json: rglob_patterns: only one folder can be searched/],
  },
  "as many probabilities as there are no systems": {
    changes: { training: { training_data: { systems: ["water"], sys_probs: [0.5, 0.5] } } },
    says: [/ input\.json: training\.training_data\.sys_probs/],
  },
  "a value of the wrong kind": {
    changes: { training: { numb_steps: "many" } },
    says: [/input\.json: training\.numb_steps/, /"many"/],
  },
  "an out.json below a file": {
    args: ["-o", "input.json/out.json"],
    says: [/out\.json/, /input\.json" is a file; change -o/],
  },
  "an out.json that is a folder": { args: ["-o", "water"], says: [/water/, /folder/] },
  "checkpoints below a file": {
    changes: { training: { save_ckpt: "input.json/model" } },
    says: [/input\.json/, /training\.save_ckpt/],
  },
  "checkpoints in a folder that cannot be made": {
    changes: { training: { save_ckpt: "/proc/nowhere/model" } },
    says: [/nowhere/, /training\.save_ckpt/],
  },
  "an lcurve in a missing folder": {
    changes: { training: { disp_file: "nowhere/lcurve.out" } },
    says: [/lcurve\.out/, /training\.disp_file/],
  },
  "an lcurve that is a folder": {
    changes: { training: { disp_file: "water" } },
    says: [/water/, /training\.disp_file/],
  },
  "metrics in a missing folder": {
    args: ["--metrics", "nowhere/metrics.jsonl"],
    says: [/metrics\.jsonl/, /--metrics/],
  },
};

/** The coordinates of the water system without the last bytes. */
function shortened(bytes: number): Uint8Array {
  const header = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 9), }".padEnd(117) + "\n";
  const whole = Buffer.concat([
    Buffer.from("\x93NUMPY\x01\x00v\x00", "latin1"),
    Buffer.from(header),
    Buffer.from(Float64Array.from(numbersOf("set.000/coord.npy")).buffer),
  ]);
  return new Uint8Array(whole.subarray(0, whole.length - bytes));
}

describe("atomgrad train refuses in a few lines, and leaves everything as it was:", () => {
  it.each(Object.entries(wrong))("%s", (_, { changes = {}, args = [], prepare, says }) => {
    const folder = folderWith(changes, prepare);
    const before = folderState(folder);
    const input = args[0]?.endsWith(".json") ? [] : ["input.json"];
    expectRefusal(program.run(folder, ["train", ...input, ...args]), ...says);
    expect(folderState(folder)).toEqual(before);
  });
});

describe("atomgrad train runs on", () => {
  it("with a too small sel, and says in one line which number is needed", () => {
    const folder = folderWith({ descriptor: { sel: 1 } });
    const { status, stderr } = program.run(folder, ["train", "input.json"]);
    expect(status, stderr).toBe(0);
    const lines = stderr.trimEnd().split("\n");
    expect(lines.length).toBe(1);
    expect(lines[0]).toMatch(/\bsel\b.*\bat least 2$/);
  });

  it("without a place for its curve (disp_file /dev/null)", () => {
    const folder = folderWith({ training: { disp_file: "/dev/null" } });
    const { status, stderr } = program.run(folder, ["train", "input.json"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  it.skipIf(process.platform !== "linux")("until the disk of its curve is full (/dev/full of Linux)", () => {
    const folder = folderWith({ training: { disp_file: "/dev/full" } });
    expectRefusal(program.run(folder, ["train", "input.json"]), /full/, /no space left/);
  });
});
