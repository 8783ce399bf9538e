import { beforeAll, describe, expect, it } from "vitest";
import { add, square } from "../../kernels/elementwise/ops.generated.js";
import { matmul } from "../../kernels/matmul/op.js";
import { sum } from "../../kernels/reduce/op.js";
import { reshape } from "../../src/autograd/reshape.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { grad, o3, RandomStream, requireGrad, type Tensor, tensor } from "../../src/index.js";
import { expectNear, fixture, flat } from "./fixture.js";

interface Numbers {
  shape: number[];
  data: number[];
}
type Arrays = Record<string, Numbers>;
interface LinearCase {
  irreps_in: string;
  irreps_out: string;
  options: {
    f_in?: number;
    f_out?: number;
    shared_weights?: boolean;
    biases?: boolean | boolean[];
    path_normalization?: "path";
    instructions?: [number, number][];
  };
  printed: string;
  instructions: string;
  weight_numel: number;
  bias_numel: number;
  output_mask: number[];
  views: Numbers[];
  arrays: Arrays;
}
interface ProductCase {
  kind: "FullTensorProductv2" | "ElementwiseTensorProductv2";
  given: [string, string];
  options: { filter_ir_out?: string[]; irrep_normalization?: "norm"; regroup_output?: boolean };
  irreps: [string, string, string];
  arrays: Arrays;
}
interface ViewCase extends Record<"x" | "y" | "w" | "out" | "right", Numbers> {
  shared: boolean;
  views: Numbers[];
}
const layers = fixture<{
  linear: LinearCase[];
  products: ProductCase[];
  views: ViewCase[];
  rotations: Record<string, number[][]> & Record<"angle" | "composed_angle", number[]>;
  complex: { l: number; Q: number[][][]; X: number[][][][] }[];
}>("layers.json");

const of = ({ shape, data }: Numbers): Tensor => tensor(Float64Array.from(data), shape);
const near = (found: Tensor, wanted: Numbers, what: string): void => {
  expect(found.shape, what).toEqual(wanted.shape);
  expectNear(found.dataSync(), wanted.data, 1e-10, what);
};

/** Values, gradients and gradients of the sum of their squares. */
function expectDerivatives(
  f: (...given: Tensor[]) => Tensor,
  names: readonly string[],
  arrays: Arrays,
): void {
  const given = names.map((name) => requireGrad(of(arrays[name])));
  const cotangent = requireGrad(of(arrays.cotangent));
  const out = f(...given);
  near(out, arrays.out, "out");
  const first = grad(out, given, { gradOutput: cotangent, createGraph: true });
  names.forEach((name, k) => near(first[k], arrays[`grad_${name}`], `grad ${name}`));
  const total = first.map((g) => sum(square(g))).reduce((a, b) => add(a, b));
  const second = grad(total, [...given, cotangent], { allowUnused: true });
  [...names, "cotangent"].forEach((name, k) => {
    const wanted = arrays[`gradgrad_${name}`];
    if (second[k] === undefined)
      expect(
        wanted.data.every((x) => x === 0),
        name,
      ).toBe(true);
    else near(second[k], wanted, `gradgrad ${name}`);
  });
}

beforeAll(() => openCpu());

