import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { computeCase, summaryOf } from "../../src/cli/tp.js";
import { productCases } from "../../src/cli/tp-cases.js";
import { encodeNpz, type NpzArray, readNpz } from "../../src/data/npz.js";
import { FullTensorProduct, FullyConnectedTensorProduct } from "../../src/equivariant/fixed-products.js";
import { pythonFloat, showInstructions } from "../../src/equivariant/python-print.js";
import { TensorProduct } from "../../src/equivariant/tensor-product.js";
import { TensorSquare } from "../../src/equivariant/tensor-square.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { expectNear, fixture } from "./fixture.js";

interface Expected {
  key: string;
  printed: string;
  instructions: string;
  weight_numel: number;
  coefficients: number[];
  arrays: Record<string, { shape: number[]; data: number[] }>;
}
const products = fixture<{ cases: Record<string, unknown>[]; expected: Expected[] }>("products.json");
const cases = productCases(JSON.stringify(products.cases), "products.json");
const inputs = new Map<string, NpzArray>();
for (const { key, arrays } of products.expected)
  for (const name of ["x", "y", "w", "cotangent"])
    inputs.set(`${key}_${name}`, { shape: arrays[name].shape, data: Float64Array.from(arrays[name].data) });

const folder = mkdtempSync(join(tmpdir(), "atomgrad-tp-"));
beforeAll(() => openCpu());
afterAll(() => rmSync(folder, { recursive: true }));

describe("tensor products against e3nn", () => {
  it.each(products.expected.map((e, k) => [`${e.key}: ${e.printed}`, e, cases[k]] as const))(
    "%s",
    (_name, e, one) => {
      expect(one.product.toString()).toBe(e.printed);
      expect(showInstructions(one.product.instructions)).toBe(e.instructions);
      expect(summaryOf(one).weight_numel).toBe(e.weight_numel);
      expectNear(summaryOf(one).coefficients as number[], e.coefficients, 1e-15, "coefficients");
      const found = new Map<string, NpzArray>();
      computeCase(one, inputs, "inputs.npz", found);
      for (const [name, { shape, data }] of Object.entries(e.arrays)) {
        const array = found.get(`${e.key}_${name}`);
        if (name === "x" || name === "y" || name === "w" || name === "cotangent") continue;
        expect(array?.shape, name).toEqual(shape);
        const tolerance = name === "out" ? 1e-12 : name.startsWith("gradgrad") ? 1e-10 : 1e-11;
        expectNear(array!.data, data, tolerance, name);
      }
    },
  );
});

const X = (n: number): Tensor => tensor(Float64Array.from({ length: n }, (_, k) => Math.sin(k + 1)));
const Y = (n: number): Tensor => tensor(Float64Array.from({ length: n }, (_, k) => Math.cos(k + 1)));
const W = (n: number): Tensor => tensor(Float64Array.from({ length: n }, (_, k) => Math.sin(0.5 * k + 0.3)));

describe("the specification's numbers", () => {
  it("prints the article's products as e3nn", () => {
    const tp = new FullyConnectedTensorProduct("10x0e + 10x1e", "1x0e+1x1o+1x2e", "20x0e + 10x1e", {
      sharedWeights: false,
    });
    expect(tp.toString()).toBe(
      "FullyConnectedTensorProduct(10x0e+10x1e x 1x0e+1x1o+1x2e -> 20x0e+10x1e | 400 paths | 400 weights)",
    );
    expect(showInstructions(tp.instructions)).toContain(
      "Instruction(i_in1=0, i_in2=0, i_out=0, connection_mode='uvw', has_weight=True, path_weight=0.31622776601683794, path_shape=(10, 1, 20))",
    );
    const full = new FullTensorProduct("10x0e + 10x1e", "1x0e+1x1o+1x2e");
    expect(full.toString()).toBe(
      "FullTensorProduct(10x0e+10x1e x 1x0e+1x1o+1x2e -> 10x0o+10x0e+20x1o+20x1e+10x2o+20x2e+10x3e | 100 paths | 0 weights)",
    );
    expect(full.irrepsOut.toString()).toBe("10x0o+10x0e+10x1o+10x1o+10x1e+10x1e+10x2o+10x2e+10x2e+10x3e");
    expect(new TensorSquare("5x1o+2x0e").toString()).toBe(
      "TensorSquare(5x1o+2x0e -> 18x0e+10x1o+10x1e+15x2e | 53 paths | 0 weights)",
    );
  });

  it("squares features", () => {
    const free = new TensorSquare("2x1o+1x0e");
    expectNear(
      free.square(X(7)).dataSync().slice(0, 4),
      [-0.8938570549, 0.4014502378, 0.4054648992, 0.2492024997],
      1e-9,
    );
    const given = new TensorSquare("2x1o+1x0e", { irrepsOut: "2x0e+1x1o+1x2e", internalWeights: false });
    expect(given.weightNumel).toBe(13);
    const out = given.square(X(7), W(13)).dataSync();
    expectNear(out.slice(0, 3), [0.1546225526, -0.0551232186, -0.0968056601], 1e-9);
  });

  it("gives zeros where nothing connects, and masks them", () => {
    const tp = new FullyConnectedTensorProduct("10x0e", "3x1o", "4x0o");
    expect(tp.toString()).toBe("FullyConnectedTensorProduct(10x0e x 3x1o -> 4x0o | 0 paths | 0 weights)");
    expect(Array.from(tp.call(X(10), Y(9)).dataSync())).toEqual([0, 0, 0, 0]);
    const partly = new TensorProduct("1o", "1o", "1x0e+1x1o", [[0, 0, 0, "uuu", false]]);
    expect(Array.from(partly.outputMask)).toEqual([1, 0, 0, 0]);
  });

  it("broadcasts leading sizes", () => {
    const tp = new FullyConnectedTensorProduct("2x1o", "1x1o", "3x0e", { sharedWeights: false });
    const x = new Float64Array(24).map((_, k) => Math.sin(k));
    const found = tp.call(
      tensor(x, [4, 1, 6]),
      tensor(Float64Array.of(1, 2, 3), [3]),
      tensor(x.slice(0, 12), [2, 6]),
    );
    expect(found.shape).toEqual([4, 2, 3]);
  });

  it("refuses what does not fit, with the reason", () => {
    expect(() => new TensorProduct("1o", "1o", "1o", [[0, 0, 0, "uuu", false]])).toThrow(/1o x 1o has no 1o/);
    expect(() => new TensorProduct("2x1o", "1o", "0e", [[0, 0, 0, "uuu", false]])).toThrow(
      /equal multiplicities, got 2, 1, 1/,
    );
    expect(() => new TensorProduct("1o", "1o", "0e", [[0, 0, 1, "uuu", false]])).toThrow(
      /instructions\[0\]: entry 1 of irrepsOut/,
    );
    expect(() => new TensorProduct("1o", "1o", "0e", [[0, 0, 0, "uvw", false]])).toThrow(/needs weights/);
    const tp = new FullyConnectedTensorProduct("2x1o", "1x1o", "3x0e", { internalWeights: false });
    expect(() => tp.call(X(6), Y(3))).toThrow(/pass 6 of them/);
    expect(() => tp.call(X(5), Y(3), W(6))).toThrow(/x expected \[...,6\]/);
    expect(() => tp.call(X(6), Y(3), W(7))).toThrow(/weight expected \[6\], got \[7\]/);
  });

  it("prints floats as Python", () => {
    expect([1, 0.1, 1e-5, 0.0001, 1e16, 123456.5, 1.5e-7].map(pythonFloat)).toEqual([
      ...["1.0", "0.1", "1e-05", "0.0001", "1e+16", "123456.5", "1.5e-07"],
    ]);
  });
});

