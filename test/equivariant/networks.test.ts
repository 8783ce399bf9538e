import { describe, expect, it } from "vitest";
import { runArticle } from "../../examples/tensor-field-network.js";
import { div, mul, square, sub } from "../../kernels/elementwise/ops.generated.js";
import { matmul } from "../../kernels/matmul/op.js";
import { sum } from "../../kernels/reduce/op.js";
import { gather, indexMap, scatterSum } from "../../kernels/segment/op.js";
import { grad } from "../../src/autograd/grad.js";
import { requireGrad } from "../../src/autograd/node.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { o3, radiusGraph } from "../../src/index.js";
import { RandomStream } from "../../src/tensor/philox.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import { expectNear } from "./fixture.js";

// Sections 8.8 to 8.11 of spec equivariant.
const fill = (shape: number[], f: (k: number) => number): Tensor =>
  tensor(
    Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => f(k)),
    shape,
  );
const W = (...shape: number[]): Tensor => fill(shape, (k) => Math.sin(0.5 * k + 0.3));
const squares = (t: Tensor): Tensor => sum(square(t));
const component = { normalize: true, normalization: "component" } as const;
const points = (N: number): Tensor =>
  fill([N, 3], (k) => {
    const i = Math.floor(k / 3);
    return [Math.cos(1.1 * i), Math.sin(1.7 * i), 0.25 * i - 0.9][k % 3];
  });
const features = (N: number, dim: number): Tensor =>
  fill([N, dim], (k) => {
    const [i, c] = [Math.floor(k / dim) + 1, (k % dim) + 1];
    return Math.sin(0.37 * i + 0.11 * c * i);
  });

openCpu();

describe("8.8 the polynomial of the tetris shapes", () => {
  const shapes = [
    [0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0],
    [0, 0, 0, 0, 0, 1, 1, 0, 0, 1, -1, 0],
    [0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0],
    [0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 3],
    [0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0],
    [0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 1, 0],
    [0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 1, 1],
    [0, 0, 0, 1, 0, 0, 1, 1, 0, 2, 1, 0],
  ].flat();
  const sh = o3.Irreps.sphericalHarmonics(3);
  const mid = "64x0e + 24x1e + 24x1o + 16x2e + 16x2o";
  const options = { internalWeights: false };
  const network = (pos: Tensor): Tensor => {
    const batch = Int32Array.from({ length: 32 }, (_, i) => Math.floor(i / 4));
    const graph = radiusGraph(pos.dataSync(), 1.1, { batch });
    const [source, target] = [graph.source, graph.target].map((index) => indexMap(index, 32));
    const vector = sub(gather(pos, source), gather(pos, target));
    const y = o3.sphericalHarmonics(sh, vector, { normalize: false, normalization: "component" });
    const [tp1, tp2] = [
      new o3.FullyConnectedTensorProduct(sh, sh, mid, options),
      new o3.FullyConnectedTensorProduct(mid, sh, "0o + 6x0e", options),
    ];
    expect([tp1.weightNumel, tp2.weightNumel]).toEqual([648, 664]);
    let x = div(scatterSum(y, target), Math.SQRT2);
    for (const tp of [tp1, tp2])
      x = div(tp.convolve(x, y, { source, target }, W(tp.weightNumel)), Math.SQRT2);
    return div(scatterSum(x, indexMap(batch, 8)), 2);
  };

  it("has its values and gradient; chiral shapes differ in one sign, exactly", () => {
    const pos = requireGrad(tensor(Float64Array.from(shapes), [32, 3]));
    const out = network(pos);
    const row = (k: number): number[] => Array.from(out.dataSync().slice(7 * k, 7 * k + 7));
    const chiral = [
      ...[-0.519653136732, -0.0927963378, -0.218211002527, -0.290200003461],
      ...[-0.291137922469, -0.220795124266, -0.096393979144],
    ];
    expectNear(row(0), chiral, 1e-11);
    expectNear(row(1), [-chiral[0], ...chiral.slice(1)], 1e-11);
    expect(row(1)[0] + row(0)[0]).toBeCloseTo(0, 14);
    expectNear(
      row(2),
      [
        0, -0.062086504276, -0.249302963599, -0.375481362688, -0.409728828821, -0.343660387865,
        -0.193451898386,
      ],
      1e-11,
    );
    expectNear(
      row(3),
      [
        0, 0.09751868040800001, 0.175509264813, 0.210529060093, 0.194003999004, 0.129979992833,
        0.034132351206,
      ],
      1e-11,
    );
    expectNear(row(6).slice(0, 4), [0, -0.025129662345, -0.065035395494, -0.089018195637], 1e-10);
    const total = squares(out);
    expect(total.itemSync()).toBeCloseTo(2.4019974298892155, 12);
    const [g] = grad(total, [pos]);
    expect(squares(g).itemSync() / 208.2731639051277).toBeCloseTo(1, 12);
    expectNear(g.dataSync().slice(3, 6), [1.340538395808, -1.838132335832, 1.862006077867], 1e-11);
    expectNear(
      sum(g, { axis: 0 })
        .dataSync()
        .map((v) => v + 1),
      [1, 1, 1],
      1e-12,
    );
  });
});

