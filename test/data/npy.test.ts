import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeNpy,
  parseNpy,
  readNpy,
  readNpyFloat64,
  readNpyHeader,
  readNpyInt32,
  writeNpySync,
} from "../../src/data/npy.js";
import type { NpyData } from "../../src/data/npy-arrays.js";
import type { NpyDType } from "../../src/data/npy-header.js";
import { errorOf, expectOnlyAtomgradError } from "./expect-error.js";
import { joinBytes, put, temporaryFolder } from "./temporary-folder.js";

const fixtures = join(import.meta.dirname, "../fixtures/npy");
const shared = join(import.meta.dirname, "../../../shared/data");
const folder = temporaryFolder();
const grid = Float64Array.from({ length: 24 }, (_, k) => k / 8);

function fixture(name: string): ReturnType<typeof readNpy> {
  return readNpy(join(fixtures, `${name}.npy`));
}

function npyBytes(header: string, body: ArrayLike<number>, version = 1): Uint8Array {
  const text = [...header].map((c) => c.charCodeAt(0));
  const length =
    version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
  return Uint8Array.from([
    0x93,
    0x4e,
    0x55,
    0x4d,
    0x50,
    0x59,
    version,
    0,
    ...length,
    ...text,
    ...Array.from(body),
  ]);
}

