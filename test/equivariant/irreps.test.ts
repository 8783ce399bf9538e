import { beforeAll, describe, expect, it } from "vitest";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { Irrep } from "../../src/equivariant/irrep.js";
import { Irreps } from "../../src/equivariant/irreps.js";
import { dFromMatrix } from "../../src/equivariant/representation.js";
import { RandomStream } from "../../src/tensor/philox.js";
import { tensor } from "../../src/tensor/tensor.js";

beforeAll(() => openCpu());

describe("Irreps", () => {
  it.each([
    ["10x0e + 5x1o + 2x2e", "10x0e+5x1o+2x2e", 35],
    ["", "", 0],
    ["0x0e+1o", "0x0e+1x1o", 3],
    ["00e", "1x0e", 1],
    ["10 x 0e", "10x0e", 10],
    ["1y+2y", "1x1o+1x2e", 8],
  ])("parses %j as e3nn", (text, printed, dim) => {
    const irreps = new Irreps(text);
    expect(irreps.toString()).toBe(printed);
    expect(irreps.dim).toBe(dim);
  });

  it.each(["-1x0e", "1.5x0e", "2x", "x0e", "2x3x0e", "0e+", "+0e", "1z", "0E", "99999999999999999999x0e"])(
    "refuses %j and names it",
    (text) => expect(() => new Irreps(text)).toThrow(text),
  );

  it("sorts, regroups and counts as in the worked values of the specification", () => {
    const { irreps, p, inv } = new Irreps("2o+1e+0e+1e").sort();
    expect(irreps.toString()).toBe("1x0e+1x1e+1x1e+1x2o");
    expect(p).toEqual([3, 1, 0, 2]);
    expect(inv).toEqual([2, 1, 3, 0]);
    const b = new Irreps("3x1e+0x2e+2x0o+1x0e+2x1e");
    expect([b.dim, b.numIrreps]).toEqual([18, 8]);
    expect(b.slices().map((s) => [s.start, s.stop])).toEqual([
      [0, 9],
      [9, 9],
      [9, 11],
      [11, 12],
      [12, 18],
    ]);
    expect(b.regroup().toString()).toBe("2x0o+1x0e+5x1e");
    expect(b.has("2e")).toBe(true);
    expect(b.count("1e")).toBe(5);
    expect(new Irreps("1e+1e+0x1e+0x0e").simplify().toString()).toBe("2x1e");
    expect(new Irreps("0x1e+1e").simplify().toString()).toBe("1x1e");
  });

  it("filters, slices and repeats", () => {
    const irreps = new Irreps("1e+2e+0e");
    expect(irreps.filter({ keep: "2e + 2x1e" }).toString()).toBe("1x1e+1x2e");
    expect(irreps.filter({ drop: "2e + 2x1e" }).toString()).toBe("1x0e");
    expect(irreps.filter({ lmax: 1 }).toString()).toBe("1x1e+1x0e");
    expect(() => irreps.filter({ keep: "1e", lmax: 1 })).toThrow(/one of keep/);
    expect(new Irreps("4x0e+3x1o").sliceByMul(2, 5).toString()).toBe("2x0e+1x1o");
    expect(irreps.repeat(2).toString()).toBe("1x1e+1x2e+1x0e+1x1e+1x2e+1x0e");
    expect(() => new Irreps("0x1e").lmax).toThrow(/no irreps/);
  });

  it("gives irreps in e3nn's orders", () => {
    expect([...Irrep.iterator(2)].join(" ")).toBe("0e 0o 1o 1e 2e 2o");
    expect(Irrep.of("1o").times(Irrep.of("2e")).join(" ")).toBe("1o 2o 3o");
    expect(Irreps.sphericalHarmonics(2).toString()).toBe("1x0e+1x1o+1x2e");
    expect(Irreps.sphericalHarmonics(2, 1).toString()).toBe("1x0e+1x1e+1x2e");
  });

  it("draws features of length 1 and of unit variance", () => {
    const random = new RandomStream(3);
    const x = new Irreps("2x1o+1x2e")
      .randn([5, -1], random, { normalization: "norm", dtype: "f64" })
      .dataSync();
    for (let row = 0; row < 5; row++)
      expect(Math.hypot(...x.slice(11 * row + 3, 11 * row + 6))).toBeCloseTo(1, 14);
    const y = Array.from(new Irreps("10x0e").randn([-1, 1000], random, { dtype: "f64" }).dataSync());
    expect(y.reduce((s, v) => s + v * v, 0) / y.length).toBeCloseTo(1, 1);
    expect(() => new Irreps("1o").randn([3], random)).toThrow(/exactly one/);
  });

  it("refuses matrices that are no rotations", () => {
    expect(() => dFromMatrix("1o", tensor(Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1.01), [3, 3]))).toThrow(
      /not a rotation/,
    );
    expect(() => dFromMatrix("1o", tensor(new Float64Array(9)))).toThrow(/expected matrices/);
  });
});