describe("Linear is e3nn's", () => {
  const make = ({ irreps_in, irreps_out, options }: LinearCase, more: o3.LinearOptions = {}): o3.Linear =>
    new o3.Linear(irreps_in, irreps_out, {
      fIn: options.f_in,
      fOut: options.f_out,
      sharedWeights: options.shared_weights,
      biases: options.biases,
      pathNormalization: options.path_normalization,
      instructions: options.instructions,
      internalWeights: false,
      ...more,
    });

  it.each(layers.linear.map((c, n) => [n, c.printed, JSON.stringify(c.options), c] as const))(
    "case %i: %s %s",
    (_n, printed, _options, c) => {
      const module = make(c);
      expect([module.toString(), o3.showInstructions(module.instructions)]).toEqual([
        printed,
        c.instructions,
      ]);
      expect([module.weightNumel, module.biasNumel]).toEqual([c.weight_numel, c.bias_numel]);
      expect(Array.from(module.outputMask)).toEqual(c.output_mask);
      expectDerivatives(
        (x, w, b?: Tensor) => module.call(x, w, b),
        ["x", "w", ...("b" in c.arrays ? ["b"] : [])],
        c.arrays,
      );
    },
  );

  it("weights go in as a list, and come out as views", () => {
    for (const c of layers.linear) {
      const module = make(c);
      const [x, w, b] = ["x", "w", "b"].map((name) => (name in c.arrays ? of(c.arrays[name]) : undefined));
      const views = module.weightViews(w);
      expect(views.length).toBe(c.views.length);
      views.forEach(({ instruction, weight }, k) => {
        near(weight, c.views[k], c.printed);
        near(module.weightViewForInstruction(instruction, w), c.views[k], c.printed);
      });
      const listed = module.call(
        x!,
        views.map((v) => v.weight),
        b,
      );
      expect(Array.from(listed.dataSync())).toEqual(Array.from(module.call(x!, w, b).dataSync()));
    }
  });

  it("holds weights and biases with their channels, and its own views", () => {
    const module = new o3.Linear("2x0e+3x1o", "3x0e+2x1o", { fIn: 2, fOut: 4, biases: true });
    expect(Array.from(module.parameters(), ([name, t]) => [name, t.shape])).toEqual([
      ["weight", [2, 4, 12]],
      ["bias", [4, 3]],
    ]);
    expect(module.weightViews().map((v) => v.weight.shape)).toEqual([
      [2, 4, 2, 3],
      [2, 4, 3, 2],
    ]);
    expect(module.call(new o3.Irreps("2x0e+3x1o").randn([7, 2, -1], new RandomStream(1))).shape).toEqual([
      7, 4, 9,
    ]);
    expect(new o3.Linear("1o", "1e").parameters().size).toBe(0);
  });

  it("leading sizes of weights a row broadcast with those of the input", () => {
    const module = new o3.Linear("2x1o", "1x1o", { sharedWeights: false });
    const x = tensor(Float64Array.from({ length: 6 }, (_, k) => Math.sin(k + 1)));
    const w = tensor(Float64Array.of(1, 2, 3, 4, 5, 6), [3, 2]);
    const out = module.call(x, w);
    expect(out.shape).toEqual([3, 3]);
    const one = module.call(reshape(x, [1, 6]), tensor(Float64Array.of(3, 4), [1, 2]));
    expect(Array.from(out.dataSync().slice(3, 6))).toEqual(Array.from(one.dataSync()));
  });
});

describe("products of regrouped and sorted irreps are e3nn's", () => {
  it.each(
    layers.products.map((c, n) => [n, c.kind, c.given.join(" x "), JSON.stringify(c.options), c] as const),
  )("case %i: %s %s %s", (_n, kind, _given, _options, c) => {
    const { filter_ir_out: filterIrOut, irrep_normalization: irrepNormalization } = c.options;
    const product = new o3[kind](...c.given, {
      filterIrOut,
      irrepNormalization,
      regroupOutput: c.options.regroup_output,
    });
    const { irrepsIn1, irrepsIn2, irrepsOut } = product;
    expect([irrepsIn1, irrepsIn2, irrepsOut].map(String)).toEqual(c.irreps);
    expectDerivatives((x, y) => product.call(x, y), ["x", "y"], c.arrays);
    expect(product.toString()).toMatch(new RegExp(`^${kind}\\(`));
  });
});