describe("npy files written by NumPy", () => {
  it("reads every layout as C order", () => {
    for (const name of ["f8_fortran", "version2", "version3"]) {
      expect(fixture(name)).toEqual({ dtype: "f8", shape: [2, 3, 4], data: grid });
    }
    expect(fixture("f4_big_endian")).toEqual({
      dtype: "f4",
      shape: [2, 3, 4],
      data: Float32Array.from(grid),
    });
    expect(fixture("f2")).toEqual({ dtype: "f2", shape: [2, 3, 4], data: Float32Array.from(grid) });
    const integers = BigInt64Array.from({ length: 24 }, (_, k) => BigInt(k - 3));
    expect(fixture("i8_big_endian_fortran")).toEqual({ dtype: "i8", shape: [2, 3, 4], data: integers });
  });

  it("reads scalars, empty arrays, booleans and extreme integers", () => {
    expect(fixture("scalar")).toEqual({ dtype: "f8", shape: [], data: Float64Array.of(2.5) });
    expect(fixture("empty")).toEqual({ dtype: "f8", shape: [0, 7], data: new Float64Array(0) });
    expect(fixture("bool")).toEqual({ dtype: "bool", shape: [3], data: Uint8Array.of(1, 0, 1) });
    expect(fixture("u8").data).toEqual(BigUint64Array.of(0n, 1n, 2n ** 64n - 1n));
    expect(fixture("i1").data).toEqual(Int8Array.of(-128, 0, 127));
  });

  it("refuses what is not numbers, by name", () => {
    expect(errorOf(() => fixture("object")).message).toMatch(
      /^object\.npy: dtype object \(pickled Python objects/,
    );
    expect(errorOf(() => fixture("text")).message).toMatch(/^text\.npy: dtype "<U1"/);
    expect(errorOf(() => fixture("structured")).message).toMatch(/^structured\.npy: a structured array/);
    expect(errorOf(() => fixture("object")).code).toBe("DTYPE");
  });

  it.skipIf(!existsSync(shared))("reads the water frames (skipped without ../shared/data)", () => {
    const { shape, data } = readNpyFloat64(join(shared, "deepmd-water/data_0/set.000/coord.npy"));
    expect(shape).toEqual([64, 576]);
    expect(data.length).toBe(64 * 576);
    expect(data.every((x) => Math.abs(x) < 100)).toBe(true);
  });
});

describe("reading as float64 and int32", () => {
  it("widens float32 and float16 exactly, across read pieces", () => {
    const values = Float32Array.from({ length: 300001 }, (_, k) => Math.fround(Math.sin(k)));
    writeNpySync(join(folder, "wide.npy"), { shape: [300001], data: values });
    expect(readNpyFloat64(join(folder, "wide.npy")).data).toEqual(Float64Array.from(values));
    expect(readNpyFloat64(join(fixtures, "f2.npy")).data).toEqual(grid);
    expect(readNpyFloat64(join(fixtures, "f8_fortran.npy")).data).toEqual(grid);
  });

  it("refuses integers where real numbers are needed and the other way round", () => {
    expect(errorOf(() => readNpyFloat64(join(fixtures, "i1.npy"))).message).toMatch(
      /i1\.npy: holds i1; float32 or float64/,
    );
    expect(errorOf(() => readNpyInt32(join(fixtures, "scalar.npy"))).message).toMatch(
      /scalar\.npy: holds f8; integers/,
    );
    expect(errorOf(() => readNpyInt32(join(fixtures, "u8.npy"))).message).toMatch(
      /u8\.npy: entry 2 is 1844.* int32/,
    );
  });

  it("reads headers without the numbers", () => {
    expect(readNpyHeader(join(fixtures, "f8_fortran.npy"))).toMatchObject({
      dtype: "f8",
      fortranOrder: true,
      count: 24,
    });
  });
});

describe("damaged npy files", () => {
  const good = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }";
  const body = new Array<number>(16).fill(0);

  it("says what is wrong", () => {
    const cases: [Uint8Array, RegExp][] = [
      [new Uint8Array(0), /not an npy file/],
      [Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]), /not an npy file/],
      [npyBytes(good, body, 4), /format version 4/],
      [npyBytes(good, body.slice(1)), /needs 16 bytes, the file holds 15; the file was cut short/],
      [npyBytes(good, [...body, 0]), /1 bytes follow the array/],
      [npyBytes(good, body).subarray(0, 30), /header is incomplete/],
      [npyBytes("{'descr': '<f8', 'shape': (2,)}", body), /needs descr, fortran_order and shape/],
      [npyBytes("{'descr': '<f8', 'fortran_order': False, 'shape': (-2,)}", body), /cannot be understood/],
      [
        npyBytes("{'descr': '<f8', 'fortran_order': False, 'shape': (9007199254740993,)}", body),
        /impossible shape/,
      ],
      [npyBytes("{'descr': '<f8', 'fortran_order': False, 'shape': ('2',)}", body), /impossible shape/],
      [npyBytes("__import__('os')", body), /cannot be understood/],
      [npyBytes("{'descr': '<f16', 'fortran_order': False, 'shape': (1,)}", body), /dtype "<f16"/],
    ];
    for (const [bytes, says] of cases) {
      const error = errorOf(() => parseNpy(bytes, "x.npy"));
      expect(error.message).toMatch(says);
      expect(error.message).toMatch(/^x\.npy: /);
    }
  });

  it("refuses a huge announced array before taking memory", () => {
    const bytes = npyBytes("{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000, 9)}", body);
    const before = process.memoryUsage().rss;
    expect(errorOf(() => parseNpy(bytes, "x.npy")).message).toMatch(/needs 7200000000000 bytes/);
    expect(process.memoryUsage().rss - before).toBeLessThan(50e6);
  });

  it("names missing files and folders", () => {
    expect(errorOf(() => readNpy(join(folder, "nothing.npy"))).message).toMatch(
      /^nothing\.npy: cannot read .*no such file/,
    );
    expect(errorOf(() => readNpy(folder)).message).toMatch(/it is a folder/);
    expect(errorOf(() => readNpy(folder)).code).toBe("FILE");
  });

  it("never fails in another way, whatever is changed", () => {
    const original = readFileSync(join(fixtures, "f8_fortran.npy"));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.nat(original.length),
        (changes, cut) => {
          const bytes = Uint8Array.from(original);
          for (const [at, value] of changes) bytes[at] = value;
          for (const candidate of [bytes, bytes.subarray(0, cut)]) {
            expectOnlyAtomgradError(() => parseNpy(candidate, "x.npy"));
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("npy round trips", () => {
  const makers: Partial<Record<NpyDType, (values: number[]) => NpyData>> = {
    f4: (v) => Float32Array.from(v),
    f8: (v) => Float64Array.from(v),
    i1: (v) => Int8Array.from(v),
    i2: (v) => Int16Array.from(v),
    i4: (v) => Int32Array.from(v),
    i8: (v) => BigInt64Array.from(v, (x) => BigInt(Math.trunc(Math.max(-1e15, Math.min(1e15, x || 0))))),
    u2: (v) => Uint16Array.from(v),
    u4: (v) => Uint32Array.from(v),
    bool: (v) => Uint8Array.from(v, (x) => (x > 0 ? 1 : 0)),
  };

  it("gives back every dtype and shape", () => {
    const arrays = fc.record({
      dtype: fc.constantFrom(...(Object.keys(makers) as NpyDType[])),
      shape: fc.array(fc.nat(4), { maxLength: 4 }),
    });
    fc.assert(
      fc.property(arrays, fc.infiniteStream(fc.double()), ({ dtype, shape }, stream) => {
        const count = shape.reduce((a, b) => a * b, 1);
        const data = makers[dtype]!([...stream.take(count)]);
        expect(parseNpy(joinBytes(encodeNpy({ shape, data, dtype })), "x.npy")).toEqual({
          dtype,
          shape,
          data,
        });
      }),
    );
  });

  it("writes half precision rounded to nearest even", () => {
    const values = Float32Array.of(
      0,
      -0,
      1,
      65504,
      65519,
      65520,
      -1e9,
      2 ** -24,
      2 ** -25,
      3 * 2 ** -25,
      1 + 2 ** -11,
      NaN,
    );
    const back = parseNpy(joinBytes(encodeNpy({ shape: [12], data: values, dtype: "f2" })), "x.npy");
    const expected = [0, -0, 1, 65504, 65504, Infinity, -Infinity, 2 ** -24, 0, 2 ** -23, 1, NaN];
    expect(back.data).toEqual(Float32Array.from(expected));
  });

  it("starts the numbers on a 64-byte boundary and refuses a shape that does not fit", () => {
    expect(encodeNpy({ shape: [2], data: new Float64Array(2) })[0].length % 64).toBe(0);
    expect(errorOf(() => encodeNpy({ shape: [3], data: new Float64Array(2) })).code).toBe("SHAPE");
  });

  it("rejects a header in which code is hidden", () => {
    put(join(folder, "evil.npy"), npyBytes("{'descr': exec('x'), 'fortran_order': False, 'shape': ()}", []));
    expect(errorOf(() => readNpy(join(folder, "evil.npy"))).message).toMatch(/cannot be understood/);
  });
});
