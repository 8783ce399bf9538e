import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, truncateSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readNpy, readNpyFloat64, writeNpySync } from "../../src/data/npy.js";
import { errorOf } from "./expect-error.js";
import { put, temporaryFolder } from "./temporary-folder.js";

const fixtures = join(import.meta.dirname, "../fixtures/npy");
const folder = temporaryFolder();
const arrays = {
  f4: Float32Array.of(1, -2.5, NaN, 4, 5, 6),
  f8: Float64Array.of(1, -2.5, NaN, 4, 5, 6),
  i1: Int8Array.of(-128, 0, 1, 2, 3, 127),
  i2: Int16Array.of(-4, 0, 1, 2, 3, 4),
  i4: Int32Array.of(-4, 0, 1, 2, 3, 4),
  i8: BigInt64Array.of(-4n, 0n, 1n, 2n, 3n, 4n),
  u1: Uint8Array.of(255, 0, 1, 2, 3, 4),
  u2: Uint16Array.of(65535, 0, 1, 2, 3, 4),
  u4: Uint32Array.of(4294967295, 0, 1, 2, 3, 4),
  u8: BigUint64Array.of(2n ** 64n - 1n, 0n, 1n, 2n, 3n, 4n),
};

/** An npy file of six float64 whose header is padded to `headerEnd`. */
function withHeaderEnd(name: string, headerEnd: number): string {
  const head = "{'descr': '<f8', 'fortran_order': False, 'shape': (6,), }";
  const text = `${head.padEnd(headerEnd - 11)}\n`;
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length & 255, text.length >> 8];
  const bytes = [Buffer.from(magic), Buffer.from(text), Buffer.from(arrays.f8.buffer)];
  return put(join(folder, name), Buffer.concat(bytes));
}

describe("mapped npy files", () => {
  it.each(Object.entries(arrays))("%s: the array that is read", (dtype, data) => {
    const path = join(folder, `${dtype}.npy`);
    writeNpySync(path, { shape: [2, 3], data });
    expect(readNpy(path, { mmapMode: "c" })).toEqual(readNpy(path));
    expect(readNpy(path, { mmapMode: "c" }).data).toEqual(data);
  });

  it("maps what NumPy wrote: truth values, a scalar, an empty array", () => {
    for (const name of ["bool", "scalar", "empty", "u8", "i1"])
      expect(readNpy(join(fixtures, `${name}.npy`), { mmapMode: "c" })).toEqual(
        readNpy(join(fixtures, `${name}.npy`)),
      );
  });

  it("keeps writing to itself: neither the file nor another mapping changes", () => {
    const path = join(folder, "kept.npy");
    writeNpySync(path, { shape: [6], data: arrays.f8 });
    const before = readFileSync(path);
    const [one, two] = [readNpy(path, { mmapMode: "c" }), readNpy(path, { mmapMode: "c" })];
    one.data.fill(7 as never);
    expect(two.data).toEqual(arrays.f8);
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(one.data).toEqual(new Float64Array(6).fill(7));
  });

  it("begins at any multiple of its items, on any page, and outlives the file's name", () => {
    for (const headerEnd of [72, 80, 4088, 4096, 4104, 65528]) {
      const path = withHeaderEnd(`at${headerEnd}.npy`, headerEnd);
      const { data } = readNpy(path, { mmapMode: "c" });
      unlinkSync(path);
      expect(data).toEqual(arrays.f8);
    }
  });

  it("refuses by name what does not lie in the file as in memory", () => {
    const mapped = (path: string) => errorOf(() => readNpy(path, { mmapMode: "c" }));
    expect(mapped(join(fixtures, "f4_big_endian.npy"))).toMatchObject({
      code: "DTYPE",
      message: expect.stringMatching(/^f4_big_endian\.npy: .*byte order/) as string,
    });
    expect(mapped(join(fixtures, "f8_fortran.npy")).message).toMatch(/Fortran order/);
    expect(mapped(join(fixtures, "f2.npy")).message).toMatch(/float16/);
    expect(mapped(withHeaderEnd("odd.npy", 77)).message).toMatch(/begin at byte 77/);
    expect(mapped(join(fixtures, "object.npy")).message).toMatch(/object/);
    expect(
      errorOf(() => readNpy(join(fixtures, "u8.npy"), { mmapMode: "r+" as unknown as "c" })),
    ).toMatchObject({ code: "VALUE" });
  });

  it("refuses a file cut short before anything is mapped", () => {
    const path = withHeaderEnd("cut.npy", 128);
    truncateSync(path, 150);
    expect(errorOf(() => readNpy(path, { mmapMode: "c" })).message).toMatch(/cut short/);
  });
});

describe("arrays of many megabytes", () => {
  const built = join(import.meta.dirname, "..", "..", "build", `mapped-npy-test-${process.pid}`);
  const program = join(built, "mapped-npy-program.mjs");
  const path = join(folder, "large.npy");
  const data = Float64Array.from({ length: 1 << 20 }, (_, k) => Math.sqrt(k));

  beforeAll(async () => {
    writeNpySync(path, { shape: [1 << 10, 1 << 10], data });
    mkdirSync(built, { recursive: true });
    const source = join(import.meta.dirname, "mapped-npy-program.ts");
    await build({ entryPoints: [source], outfile: program, bundle: true, platform: "node", format: "esm" });
  });
  afterAll(() => rmSync(built, { recursive: true, force: true }));

  it("are read and mapped whole, into memory of earlier arrays too", async () => {
    for (let k = 0; k < 4; k++) {
      expect(Buffer.from(readNpy(path).data.buffer).equals(Buffer.from(data.buffer))).toBe(true);
      expect(readNpyFloat64(path).data.at(-1)).toBe(data.at(-1));
      expect(readNpy(path, { mmapMode: "c" }).data.at(-1)).toBe(data.at(-1));
      await new Promise((resolve) => setImmediate(resolve));
    }
  });

  it("live as long as they are used while workers map, send and are terminated, and are given back", () => {
    const result = spawnSync(process.execPath, [program, path], { encoding: "utf8", timeout: 60_000 });
    expect([result.signal, result.status, result.stderr]).toEqual([null, 0, ""]);
    const { received, same, growth } = JSON.parse(result.stdout) as Record<string, unknown>;
    expect(same).toBe(true);
    expect(received).toEqual(Array.from({ length: 12 }, () => [1 << 20, 0, data.at(-1)]).flat());
    // 200 arrays read and 200 mapped are 3,200 MiB.
    expect(growth).toBeLessThan(300);
  });
});