describe("8.9 the article's convolution", () => {
  const run = (activation: "relu" | "silu") =>
    runArticle(
      {
        ...{ irreps: "1o", irrepsInput: "10x0e + 10x1e", irrepsOutput: "20x0e + 10x1e", lmax: 2 },
        ...{ maxRadius: 1.8, numBasis: 10, hidden: 16, activation, products: [] },
        ...{
          rot: tensor(Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1), [3, 3]),
          pos: points(8),
          fIn: features(8, 40),
        },
        setWeights: (fc) => {
          const layer0 = fill([10, 16], (k) => Math.cos(0.3 * Math.floor(k / 16) + 0.7 * (k % 16) + 0.1));
          const layer1 = fill([16, 400], (k) => {
            const [a, b] = [Math.floor(k / 400), k % 400];
            return Math.sin(0.05 * a * b + 0.2 * a - 0.1 * b + 0.3);
          });
          const state = [layer0, layer1].map(
            (t, l) => [`layer${l}.weight`, { shape: t.shape, data: t.dataSync() }] as const,
          );
          fc.loadState(new Map(state));
        },
      },
      () => undefined,
    ) as Record<string, Tensor>;

  it("has the values of edge 0 and the sums over all", () => {
    const { edge_vec, sh, edge_length_embedding, summand, f_out } = run("relu");
    expect(edge_vec.shape[0]).toBe(36);
    expectNear(edge_vec.dataSync().slice(0, 3), [0.546403878574, -0.991664810452, -0.25], 1e-11);
    expectNear(
      sh.dataSync().slice(0, 9),
      [
        1, 0.816208393219, -1.48133125201, -0.373445552468, -0.393507236009, -1.56090911443, 1.33531526121,
        0.714173698083, -0.340005696784,
      ],
      1e-11,
    );
    expectNear(edge_length_embedding.dataSync().slice(6, 8), [3.55606380222, 0.000138634690474], 1e-11);
    expectNear(summand.dataSync().slice(0, 3), [-0.0151551551947, 0.186637072297, 0.442639902898], 1e-11);
    expectNear(summand.dataSync().slice(20, 23), [0.229074578738, -0.119185666472, 0.0811585346791], 1e-11);
    expectNear(
      f_out.dataSync().slice(0, 4),
      [0.113873020653, 0.291018343463, 0.480909014548, 0.614096334659],
      1e-11,
    );
    expectNear(
      sum(square(f_out), { axis: 1 }).dataSync(),
      [
        4.08141813717, 4.21923144541, 2.92976936938, 2.10991058814, 6.37709716041, 10.3459695107,
        5.16471931792, 12.5855349129,
      ],
      1e-11,
    );
    expect(sum(f_out).itemSync()).toBeCloseTo(-5.17345692303, 10);
  });

  it("has the first and second derivatives", () => {
    const r = run("relu");
    expectNear(
      r.dL_dpos.dataSync().slice(0, 6),
      [-47.9654000531, -2.92729979622, 34.8982946184, -4.02932102768, -12.7721593991, 6.4234148861],
      1e-11,
    );
    expectNear(r.dL_df_in.dataSync().slice(0, 2), [-0.849488212287, -1.83549099147], 1e-11);
    const sums = ["dL_df_in", "dL_dlayer0", "dL_dlayer1", "dL_dpos", "dF_df_in", "dF_dlayer0", "dF_dlayer1"];
    const wanted = [
      403.304085528, 895.581430221, 109.772478146, 10582.1614259, 441376315.265, 940962417.648, 100280914.08,
    ];
    sums.forEach((name, k) => expect(squares(r[name]).itemSync() / wanted[k], name).toBeCloseTo(1, 9));
    expectNear(r.dF_dpos.dataSync().slice(0, 3), [-260077.086923, 114679.063779, 162243.276699], 1e-10);
  });

  it("has the values with silu", () => {
    const { f_out } = run("silu");
    expect(squares(f_out).itemSync()).toBeCloseTo(42.179188325, 8);
    expectNear(f_out.dataSync().slice(0, 2), [-0.187164069227, 0.0115089463648], 1e-10);
  });
});

