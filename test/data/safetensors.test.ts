import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeSafetensors,
  parseSafetensors,
  readSafetensors,
  readSafetensorsMetadata,
  tensorNumbers,
  tensorToFloat64,
  writeSafetensorsSync,
} from "../../src/data/safetensors.js";
import type { SafeTensorData } from "../../src/data/safetensors.js";
import { errorOf, expectOnlyAtomgradError } from "./expect-error.js";
import { joinBytes, temporaryFolder } from "./temporary-folder.js";

const folder = temporaryFolder();

function fileOf(header: string, body: ArrayLike<number> = []): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);
  return joinBytes([length, text, Uint8Array.from(body)]);
}

const sample: [string, SafeTensorData][] = [
  ["w", { dtype: "F64", shape: [2, 2], data: Float64Array.of(1, -2, Math.PI, 1e-300) }],
  ["flags", { dtype: "BOOL", shape: [3], data: Uint8Array.of(1, 0, 1) }],
  ["step", { dtype: "I64", shape: [], data: BigInt64Array.of(-7n) }],
  ["h", { dtype: "F16", shape: [2], data: Uint16Array.of(0x3c00, 0xc000) }],
  ["b", { dtype: "BF16", shape: [2], data: Uint16Array.of(0x3f80, 0xc000) }],
  ["f", { dtype: "F32", shape: [1, 1], data: Float32Array.of(0.1) }],
  ["none", { dtype: "F32", shape: [0, 4], data: new Float32Array(0) }],
  ["__proto__", { dtype: "I32", shape: [1], data: Int32Array.of(5) }],
];

describe("safetensors", () => {
  it("gives back what was written, through a file", () => {
    const path = join(folder, "model.safetensors");
    writeSafetensorsSync(path, sample, { config: '{"rcut": 6}', step: "7" });
    const { tensors, metadata } = readSafetensors(path);
    expect(metadata).toEqual({ config: '{"rcut": 6}', step: "7" });
    expect(readSafetensorsMetadata(path)).toEqual(metadata);
    expect([...tensors.keys()].sort()).toEqual(sample.map(([name]) => name).sort());
    for (const [name, { dtype, shape, data }] of sample) {
      expect(tensors.get(name)).toMatchObject({ dtype, shape });
      expect(tensorNumbers(tensors.get(name)!)).toEqual(data);
    }
    expect(tensorToFloat64(tensors.get("h")!)).toEqual(Float64Array.of(1, -2));
    expect(tensorToFloat64(tensors.get("b")!)).toEqual(Float64Array.of(1, -2));
    expect(tensorToFloat64(tensors.get("f")!)).toEqual(Float64Array.of(Math.fround(0.1)));
    expect(tensorToFloat64(tensors.get("step")!)).toEqual(Float64Array.of(-7));
  });

  it("hands out aligned tensors as views of one memory", () => {
    const { tensors } = parseSafetensors(joinBytes(encodeSafetensors(sample)), "x.safetensors");
    const numbers = tensorToFloat64(tensors.get("w")!);
    expect(numbers.buffer).toBe(tensors.get("f")!.bytes.buffer);
  });

  it("reads tensors that are not aligned", () => {
    const header =
      '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}}';
    const { tensors } = parseSafetensors(fileOf(header, [9, 0, 0, 0x80, 0x3f]), "x.safetensors");
    expect(tensorToFloat64(tensors.get("b")!)).toEqual(Float64Array.of(1));
  });

  it("gives back any set of tensors", () => {
    const tensor = fc.array(fc.double(), { maxLength: 8 }).map((values) => {
      return { dtype: "F64", shape: [values.length], data: Float64Array.from(values) } as const;
    });
    const content = fc.dictionary(
      fc.string({ unit: "grapheme" }).filter((name) => name !== "__metadata__"),
      tensor,
    );
    const text = fc.dictionary(fc.string(), fc.string({ unit: "grapheme" }));
    fc.assert(
      fc.property(content, text, (tensors, metadata) => {
        const file = parseSafetensors(joinBytes(encodeSafetensors(Object.entries(tensors), metadata)), "x");
        expect(Object.entries(file.metadata)).toEqual(Object.entries(metadata));
        expect(file.tensors.size).toBe(Object.keys(tensors).length);
        for (const [name, { data }] of Object.entries(tensors)) {
          expect(tensorToFloat64(file.tensors.get(name)!)).toEqual(data);
        }
      }),
    );
  });

  it("refuses two tensors of one name and data that do not fill the shape", () => {
    expect(errorOf(() => encodeSafetensors([sample[0], sample[0]])).message).toMatch(/two tensors named "w"/);
    const wrong: SafeTensorData = { dtype: "F64", shape: [3], data: new Float64Array(2) };
    expect(errorOf(() => encodeSafetensors([["w", wrong]])).message).toMatch(
      /"w" has 16 bytes, \[3\] of F64 needs 24/,
    );
  });
});

