import { beforeAll, describe, expect, it } from "vitest";
import { square } from "../../kernels/elementwise/ops.generated.js";
import { sum } from "../../kernels/reduce/op.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { o3 } from "../../src/index.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { expectNear } from "./fixture.js";

// Sections 8.4, 8.5 and 8.7 of spec equivariant: numbers of e3nn 0.6.0.
const fill = (n: number, f: (k: number) => number): Tensor =>
  tensor(Float64Array.from({ length: n }, (_, k) => f(k)));
const X = (n: number): Tensor => fill(n, (k) => Math.sin(k + 1));
const Y = (n: number): Tensor => fill(n, (k) => Math.cos(k + 1));
const W = (n: number): Tensor => fill(n, (k) => Math.sin(0.5 * k + 0.3));
const total = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0);

beforeAll(() => openCpu());

describe("8.4 soft_one_hot_linspace on [0, 1.8] with 4 functions", () => {
  const table: [o3.RadialBasis, boolean, number[], number[]][] = [
    [
      "gaussian",
      true,
      [0.813269380622, 0.162381951429, 0.004387853582, 0.000016046397],
      [0.000976798745, 0.066602864114, 0.614598865361, 0.767541097895],
    ],
    [
      "gaussian",
      false,
      [0.750556913692, 0.63533271093, 0.072782980915, 0.001128416681],
      [0.008166024141, 0.228906925613, 0.868396854568, 0.445849811249],
    ],
    ["cosine", true, [0.887010833178, 0, 0, 0], [0, 0, 0.573576436351, 0.819152044289]],
    ["cosine", false, [0.793353340291, 0.608761429009, 0, 0], [0, 0, 0.965925826289, 0.258819045103]],
    ["smooth_finite", true, [0.928916047448, 0, 0, 0], [0, 0, 0.346491257075, 0.799200758528]],
    ["smooth_finite", false, [0.749800930711, 0.406830593024, 0, 0], [0, 0, 1.0779678806, 0.012115931838]],
    [
      "fourier",
      true,
      [0.281745507827, 0.510696295413, 0.643950550859, 0.656538502008],
      [0.510696295413, -0.656538502008, 0.333333333333, 0.228013428884],
    ],
    [
      "fourier",
      false,
      [0.666666666667, 0.604205191358, 0.428525073124, 0.172546030068],
      [0.666666666667, -0.428525073124, -0.115765451778, 0.57735026919],
    ],
    [
      "bessel",
      true,
      [1.781915050509, 3.229926972228, 4.072700882471, 4.152314075881],
      [0.621139802352, -0.79852193767, 0.405420212842, 0.277323758607],
    ],
    [
      "bessel",
      false,
      [1.781915050509, 3.229926972228, 4.072700882471, 4.152314075881],
      [0.621139802352, -0.79852193767, 0.405420212842, 0.277323758607],
    ],
  ];
  const at = (basis: o3.RadialBasis, cutoff: boolean, ...x: number[]): number[] =>
    Array.from(
      o3
        .softOneHotLinspace(tensor(Float64Array.from(x)), { start: 0, end: 1.8, number: 4, basis, cutoff })
        .dataSync(),
    );
  it.each(table)("%s, cutoff %s", (basis, cutoff, first, second) =>
    expectNear(at(basis, cutoff, 0.25, 1.3), [...first, ...second], 1e-11),
  );
  it("in the middle and at the end", () => {
    expectNear(at("smooth_finite", true, 0.9), [0, 0.585993762979, 0.585993762979, 0], 1e-11);
    expect(at("gaussian", true, 1.8)[3]).toBeCloseTo(0.32846378676, 11);
    for (const basis of ["cosine", "smooth_finite", "fourier", "bessel"] as const)
      for (const v of at(basis, true, 1.8)) expect(v).toBeCloseTo(0, 15);
    expectNear(at("smooth_finite", false, 1.8), [0, 0, 0, 1.14136], 1e-14);
  });
});