describe("weights of tensor products", () => {
  const rows: o3.InstructionLike[] = [
    [0, 0, 0, "uvw", true],
    [0, 1, 1, "uvu", true],
  ];
  it.each(layers.views.map((c) => [c.shared, c] as const))(
    "views, lists and right, shared %s",
    (shared, c) => {
      const options = { sharedWeights: shared, internalWeights: false };
      const product = new o3.TensorProduct("2x0e+3x1o", "3x0e+2x1o", "4x0e+2x1o", rows, options);
      const [x, y, w] = [of(c.x), of(c.y), of(c.w)];
      const views = product.weightViews(w);
      views.forEach(({ weight }, k) => near(weight, c.views[k], `view ${k}`));
      near(
        product.call(
          x,
          y,
          views.map((v) => v.weight),
        ),
        c.out,
        "list",
      );
      near(product.call(x, y, w), c.out, "flat");
      const right = product.right(y, w);
      near(right, c.right, "right");
      near(reshape(matmul(reshape(x, [4, 1, 11]), right), c.out.shape), c.out, "x times right");
    },
  );

  it("views count weighted instructions alone", () => {
    const product = new o3.TensorProduct("2x0e", "2x0e", "2x0e", [
      [0, 0, 0, "uvu", false],
      [0, 0, 0, "uvw", true],
      [0, 0, 0, "uuu", true],
    ]);
    expect(product.weightBlocks()).toEqual([
      { instruction: 1, start: 0, stop: 8, shape: [2, 2, 2] },
      { instruction: 2, start: 8, stop: 10, shape: [2] },
    ]);
    const values = product.weight!.dataSync();
    expect(product.weightViewForInstruction(2).dataSync()).toEqual(values.slice(8));
    expect(() => product.weightViewForInstruction(0)).toThrow("TensorProduct: instruction 0 has no weights");
    expect(() => product.weightViewForInstruction(3)).toThrow(
      /instruction must be a whole number from 0 to 2, got 3/,
    );
  });

  it("gradients go through lists and views", () => {
    const product = new o3.FullyConnectedTensorProduct("2x0e+1x1o", "1x0e+1x1o", "1x0e", {
      internalWeights: false,
    });
    const blocks = product
      .weightBlocks()
      .map(({ shape }) =>
        requireGrad(tensor(new Float64Array(shape[0] * shape[1] * shape[2]).fill(1), shape)),
      );
    const [x, y] = [tensor(Float64Array.of(1, 2, 3, 4, 5)), tensor(Float64Array.of(1, 2, 3, 4))];
    const found = grad(product.call(x, y, blocks), blocks);
    const whole = requireGrad(tensor(new Float64Array(product.weightNumel).fill(1)));
    const views = product.weightViews(grad(product.call(x, y, whole), [whole])[0]);
    found.forEach((g, k) => expect(Array.from(g.dataSync())).toEqual(Array.from(views[k].weight.dataSync())));
  });
});