describe("atomgrad tp", () => {
  const main = new URL("../../dist/src/cli/main.js", import.meta.url).pathname;
  const run = (...args: string[]) => spawnSync(process.execPath, [main, "tp", ...args], { encoding: "utf8" });
  const isBuilt =
    existsSync(main) &&
    execFileSync(process.execPath, [main, "--help"], { encoding: "utf8" }).includes("  tp ");

  it.skipIf(!isBuilt)("writes what it computes (needs a built dist/)", () => {
    const [casesFile, inputsFile, out] = ["cases.json", "inputs.npz", "out.npz"].map((name) =>
      join(folder, name),
    );
    writeFileSync(casesFile, JSON.stringify(products.cases.slice(0, 3)));
    writeFileSync(inputsFile, encodeNpz(inputs));
    const { status, stdout, stderr } = run(casesFile, inputsFile, "-o", out);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { printed: string }).printed),
    ).toEqual(products.expected.slice(0, 3).map((e) => e.printed));
    const found = readNpz(out);
    expect(found.size).toBe(3 * 8);
    const { key, arrays } = products.expected[0];
    expectNear(found.get(`${key}_gradgrad_x`)!.data, arrays.gradgrad_x.data, 1e-10);
  });

  it.skipIf(!isBuilt)("refuses bad input in one line and leaves nothing (needs a built dist/)", () => {
    const inputsFile = join(folder, "inputs2.npz");
    writeFileSync(inputsFile, encodeNpz(inputs));
    const bad: [string, RegExp][] = [
      ["{", /bad.json: not JSON/],
      ['[{"key":"a","kind":"Product"}]', /bad.json: case "a": "kind" is "Product"/],
      [
        '[{"key":"a","kind":"FullTensorProduct","irreps_in1":"1x","irreps_in2":"0e"}]',
        /case "a": FullTensorProduct: irrepsIn1: unable to convert/,
      ],
      [
        '[{"key":"a","kind":"FullTensorProduct","irreps_in1":"0e","irreps_in2":"0e","mode":1}]',
        /unknown key "mode"/,
      ],
      [
        '[{"key":"none","kind":"FullTensorProduct","irreps_in1":"0e","irreps_in2":"0e"}]',
        /inputs2.npz: none_x is missing/,
      ],
      [
        '[{"key":"case0","kind":"FullTensorProduct","irreps_in1":"77x0e","irreps_in2":"0e"}]',
        /case "case0": FullTensorProduct: x expected \[\.\.\.,77\] for 77x0e/,
      ],
      [
        '[{"key":"a","kind":"FullTensorProduct","irreps_in1":"99999999x0e+1x999999999e","irreps_in2":"0e"}]',
        /l must be/,
      ],
    ];
    const before = readdirSync(folder);
    for (const [text, says] of bad) {
      writeFileSync(join(folder, "bad.json"), text);
      const { status, stderr } = run(join(folder, "bad.json"), inputsFile, "-o", join(folder, "bad.npz"));
      expect(stderr).toMatch(says);
      expect(stderr).not.toMatch(/\n\s+at /);
      expect(status).toBe(1);
    }
    expect(readdirSync(folder).sort()).toEqual([...before, "bad.json"].sort());
  });
});