describe("8.5 tensor products of every mode", () => {
  type Row = [
    in1: string,
    in2: string,
    out: string,
    paths: string,
    factors: number[],
    first: number[],
    sum: number,
    squares: number,
    options?: o3.TensorProductOptions,
  ];
  const r = Math.sqrt;
  const rows: Row[] = [
    [
      "2x1o",
      "3x1o",
      "2x0e+2x1e+2x2e",
      "0,0,0,uvw,w 0,0,1,uvw,w 0,0,2,uvw,w",
      [0.408248290464, 0.707106781187, 0.912870929175],
      [0.0602104316, -0.0256215078, -0.0230046559, 0.0248589372, -0.0230046559],
      0.2293259316,
      0.0605962659,
    ],
    [
      "2x1o",
      "3x1o",
      "2x0e+2x1e+2x2e",
      "0,0,0,uvw,w 0,0,1,uvw,w 0,0,2,uvw,w",
      [1.224744871392, 1.224744871392, 1.224744871392],
      [0.1806312948, -0.0768645233, -0.0398452328],
      0.3449497105,
      0.1460404534,
      { irrepNormalization: "norm" },
    ],
    [
      "2x1o",
      "3x2e",
      "2x1o",
      "0,0,0,uvu,w",
      [1],
      [0.6512986722, 0.4541637697, -0.0467814561],
      0.9425894725,
      0.9632144567,
    ],
    [
      "2x1o",
      "3x2e",
      "2x1o",
      "0,0,0,uvu",
      [1],
      [0.7919013006, 0.1749767682, -0.0629888307],
      0.1670596414,
      1.4005141685,
    ],
    [
      "2x1o",
      "3x2e",
      "3x1o",
      "0,0,0,uvv,w",
      [1.224744871392],
      [0.0045338003, 0.4315135727, -0.0101247565],
      1.1544316223,
      0.4175770442,
    ],
    [
      "2x1o",
      "3x2e",
      "3x1o",
      "0,0,0,uvv",
      [1.224744871392],
      [-0.0114998134, 0.0433356307, -0.0155268825],
      0.204605439,
      0.021880518,
    ],
    [
      "2x1o",
      "2x2e",
      "3x1o",
      "0,0,0,uuw,w",
      [1.224744871392],
      [-0.6441982794, -0.2280171239, 0.1328588292],
      -2.3776852787,
      1.3456519524,
    ],
    [
      "2x1o",
      "2x2e",
      "1x1o",
      "0,0,0,uuw",
      [1.224744871392],
      [-0.6776533873, -0.6339065535, 0.1312964819],
      -1.1802634589,
      0.8782903981,
    ],
    [
      "2x1o",
      "2x2e",
      "2x1o",
      "0,0,0,uuu,w",
      [1.732050807569],
      [-0.0096932778, -0.2398610783, -0.0030781555],
      -0.8367545512,
      0.5219519726,
    ],
    [
      "2x1o",
      "2x1o",
      "2x1e",
      "0,0,0,uuu",
      [1.732050807569],
      [-0.5950098395, 0.6429703766, -0.5950098395],
      -1.0940986049,
      2.242968647,
    ],
    [
      "2x1o",
      "3x2e",
      "6x1o",
      "0,0,0,uvuv,w",
      [1.732050807569],
      [-0.0096932778, -0.2398610783, -0.0030781555, 0.627780161],
      1.6326128571,
      2.8771473782,
    ],
    [
      "3x1o",
      "3x1o",
      "3x1e",
      "0,0,0,uvu<v,w",
      [1.732050807569],
      [0.1740777371, -0.1881092055, 0.1740777371, -0.4098332594],
      0.3050861998,
      1.6485493515,
    ],
    [
      "3x1o",
      "3x1o",
      "2x2e",
      "0,0,0,u<vw,w",
      [1.290994448736],
      [-0.0276038115, -0.0079696384, -0.0055817632],
      0.1882839563,
      0.0102942017,
    ],
    [
      "2x0e+2x1o",
      "1x0e+1x1o",
      "2x0e+3x1o",
      "0,0,0,uvw,w 1,1,0,uvw,w,2 0,1,1,uvw,w 1,0,1,uvw,w,0.5",
      [0.5, 0.707106781187, 0.866025403784, 0.612372435696],
      [0.7809475369, 0.8774046866, 0.2400178634, 0.5411842297],
      3.2555193869,
      2.0106049853,
    ],
    [
      "2x0e+2x1o",
      "1x0e+1x1o",
      "2x0e+3x1o",
      "0,0,0,uvw,w 1,1,0,uvw,w,2 0,1,1,uvw,w 1,0,1,uvw,w,0.5",
      [1, r(2), 1, r(0.5)],
      [1.5618950738, 1.7548093733, 0.2771487561],
      5.1609542305,
      6.3600547525,
      { irrepNormalization: "none", pathNormalization: "none" },
    ],
  ];
  const check = (
    product: o3.TensorProduct,
    out: Tensor,
    [first, all, squares]: [number[], number, number],
  ): void => {
    expectNear(out.dataSync().slice(0, first.length), first, 5e-9, "first values");
    expectNear(
      [total(out.dataSync()), sum(square(out)).itemSync()],
      [all, squares],
      1e-9,
      product.toString(),
    );
  };
  it.each(rows)("%s x %s -> %s: %s", (in1, in2, out, paths, factors, first, all, squares, options) => {
    const instructions = paths.split(" ").map((path): o3.InstructionLike => {
      const [i, j, k, mode, weighted, weight] = path.split(",");
      return [+i, +j, +k, mode as o3.ConnectionMode, weighted === "w", weight === undefined ? 1 : +weight];
    });
    const product = new o3.TensorProduct(in1, in2, out, instructions, { ...options, internalWeights: false });
    expectNear(
      product.instructions.map((i) => i.pathWeight),
      factors,
      1e-11,
    );
    const w = product.weightNumel > 0 ? W(product.weightNumel) : undefined;
    check(product, product.call(X(product.irrepsIn1.dim), Y(product.irrepsIn2.dim), w), [
      first,
      all,
      squares,
    ]);
  });

  it("full, elementwise and square products", () => {
    const full = new o3.FullTensorProduct("2x0e+1x1o", o3.Irreps.sphericalHarmonics(2));
    expect(full.irrepsOut.toString()).toBe("2x0e+1x0e+2x1o+1x1o+1x1o+1x1e+1x2o+2x2e+1x2e+1x3o");
    check(full, full.call(X(5), Y(9)), [
      [0.4546487134, 0.4912954964, 0.7605417093, -0.3501754884],
      -0.397132765,
      13.0858395414,
    ]);
    const each = new o3.ElementwiseTensorProduct("2x1o+1x0e", "3x1o");
    expect(each.irrepsOut.toString()).toBe("2x0e+2x1e+2x2e+1x1o");
    check(each, each.call(X(7), Y(9)), [
      [-0.0366388117, -0.0263375017, -0.5950098395],
      -4.9815765648,
      5.1048313806,
    ]);
    const free = new o3.TensorSquare("2x1o+1x0e");
    expect(free.irrepsOut.toString()).toBe("1x0e+2x0e+1x0e+2x1o+1x1e+1x2e+2x2e");
    check(free, free.square(X(7)), [
      [-0.8938570549, 0.4014502378, 0.4054648992, 0.2492024997],
      0.6656443943,
      5.80601705,
    ]);
    const given = new o3.TensorSquare("2x1o+1x0e", { irrepsOut: "2x0e+1x1o+1x2e", internalWeights: false });
    const factors = [0.5, 0.22360679775, 1.290994448736, 0.912870929175, 1.224744871392, 0.288675134595];
    expectNear([...given.instructions.map((i) => i.pathWeight)].sort(), [...factors].sort(), 1e-11);
    check(given, given.square(X(7), W(13)), [
      [0.1546225526, -0.0551232186, -0.0968056601],
      -0.8784985815,
      0.4969967788,
    ]);
  });
});

describe("8.7 printed counts", () => {
  it("of squares and of elementwise products", () => {
    expect(new o3.TensorSquare("1o").toString()).toBe(
      "TensorSquare(1x1o -> 1x0e+1x2e | 2 paths | 0 weights)",
    );
    expect(new o3.TensorSquare("5x1o", { irrepsOut: "3x0e+2x2e" }).toString()).toMatch(
      /75 paths \| 75 weights\)$/,
    );
    expect(
      new o3.ElementwiseTensorProduct("5x1o+5x1e", "10x1e", { filterIrOut: ["0e", "0o"] }).toString(),
    ).toBe("ElementwiseTensorProduct(5x1o+5x1e x 10x1e -> 5x0o+5x0e | 10 paths | 0 weights)");
  });
});
