import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readDeepmdSystem } from "../../src/data/deepmd-npy.js";
import { deepmdSystemFiles, writeDeepmdSystem } from "../../src/data/deepmd-npy-write.js";
import { frameTypes } from "../../src/data/deepmd-system.js";
import { findDeepmdSystems } from "../../src/data/deepmd-systems.js";
import { f8, putSystem, waterFiles } from "./deepmd-folder.js";
import { errorOf } from "./expect-error.js";
import { temporaryFolder } from "./temporary-folder.js";

const shared = join(import.meta.dirname, "../../../shared/data");
const noShared = !existsSync(shared);
const folder = temporaryFolder();

describe("reading a DeePMD system", () => {
  it("gives positions, cells, types and labels of all sets in name order", () => {
    const files = waterFiles();
    const more = Object.entries(waterFiles()).filter(
      ([name]) => name.startsWith("set.") && !name.includes("force"),
    );
    for (const [name, spec] of more) files[name.replace("set.000", "set.001")] = spec;
    const system = readDeepmdSystem(putSystem(join(folder, "two-sets"), files));
    expect(system).toMatchObject({
      frameCount: 6,
      atomCount: 3,
      mixed: false,
      typeMap: ["O", "H"],
      setSizes: [3, 3],
    });
    expect(system.types).toEqual(Int32Array.of(0, 1, 1));
    expect(system.positions.length).toBe(6 * 9);
    expect(system.positions[9 + 3]).toBe(0.96 + 0.1);
    expect(system.cells!.length).toBe(54);
    expect(system.labels.energy).toEqual({
      width: 1,
      data: Float64Array.of(-1, -2, -3, -1, -2, -3),
      found: new Uint8Array(6).fill(1),
    });
    expect([...system.labels.force!.found]).toEqual([1, 1, 1, 0, 0, 0]);
    expect(system.labels.force!.data.subarray(27).every((x) => x === 0)).toBe(true);
    expect(system.labels.virial).toBeUndefined();
  });

  it("reads a one-dimensional coord.npy as one frame, float32 and other spellings of the labels", () => {
    const files = {
      ...waterFiles(),
      nopbc: "",
      "set.000/box.npy": null,
      "set.000/coord.npy": { shape: [9], data: Float32Array.from({ length: 9 }, (_, k) => k / 7) },
      "set.000/energy.npy": f8([], [-5]),
      "set.000/force.npy": f8([1, 3, 3], new Array<number>(9).fill(0.5)),
      "set.000/virial.npy": f8([9], new Array<number>(9).fill(1)),
      "set.000/atomic_ener.npy": f8([1, 3], [1, 2, 3]),
      "set.000/atomic_pref.npy": f8([3], [1, 0, 2]),
      "set.000/fparam.npy": f8([2], [7, 8]),
      "set.000/aparam.npy": f8([1, 6], [1, 2, 3, 4, 5, 6]),
    };
    const system = readDeepmdSystem(putSystem(join(folder, "one-frame"), files));
    expect(system.frameCount).toBe(1);
    expect(system.cells).toBeNull();
    expect(system.positions[5]).toBe(Math.fround(5 / 7));
    expect(system.labels.atom_ener!.data).toEqual(Float64Array.of(1, 2, 3));
    expect(system.labels.atom_pref!.data).toEqual(Float64Array.of(1, 1, 1, 0, 0, 0, 2, 2, 2));
    expect(system.labels.fparam).toMatchObject({ width: 2 });
    expect(system.labels.aparam).toMatchObject({ width: 6 });
  });

  it("ignores the box of an open system and labels that are not asked for", () => {
    const files = {
      ...waterFiles(),
      nopbc: "",
      "set.000/box.npy": "nonsense",
      "set.000/virial.npy": "nonsense",
    };
    const system = readDeepmdSystem(putSystem(join(folder, "open"), files), { labels: ["energy"] });
    expect(system.cells).toBeNull();
    expect(Object.keys(system.labels)).toEqual(["energy"]);
    expect(readDeepmdSystem(join(folder, "open"), { labels: ["fparam"], fparam: 0 }).labels).toEqual({});
  });

  it("renumbers types by name into the model's type map", () => {
    const path = putSystem(join(folder, "renumbered"), { ...waterFiles(), "type_map.raw": "O H Xx" });
    expect(readDeepmdSystem(path, { typeMap: ["C", "H", "O"] }).types).toEqual(Int32Array.of(2, 1, 1));
    const bare = putSystem(join(folder, "no-map"), { ...waterFiles(), "type_map.raw": null });
    expect(readDeepmdSystem(bare, { typeMap: ["C", "H", "O"] })).toMatchObject({
      types: Int32Array.of(0, 1, 1),
    });
    expect(readDeepmdSystem(bare).typeMap).toBeNull();
  });

  it("reads mixed types with virtual atoms", () => {
    const types = { shape: [3, 3], data: BigInt64Array.of(0n, 1n, 1n, 0n, 0n, 1n, 1n, -1n, -1n) };
    const path = putSystem(join(folder, "mixed"), {
      ...waterFiles(),
      "type.raw": "0 0 0",
      "set.000/real_atom_types.npy": types,
    });
    const system = readDeepmdSystem(path, { typeMap: ["H", "O"] });
    expect(system.mixed).toBe(true);
    expect(frameTypes(system, 0)).toEqual(Int32Array.of(1, 0, 0));
    expect(frameTypes(system, 2)).toEqual(Int32Array.of(0, -1, -1));
  });
});