/** Channel-wise products of every entry with every harmonic, kept where the output is one of the entries. */
function messages(): o3.TensorProduct {
  const hidden = new o3.Irreps("4x0e+4x1o+4x2e");
  const sh = o3.Irreps.sphericalHarmonics(2);
  const paths: [number, number, o3.Irrep][] = hidden.entries.flatMap((a, i) =>
    sh.entries.flatMap((b, j) =>
      a.ir.times(b.ir).flatMap((ir): [number, number, o3.Irrep][] => (hidden.has(ir) ? [[i, j, ir]] : [])),
    ),
  );
  const { irreps, p } = new o3.Irreps(paths.map(([i, , ir]) => [hidden.entries[i].mul, ir] as const)).sort();
  const instructions = paths.map(([i, j], k): o3.InstructionLike => [i, j, p[k], "uvu", true]);
  return new o3.TensorProduct(hidden, sh, irreps, instructions, { sharedWeights: false });
}

describe("8.10 channel-wise message passing, gathered and summed in one kernel", () => {
  const pos = points(8);
  const graph = radiusGraph(pos.dataSync(), 1.8);
  const [source, target] = [graph.source, graph.target].map((index) => indexMap(index, 8));
  const weights = fill([36, 44], (k) => Math.cos(0.2 * Math.floor(k / 44) + 0.3 * (k % 44)));

  it("prints its paths", () => {
    const tp = messages();
    expect(tp.toString()).toBe(
      "TensorProduct(4x0e+4x1o+4x2e x 1x0e+1x1o+1x2e -> 12x0e+16x1o+16x2e | 44 paths | 44 weights)",
    );
    const listed = "0,0,0 0,1,3 0,2,7 1,0,4 1,1,1 1,1,8 1,2,5 2,0,9 2,1,6 2,2,2 2,2,10";
    expect(tp.instructions.map((i) => [i.iIn1, i.iIn2, i.iOut].join()).join(" ")).toBe(listed);
    for (const i of tp.instructions)
      expect(i.pathWeight ** 2).toBeCloseTo(tp.irrepsOut.entries[i.iOut].ir.dim, 12);
  });

  it("has the values and two derivatives", () => {
    const variables = [requireGrad(points(8)), requireGrad(features(8, 36)), requireGrad(weights)];
    const [x, f, w] = variables;
    const sh = o3.sphericalHarmonics(
      o3.Irreps.sphericalHarmonics(2),
      sub(gather(x, target), gather(x, source)),
      component,
    );
    const out = messages().convolve(f, sh, { source, target }, w);
    expectNear(
      out.dataSync().slice(0, 4),
      [2.4755183249, 1.26920560693, 0.742394626047, 0.710323712187],
      1e-11,
    );
    expectNear(
      sum(square(out), { axis: 1 }).dataSync(),
      [
        150.352211431, 93.5235648406, 159.009710511, 106.473539497, 227.578393859, 132.057478084,
        91.0623805807, 172.000745857,
      ],
      1e-11,
    );
    expect(sum(out).itemSync()).toBeCloseTo(-12.2149973992, 9);
    const first = grad(squares(out), variables, { createGraph: true });
    expectNear(first[0].dataSync().slice(0, 3), [-63.4822062347, -40.9160564742, -15.0780715255], 1e-11);
    expect(squares(first[1]).itemSync() / 71632.3323632).toBeCloseTo(1, 11);
    expect(squares(first[2]).itemSync() / 21076.1166084).toBeCloseTo(1, 11);
    const second = grad(squares(first[0]), variables);
    expectNear(second[0].dataSync().slice(0, 3), [-28467.3200303, -11245.4798803, 1954.28521918], 1e-10);
    expect(squares(second[1]).itemSync() / 1402150071.79).toBeCloseTo(1, 10);
    expect(squares(second[2]).itemSync() / 717808244.815).toBeCloseTo(1, 10);
  });
});

