import { readFileSync } from "node:fs";
import { join } from "node:path";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { readDeepmdSystem } from "../../src/data/deepmd-npy.js";
import { sampleDeepmd } from "../../src/data/formats/deepmd-sample.js";
import { inspectFile } from "../../src/data/inspect/inspect.js";
import {
  encodeNpy,
  parseNpy,
  readNpy,
  readNpyFloat64,
  readNpyInt32,
  writeNpySync,
} from "../../src/data/npy.js";
import { readNpyRows } from "../../src/data/npy-parts.js";
import { encodeNpz, readNpz } from "../../src/data/npz.js";
import { readStructures } from "../../src/data/structures.js";
import { withWeights } from "../../src/data/weights/open.js";
import { putSystem, waterFiles } from "./deepmd-folder.js";
import { errorOf } from "./expect-error.js";
import { joinBytes, put, temporaryFolder } from "./temporary-folder.js";

const fixtures = join(import.meta.dirname, "../fixtures/npy");
const folder = temporaryFolder();
const at = (name: string): string => join(fixtures, `${name}.npy`);
/** x - i (x + 100) for the numbers x = k / 8 of a grid of 2 by 3 by 4. */
const waves = Float64Array.from({ length: 24 }, (_, k) => k / 8).reduce<number[]>(
  (pairs, x) => [...pairs, x, -(x + 100)],
  [],
);
const [single, double] = [Float32Array.from(waves), Float64Array.from(waves)];
const shape = [2, 3, 4];

describe("complex numbers that NumPy wrote", () => {
  it("are pairs in C order, whatever the byte order and memory order", () => {
    for (const name of ["c8", "c8_big_endian_fortran"])
      expect(readNpy(at(name))).toEqual({ dtype: "c8", shape, data: single });
    for (const name of ["c16", "c16_big_endian", "c16_fortran"])
      expect(readNpy(at(name))).toEqual({ dtype: "c16", shape, data: double });
    expect(readNpy(at("c16_scalar"))).toEqual({ dtype: "c16", shape: [], data: Float64Array.of(2.5, -0.5) });
    expect(readNpy(at("c8_empty"))).toEqual({ dtype: "c8", shape: [0, 7], data: new Float32Array(0) });
  });

  it("are mapped where memory holds them as the file does", () => {
    for (const name of ["c8", "c16", "c16_scalar", "c8_empty"])
      expect(readNpy(at(name), { mmapMode: "c" })).toEqual(readNpy(at(name)));
    const refused = (name: string) => errorOf(() => readNpy(at(name), { mmapMode: "c" })).message;
    expect(refused("c16_big_endian")).toMatch(/byte order/);
    expect(refused("c16_fortran")).toMatch(/Fortran order/);
  });

  it("are written byte for byte as NumPy writes them", () => {
    for (const name of ["c8", "c16", "c16_scalar", "c8_empty"]) {
      const path = join(folder, "written.npy");
      writeNpySync(path, readNpy(at(name)));
      expect(readFileSync(path).equals(readFileSync(at(name))), name).toBe(true);
    }
    expect(errorOf(() => encodeNpy({ shape: [2], dtype: "c16", data: new Float64Array(2) })).message).toMatch(
      /2 numbers do not fill shape \(2\) of c16, two for each/,
    );
    expect(errorOf(() => encodeNpy({ shape: [1], dtype: "c8", data: new Float64Array(2) })).code).toBe(
      "SHAPE",
    );
    expect(parseNpy(joinBytes(encodeNpy({ shape: [2], data: new Float64Array(2) })), "x").dtype).toBe("f8");
  });

  it("are refused wherever the file is cut", () => {
    for (const name of ["c8_big_endian_fortran", "c16"]) {
      const bytes = readFileSync(at(name));
      for (let end = 0; end < bytes.length; end++)
        expect(errorOf(() => parseNpy(bytes.subarray(0, end), "x.npy")).code).toBe("FORMAT");
    }
  });

  it("are read across pieces where bytes are swapped", () => {
    const count = 200_003;
    const data = Float64Array.from({ length: 2 * count }, (_, k) => Math.sin(k));
    const [head, body] = encodeNpy({ shape: [count], dtype: "c16", data });
    const turned = Buffer.concat([head, body]);
    turned.write(">", turned.indexOf("<c16"), "latin1");
    turned.subarray(head.length).swap64();
    expect(parseNpy(turned, "x.npy").data).toEqual(data);
  });
});