describe("whole numbers", () => {
  it("stand for cells, parameters and weights", () => {
    const whole = (shape: number[], numbers: number[]): { shape: number[]; data: Int32Array } => ({
      shape,
      data: Int32Array.from(numbers),
    });
    const cube = [10, 0, 0, 0, 10, 0, 0, 0, 10];
    const path = putSystem(join(folder, "whole"), {
      ...waterFiles(),
      "set.000/box.npy": whole([3, 9], [...cube, ...cube, ...cube]),
      "set.000/fparam.npy": { shape: [3, 1], data: BigInt64Array.of(300n, 400n, 500n) },
      "set.000/atom_pref.npy": whole([3, 3], [1, 2, 1, 1, 1, 1, 1, 1, 0]),
    });
    const { cells, labels } = readDeepmdSystem(path);
    expect([...cells!.subarray(0, 9)]).toEqual(cube);
    expect([...labels.fparam!.data]).toEqual([300, 400, 500]);
    expect([...labels.atom_pref!.data.subarray(0, 9)]).toEqual([1, 1, 1, 2, 2, 2, 1, 1, 1]);
  });
});

describe("bad DeePMD systems", () => {
  const f4 = (count: number): Float32Array => new Float32Array(count);
  const cases: [string, Record<string, ReturnType<typeof waterFiles>[string]>, RegExp][] = [
    [
      "coordinates in integers",
      { "set.000/coord.npy": { shape: [3, 9], data: new Int32Array(27) } },
      /set\.000\/coord\.npy: holds i4; float32 or float64/,
    ],
    [
      "coordinates of another molecule",
      { "set.000/coord.npy": { shape: [3, 12], data: f4(36) } },
      /coord\.npy: shape \(3, 12\), but the 3 atoms of type\.raw ask for \(frames, 9\)/,
    ],
    ["no frames", { "set.000/coord.npy": { shape: [0, 9], data: f4(0) } }, /coord\.npy: holds no frames/],
    [
      "a short box",
      { "set.000/box.npy": { shape: [2, 9], data: f4(18) } },
      /box\.npy: shape \(2, 9\), but the 3 frames of coord\.npy ask for \(3, 9\)/,
    ],
    ["six cell numbers", { "set.000/box.npy": { shape: [3, 6], data: f4(18) } }, /box\.npy: shape \(3, 6\)/],
    [
      "short energies",
      { "set.000/energy.npy": f8([2], [1, 2]) },
      /energy\.npy: shape \(2\), but 3 frames of 3 atoms ask for \(3, 1\)/,
    ],
    ["flat forces", { "set.000/force.npy": { shape: [27], data: f4(27) } }, /force\.npy: shape \(27\)/],
    ["a missing box", { "set.000/box.npy": null }, /box\.npy: no such file; .*"nopbc"/],
    ["missing coordinates", { "set.000/coord.npy": null }, /coord\.npy: cannot read .*no such file/],
    ["missing types", { "type.raw": null }, /type\.raw: cannot read .*no such file/],
    ["empty types", { "type.raw": " \n" }, /type\.raw: empty/],
    ["types as names", { "type.raw": "O H H" }, /type\.raw: entry 0 is "O"; whole numbers/],
    [
      "a type without a name",
      { "type.raw": "0 1 2" },
      /type\.raw: atom 2 is type 2, but type_map\.raw names 2 \(O H\)/,
    ],
    ["a name twice", { "type_map.raw": "O O" }, /type_map\.raw: "O" stands there twice/],
    [
      "an unknown element",
      { "type_map.raw": "O X" },
      /type_map\.raw: element "X" \(type 1, used by .*atom 1\) is not in the model's type_map \(O H\)/,
    ],
    [
      "a NaN coordinate",
      {
        "set.000/coord.npy": f8(
          [3, 9],
          Array.from({ length: 27 }, (_, k) => (k === 14 ? NaN : k)),
        ),
      },
      /coord\.npy: frame 1, atom 1, z is NaN/,
    ],
    [
      "a NaN energy",
      { "set.000/energy.npy": f8([3], [1, NaN, 2]) },
      /energy\.npy: frame 1 is NaN; remove this frame/,
    ],
    [
      "an infinite force",
      {
        "set.000/force.npy": f8(
          [3, 9],
          Array.from({ length: 27 }, (_, k) => (k === 26 ? -Infinity : 0)),
        ),
      },
      /force\.npy: frame 2, atom 2, z is -Infinity/,
    ],
    [
      "a NaN box",
      { "set.000/box.npy": f8([3, 9], new Array<number>(27).fill(NaN)) },
      /box\.npy: frame 0, entry 0 is NaN/,
    ],
    [
      "a zero box",
      { "set.000/box.npy": f8([3, 9], new Array<number>(27).fill(0)) },
      /box\.npy: frame 0 has a cell without volume .*"nopbc"/,
    ],
    [
      "coplanar vectors",
      {
        "set.000/box.npy": f8(
          [3, 9],
          [10, 0, 0, 0, 10, 0, 0, 0, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0, 0, 10, 0, 0, 0, 10],
        ),
      },
      /box\.npy: frame 1 has a cell without volume/,
    ],
    [
      "objects",
      {
        "set.000/energy.npy": Uint8Array.from([
          0x93,
          0x4e,
          0x55,
          0x4d,
          0x50,
          0x59,
          1,
          0,
          58,
          0,
          ...new TextEncoder().encode("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }  \n"),
        ]),
      },
      /set\.000\/energy\.npy: dtype object/,
    ],
    [
      "a short file",
      { "set.000/force.npy": Uint8Array.from([0x93, 0x4e, 0x55]) },
      /set\.000\/force\.npy: not an npy file/,
    ],
    [
      "no sets",
      {
        "set.000/coord.npy": null,
        "set.000/box.npy": null,
        "set.000/energy.npy": null,
        "set.000/force.npy": null,
      },
      /holds no set\.\* folder/,
    ],
    [
      "mixed types without names",
      { "type_map.raw": null, "set.000/real_atom_types.npy": { shape: [3, 3], data: new Int32Array(9) } },
      /type_map\.raw: no such file; mixed types/,
    ],
    [
      "mixed types as reals",
      { "set.000/real_atom_types.npy": { shape: [3, 3], data: f4(9) } },
      /real_atom_types\.npy: holds f4; integers/,
    ],
    [
      "mixed types of fewer atoms",
      { "set.000/real_atom_types.npy": { shape: [3, 2], data: new Int32Array(6) } },
      /real_atom_types\.npy: shape \(3, 2\)/,
    ],
    [
      "a mixed type out of range",
      { "set.000/real_atom_types.npy": { shape: [3, 3], data: Int32Array.of(0, 1, 1, 0, 5, 1, 0, 1, 1) } },
      /real_atom_types\.npy: frame 1, atom 1 is type 5/,
    ],
    [
      "mixed types in one set only",
      {
        "set.001/coord.npy": { shape: [1, 9], data: f4(9) },
        "set.001/box.npy": f8([9], [9, 0, 0, 0, 9, 0, 0, 0, 9]),
        "set.001/real_atom_types.npy": { shape: [1, 3], data: new Int32Array(3) },
      },
      /set\.000\/real_atom_types\.npy: no such file, but other sets/,
    ],
    [
      "frame parameters of another count",
      { "set.000/fparam.npy": f8([3, 2], [1, 2, 3, 4, 5, 6]) },
      /fparam\.npy: shape \(3, 2\), but 3 frames and the model's numb_fparam 1 ask for \(3, 1\)/,
    ],
    [
      "atom parameters that do not divide",
      { "set.000/aparam.npy": f8([3, 4], new Array<number>(12).fill(0)) },
      /aparam\.npy: 12 numbers cannot be shared out evenly/,
    ],
  ];

  it.each(cases)("%s", (title, changes, says) => {
    const path = putSystem(join(folder, "bad", title.replaceAll(" ", "-")), { ...waterFiles(), ...changes });
    const error = errorOf(() => readDeepmdSystem(path, { typeMap: ["O", "H"], fparam: 1 }));
    expect(error.message).toMatch(says);
    expect(error.message.startsWith(title.replaceAll(" ", "-"))).toBe(true);
  });

  it("names a missing folder and a file in its place", () => {
    expect(errorOf(() => readDeepmdSystem(join(folder, "absent"))).message).toMatch(
      /^absent: cannot read .*no such file/,
    );
    expect(errorOf(() => readDeepmdSystem(join(folder, "one-frame/type.raw"))).message).toMatch(
      /is not a folder/,
    );
  });
});