describe("damaged safetensors files", () => {
  const entry = (dtype: string, shape: string, offsets: string): string =>
    `{"w":{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}}`;

  it("says what is wrong", () => {
    const two =
      '{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":';
    const cases: [Uint8Array, RegExp][] = [
      [Uint8Array.of(1, 2, 3), /3 bytes are too few/],
      [fileOf("{}").subarray(0, 9), /announces 2 bytes, the file has 1; it was cut short/],
      [Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 123), /announces 18446744073709551615 bytes/],
      [fileOf("{"), /header is not JSON/],
      [fileOf("[1]"), /header is not a JSON object/],
      [fileOf('{"__metadata__":{"a":1}}'), /__metadata__ is not an object of strings/],
      [fileOf('{"w":3}'), /tensor "w" is not an object/],
      [fileOf(entry("F128", "[1]", "[0,16]"), new Uint8Array(16)), /dtype "F128"; known: F64 F32/],
      [fileOf(entry("F64", "[-1]", "[0,8]"), new Uint8Array(8)), /impossible shape/],
      [fileOf(entry("F64", "[1.5]", "[0,8]"), new Uint8Array(8)), /impossible shape/],
      [fileOf(entry("F64", "[1]", "[8,0]"), new Uint8Array(8)), /impossible data_offsets/],
      [fileOf(entry("F64", "[2]", "[0,8]"), new Uint8Array(8)), /needs 16 bytes, its offsets give 8/],
      [
        fileOf(entry("F64", "[1]", "[0,8]"), new Uint8Array(4)),
        /ends at byte 8, the file has 4; it was cut short/,
      ],
      [fileOf(entry("F64", "[1]", "[0,8]"), new Uint8Array(9)), /1 bytes at its end belong to no tensor/],
      [fileOf(`${two}[2,6]}}`, new Uint8Array(6)), /tensor "b" overlaps/],
      [fileOf(`${two}[6,10]}}`, new Uint8Array(10)), /2 bytes before tensor "b" belong to no tensor/],
      [
        fileOf(entry("F64", "[4503599627370496,4503599627370496]", "[0,8]"), new Uint8Array(8)),
        /its offsets give 8/,
      ],
    ];
    for (const [bytes, says] of cases) {
      const error = errorOf(() => parseSafetensors(bytes, "x.safetensors"));
      expect(error.message).toMatch(says);
      expect(error.message).toMatch(/^x\.safetensors: /);
      expect(error.code).toBe("FORMAT");
    }
  });

  it("never fails in another way, whatever is changed", () => {
    const original = joinBytes(encodeSafetensors(sample, { a: "b" }));
    const change = fc.tuple(fc.nat(original.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 5 }), fc.nat(original.length), (changes, cut) => {
        const bytes = Uint8Array.from(original);
        for (const [at, value] of changes) bytes[at] = value;
        expectOnlyAtomgradError(() => parseSafetensors(bytes, "x"));
        expectOnlyAtomgradError(() => parseSafetensors(bytes.subarray(0, cut), "x"));
      }),
      { numRuns: 500 },
    );
  });
});