describe("complex arrays of an npz", () => {
  it("are tensors, stored in C order", () => {
    withWeights(join(fixtures, "complex.npz"), ({ tensors }) => {
      expect(tensors.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
        ["wave", "complex64", shape],
        ["turned", "complex128", shape],
        ["real", "float64", shape],
      ]);
      expect(tensors[0].array!.float64()).toEqual(double);
      expect(tensors[1].array!.float64()).toEqual(double);
    });
  });

  it("are written, and refused where float64 is asked for", () => {
    const path = put(
      join(folder, "one.npz"),
      encodeNpz(new Map([["w", { shape, dtype: "c8", data: single }]])),
    );
    withWeights(path, ({ tensors }) => expect(tensors[0].array!.float64()).toEqual(double));
    expect(errorOf(() => readNpz(path))).toMatchObject({
      code: "DTYPE",
      message: expect.stringMatching(/^one\.npz: w: holds c8, complex numbers; real/) as string,
    });
  });
});

describe("complex numbers in inspect", () => {
  it("have a range for either part; those with a part that is not finite are counted", async () => {
    expect(await inspectFile(at("c16_non_finite"), { hash: true })).toMatchObject({
      format: "npy",
      tensors: [{ dtype: "complex128", shape: [4], sha256: expect.stringMatching(/^\w{64}$/) as string }],
      order: "C",
      byte_order: "little",
      values: {
        real: { min: 1, max: 3, mean: 2, count: 2 },
        imag: { min: -8, max: 4, mean: -2, count: 2 },
      },
      non_finite: 2,
    });
    expect(await inspectFile(at("c8_empty"))).toMatchObject({ values: null, non_finite: 0 });
    expect(await inspectFile(at("c8_big_endian_fortran"))).toMatchObject({
      order: "Fortran",
      byte_order: "big",
      values: { real: { min: 0, max: 2.875 }, imag: { min: -102.875, max: -100 } },
    });
  });

  it("are sampled by the number, not by its parts", async () => {
    const path = join(folder, "large.npy");
    writeNpySync(path, { shape: [4_500_000], dtype: "c8", data: new Float32Array(9_000_000).fill(7) });
    expect(await inspectFile(path)).toMatchObject({ sampled: 4_194_304, values: { imag: { mean: 7 } } });
  });
});

describe("complex numbers where real ones are needed", () => {
  const complex = (shape: number[]): Uint8Array => {
    const length = 2 * shape.reduce((product, size) => product * size, 1);
    return joinBytes(encodeNpy({ shape, dtype: "c16", data: new Float64Array(length).fill(1) }));
  };

  it("are refused by the readers of float64, int32 and rows", () => {
    const says = /^c16\.npy: holds c16, complex numbers; real numbers are needed/;
    for (const read of [readNpyFloat64, readNpyInt32, (path: string) => readNpyRows(path, [0])])
      expect(errorOf(() => read(at("c16")))).toMatchObject({
        code: "DTYPE",
        message: expect.stringMatching(says) as string,
      });
  });

  it("are refused in DeePMD systems, in fields of their own too", async () => {
    const system = (name: string, file: string, shape: number[]): string =>
      putSystem(join(folder, name), { ...waterFiles(), [`set.000/${file}.npy`]: complex(shape) });
    for (const file of ["coord", "box", "force"]) {
      const path = system(file, file, [3, 9]);
      expect(errorOf(() => readDeepmdSystem(path)).message).toMatch(/holds c16; float32 or float64/);
      expect(errorOf(() => sampleDeepmd([path], 2)).message).toMatch(/holds c16, complex numbers/);
    }
    const types = system("mixed", "real_atom_types", [3, 3]);
    expect(errorOf(() => readDeepmdSystem(types)).message).toMatch(/holds c16, complex numbers/);
    const extra = system("extra", "dipole", [3, 3]);
    await expect(readStructures(extra, { format: "deepmd-npy" })).rejects.toThrow(
      /^extra\/set\.000\/dipole\.npy: holds c16, complex numbers/,
    );
  });

  it("are refused as positions, energies or counts of an npz and passed over elsewhere", async () => {
    const real = (shape: number[]): Uint8Array =>
      joinBytes(encodeNpy({ shape, data: new Float64Array(shape.reduce((p, n) => p * n, 1)).fill(1) }));
    const plain = { "R.npy": real([2, 3, 3]), "z.npy": real([3]), "E.npy": real([2]) };
    const write = (name: string, more: Record<string, Uint8Array>): string =>
      put(join(folder, name), zipSync({ ...plain, ...more }));
    const kept = await readStructures(write("kept.npz", { "wave.npy": complex([2, 3]) }));
    expect(kept).toHaveLength(2);
    expect(kept[0].info.has("wave") || kept[0].arrays.has("wave")).toBe(false);
    for (const [name, shape] of Object.entries({ R: [2, 3, 3], z: [3], E: [2], F: [2, 3, 3], N: [1] }))
      await expect(
        readStructures(write(`bad-${name}.npz`, { [`${name}.npy`]: complex(shape) })),
      ).rejects.toThrow(new RegExp(`^bad-${name}\\.npz: ${name}: holds c16, complex numbers`));
  });
});