describe("finding systems", () => {
  it("searches one folder and takes a list as it is", () => {
    const root = join(folder, "search");
    for (const name of ["b/x", "a", "b/y10", "b/y2"]) putSystem(join(root, name), waterFiles());
    const below = (names: string[]): string[] => names.map((name) => join(root, name));
    expect(findDeepmdSystems(root)).toEqual(below(["a", "b/x", "b/y10", "b/y2"]));
    expect(findDeepmdSystems(join(root, "a"))).toEqual(below(["a"]));
    expect(findDeepmdSystems(below(["b/y2", "a"]))).toEqual(below(["b/y2", "a"]));
    expect(findDeepmdSystems(root, ["y*", "a"])).toEqual(below(["a", "b/y10", "b/y2"]));
    expect(findDeepmdSystems(root, ["b/[!y]"])).toEqual(below(["b/x"]));
    expect(findDeepmdSystems(root, ["b/**/y?"])).toEqual(below(["b/y2"]));
  });

  it("says what is missing", () => {
    const root = join(folder, "search");
    expect(errorOf(() => findDeepmdSystems([root])).message).toMatch(/holds no type\.raw; to search/);
    expect(errorOf(() => findDeepmdSystems([join(root, "zzz")])).message).toMatch(/^zzz: .*no such folder/);
    expect(errorOf(() => findDeepmdSystems(join(root, "a/set.000"))).message).toMatch(
      /no folder with type\.raw in/,
    );
    expect(errorOf(() => findDeepmdSystems(root, ["q*"])).message).toMatch(
      /no folder with type\.raw that matches "q\*"/,
    );
    expect(errorOf(() => findDeepmdSystems(root, ["[z-a]"])).code).toBe("CONFIG");
    expect(errorOf(() => findDeepmdSystems(["x/y.hdf5#/sys"])).message).toMatch(
      /^y\.hdf5: a folder of systems .* no HDF5 data/,
    );
    expect(errorOf(() => findDeepmdSystems("x/y.lmdb")).message).toMatch(
      /^y\.lmdb: a folder of systems .* no LMDB data/,
    );
  });
});