describe("8.11 symmetry and scale", () => {
  /** The convolution of 8.10 with weights that follow from the lengths. */
  const layer = (pos: Tensor, f: Tensor): Tensor => {
    const graph = radiusGraph(pos.dataSync(), 1.8);
    const [source, target] = [graph.source, graph.target].map((index) => indexMap(index, 8));
    const vector = sub(gather(pos, target), gather(pos, source));
    const sh = o3.sphericalHarmonics(o3.Irreps.sphericalHarmonics(2), vector, component);
    const length = sum(square(vector), { axis: 1, keepDims: true });
    const weight = matmul(length, W(1, 44));
    return messages().convolve(f, sh, { source, target }, weight);
  };

  it.each([1, -1])("a convolution turns with its input, determinant %i", (sign) => {
    const R = mul(o3.randMatrix(new RandomStream(4)), sign);
    const tp = messages();
    const turn = (irreps: o3.Irreps, x: Tensor): Tensor =>
      matmul(x, o3.dFromMatrix(irreps, R), { transposeB: true });
    const [pos, f] = [points(8), features(8, 36)];
    const turned = layer(matmul(pos, R, { transposeB: true }), turn(tp.irrepsIn1, f));
    expectNear(turned.dataSync(), turn(tp.irrepsOut, layer(pos, f)).dataSync(), 1e-12);
  });

  it("split entries with equal weights give the same product", () => {
    const one = new o3.FullyConnectedTensorProduct("10x0e+2x1o", "1x1o", "2x1o", { internalWeights: false });
    const two = new o3.FullyConnectedTensorProduct("3x0e+7x0e+2x1o", "1x1o", "2x1o", {
      internalWeights: false,
    });
    const [x, y] = [features(1, 16), features(1, 3)];
    const run = (tp: o3.TensorProduct): Tensor =>
      tp.call(
        x,
        y,
        fill([tp.weightNumel], () => 1),
      );
    expectNear(run(two).dataSync(), run(one).dataSync(), 1e-14);
  });

  it("unweighted modes are weighted ones with weights 1", () => {
    for (const [mode, in1, in2, out] of [
      ["uvu", "2x1o", "3x2e", "2x1o"],
      ["uvv", "2x1o", "3x2e", "3x1o"],
      ["uuu", "3x1o", "3x2e", "3x1o"],
      ["uvuv", "2x1o", "3x2e", "6x3o"],
      ["uvu<v", "3x1o", "3x1o", "3x1e"],
      ["uuw", "3x1o", "3x1o", "1x0e"],
    ] as const) {
      const [free, given] = [false, true].map(
        (weighted) =>
          new o3.TensorProduct(in1, in2, out, [[0, 0, 0, mode, weighted]], { internalWeights: false }),
      );
      const [x, y] = [features(2, free.irrepsIn1.dim), features(2, free.irrepsIn2.dim)];
      const ones = fill([given.weightNumel], () => 1);
      expectNear(given.call(x, y, ones).dataSync(), free.call(x, y).dataSync(), 1e-14, mode);
    }
  });

  it("fresh layers keep unit variance", () => {
    const random = new RandomStream(9);
    const [in1, sh, out] = ["8x0e+6x1o+4x2e", o3.Irreps.sphericalHarmonics(2), "5x0e+5x1o+5x2e"] as const;
    const rows = 4000;
    const x = new o3.Irreps(in1).randn([rows, -1], random, { dtype: "f64" });
    const vectors = fill([rows, 3], () => random.normal());
    const y = o3.sphericalHarmonics(sh, vectors, component);
    const dtype = "f64" as const;
    const layers: [string, Tensor][] = [
      ["product", new o3.FullyConnectedTensorProduct(in1, sh, out, { random, dtype }).call(x, y)],
      ["linear", new o3.Linear(in1, out, { random, dtype }).call(x)],
      [
        "net",
        new o3.FullyConnectedNet(
          [46, 64, 40],
          o3.normalize2mom((t) => square(t)),
          { random, dtype },
        ).call(x),
      ],
    ];
    for (const [name, t] of layers) {
      const variance = squares(t).itemSync() / t.size;
      expect(variance, name).toBeGreaterThan(0.4);
      expect(variance, name).toBeLessThan(2.5);
    }
  });
});