describe("conversions of rotations are e3nn's", () => {
  const r = layers.rotations;
  const angles = r.angles.map(([alpha, beta, gamma]): o3.Angles => ({ alpha, beta, gamma }));
  const list = ({ alpha, beta, gamma }: o3.Angles): number[] => [alpha, beta, gamma];
  /** Angles are equal when their rotations are. */
  const sameRotation = (found: o3.Angles, wanted: number[]): void => {
    const [alpha, beta, gamma] = wanted;
    expectNear(o3.anglesToMatrix(found), o3.anglesToMatrix({ alpha, beta, gamma }), 1e-10);
  };
  it("between angles, quaternions and axes", () => {
    angles.forEach((a, k) => {
      const q = o3.anglesToQuaternion(a);
      expectNear(q, r.quaternion[k], 1e-12);
      expectNear(o3.inverseQuaternion(q), r.inverse_quaternion[k], 1e-12);
      const { axis, angle } = o3.quaternionToAxisAngle(q);
      expectNear([...axis, angle], [...r.axis[k], r.angle[k]], 1e-10);
      expectNear(list(o3.quaternionToAngles(q)), r.angles_of_quaternion[k], 1e-10);
      expectNear(list(o3.axisAngleToAngles(axis, angle)), r.angles_of_axis_angle[k], 1e-10);
    });
  });
  it("composed", () => {
    for (const k of [0, 1]) {
      sameRotation(o3.composeAngles(angles[k], angles[k + 2]), r.composed_angles[k]);
      const at = (n: number) => o3.quaternionToAxisAngle(o3.anglesToQuaternion(angles[n]));
      const [a, b] = [at(k), at(k + 2)];
      const { axis, angle } = o3.composeAxisAngle(a.axis, a.angle, b.axis, b.angle);
      expectNear([...axis, angle], [...r.composed_axis[k], r.composed_angle[k]], 1e-10);
    }
  });
  it("half turns keep their axis, and no turn has none", () => {
    for (const axis of [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [0.6, 0, 0.8],
      [Math.SQRT1_2, -Math.SQRT1_2, 0],
    ] as const) {
      const found = o3.matrixToAxisAngle(o3.axisAngleToMatrix(axis, Math.PI));
      expectNear([...found.axis, found.angle], [...axis, Math.PI], 1e-12);
      const R = o3.axisAngleToMatrix(axis, Math.PI);
      expectNear(o3.quaternionToMatrix(o3.matrixToQuaternion(R)), R, 1e-12);
    }
    expect(o3.matrixToAxisAngle([1, 0, 0, 0, 1, 0, 0, 0, 1])).toEqual({ axis: [0, 0, 0], angle: 0 });
    expect(o3.composeQuaternion(o3.identityQuaternion, [0.5, 0.5, 0.5, 0.5])).toEqual([0.5, 0.5, 0.5, 0.5]);
    expectNear(o3.anglesToMatrix(o3.identityAngles), [1, 0, 0, 0, 1, 0, 0, 0, 1], 0);
  });
  it("random ones are rotations, and matrices may be tensors", () => {
    const random = new RandomStream(3);
    const R = o3.randMatrix(random);
    expect(o3.determinant(R)).toBeCloseTo(1, 12);
    expectNear(o3.anglesToMatrix(o3.matrixToAngles(R)), R.dataSync(), 1e-12);
    expect(Math.hypot(...o3.randQuaternion(random))).toBeCloseTo(1, 12);
    expect(Math.hypot(...o3.randAxisAngle(random).axis)).toBeCloseTo(1, 12);
  });
  it("batches of angles, quaternions and axes give batches of matrices", () => {
    const column = (k: number): Tensor => tensor(Float64Array.from(r.angles, (a) => a[k]));
    const found = o3.dFromAngles(
      "1x0o+2x1e+1x2o",
      { alpha: column(0), beta: column(1), gamma: column(2) },
      1,
    );
    expect(found.shape).toEqual([5, 12, 12]);
    expectNear(found.dataSync(), flat(r.D), 1e-10);
    const q = tensor(Float64Array.from(flat(r.quaternion)), [5, 4]);
    expectNear(o3.dFromQuaternion("1x1e+1x2o", q).dataSync(), flat(r.D_of_quaternion), 1e-10);
    const axis = tensor(Float64Array.from(flat(r.axis)), [5, 3]);
    const angle = tensor(Float64Array.from(r.angle));
    expectNear(o3.dFromAxisAngle("1x1e+1x2o", axis, angle).dataSync(), flat(r.D_of_axis_angle), 1e-10);
    const mixed = o3.dFromAngles("1o", { alpha: column(0), beta: 0.2, gamma: 0.3 });
    const single = o3.dFromAngles("1o", { alpha: r.angles[4][0], beta: 0.2, gamma: 0.3 });
    expect(mixed.shape).toEqual([5, 3, 3]);
    expectNear(mixed.dataSync().slice(36), single.dataSync(), 0);
  });
  it.each(layers.complex)("complex basis and generators of degree $l", ({ l, Q, X }) => {
    const parts = (list: number[][][], part: number): number[] => list.flat().map((z) => z[part]);
    const q = o3.changeBasisRealToComplex(l);
    expectNear(q.re, parts(Q, 0), 1e-15);
    expectNear(q.im, parts(Q, 1), 1e-15);
    o3.su2Generators(l).forEach((x, k) => {
      expectNear(x.re, parts(X[k], 0), 1e-14);
      expectNear(x.im, parts(X[k], 1), 1e-14);
    });
  });
});