describe("writing systems", () => {
  it("gives back what was read, mixed or not", () => {
    for (const name of ["two-sets", "mixed", "one-frame"]) {
      const system = readDeepmdSystem(join(folder, name));
      const copy = join(folder, `${name}-copy`);
      writeDeepmdSystem(copy, system);
      expect({ ...readDeepmdSystem(copy), name: "" }).toEqual({ ...system, name: "" });
      expect(errorOf(() => writeDeepmdSystem(copy, system)).message).toMatch(/already holds a system/);
    }
  });

  it("needs names for mixed types", () => {
    const system = { ...readDeepmdSystem(join(folder, "mixed")), typeMap: null };
    expect(errorOf(() => deepmdSystemFiles("x", system)).message).toMatch(/needs a type map/);
  });
});

describe.skipIf(noShared)("real data (skipped without ../shared/data)", () => {
  it("water", () => {
    const paths = findDeepmdSystems(join(shared, "deepmd-water"));
    expect(paths.map((path) => path.split("/").at(-1))).toEqual(["data_0", "data_1", "data_2", "data_3"]);
    const systems = paths.map((path) => readDeepmdSystem(path, { typeMap: ["O", "H"] }));
    expect(systems.map((system) => system.frameCount)).toEqual([64, 128, 64, 64]);
    const { types, labels, cells } = systems[0];
    expect(types.reduce((sum, type) => sum + type, 0)).toBe(128);
    expect(Object.keys(labels)).toEqual(["energy", "force"]);
    expect(labels.energy!.data[0]).toBeCloseTo(-29943.9, 0);
    expect(cells![0]).toBeCloseTo(12.444661, 6);
  });

  it("alloys, mixed types", () => {
    const system = readDeepmdSystem(join(shared, "alloy-nbmotaw/n128"), { typeMap: ["W", "Ta", "Mo", "Nb"] });
    expect(system).toMatchObject({ frameCount: 13, atomCount: 128, mixed: true });
    const counts = [0, 1, 2, 3].map((type) => frameTypes(system, 0).filter((t) => t === type).length);
    expect(counts.reduce((a, b) => a + b)).toBe(128);
    const energies = [...system.labels.energy!.data].map((energy) => energy / 128);
    expect(energies.every((energy) => energy > -13 && energy < -9)).toBe(true);
    expect(readDeepmdSystem(join(shared, "alloy-nbmotaw/n016")).frameCount).toBe(3158);
  });

  it("molecules without energies, open boundaries", () => {
    const system = readDeepmdSystem(join(shared, "deepmd-mixed-qm9prop/data_1"));
    expect(system).toMatchObject({ frameCount: 64, atomCount: 22, mixed: true, cells: null, labels: {} });
    expect(system.typeMap).toEqual(["H", "C", "N", "O"]);
  });

  it("a water system with an element the model does not know", () => {
    const run = (): unknown => readDeepmdSystem(join(shared, "deepmd-water/data_0"), { typeMap: ["O", "C"] });
    expect(errorOf(run).message).toMatch(/^data_0\/type_map\.raw: element "H"/);
  });
});
