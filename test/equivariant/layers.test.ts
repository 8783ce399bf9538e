import { beforeAll, describe, expect, it } from "vitest";
import {
  abs,
  cos,
  mul,
  relu,
  sigmoid,
  silu,
  sin,
  softplus,
  square,
  tanh,
} from "../../kernels/elementwise/ops.generated.js";
import { sum } from "../../kernels/reduce/op.js";
import { grad } from "../../src/autograd/grad.js";
import { requireGrad } from "../../src/autograd/node.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { o3 } from "../../src/index.js";
import { estimateConstant, momentConstant } from "../../src/equivariant/normalized-activation.js";
import { mersenneNormals } from "../../src/equivariant/mersenne-normals.js";
import { RandomStream } from "../../src/tensor/philox.js";
import { type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import { expectNear } from "./fixture.js";

// Inputs and numbers of spec equivariant 8.5 and 8.6, which e3nn 0.6.0 gave.
const fill = (shape: number[], f: (k: number) => number): Tensor =>
  tensor(
    Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => f(k)),
    shape,
  );
const X = (...shape: number[]): Tensor => fill(shape, (k) => Math.sin(k + 1));
const W = (...shape: number[]): Tensor => fill(shape, (k) => Math.sin(0.5 * k + 0.3));
const start = (t: Tensor, wanted: number[]): void =>
  expectNear(t.dataSync().slice(0, wanted.length), wanted, 1e-9);
const squares = (t: Tensor): number => sum(square(t)).itemSync();
const dtype = "f64" as const;

beforeAll(() => openCpu());

describe("constants of activations", () => {
  it("come from PyTorch's stream of normal numbers", () => {
    expectNear(
      mersenneNormals(0, 16).slice(0, 4),
      [-2.310411800234176, -0.3732508612577643, -1.0608166785462863, 0.9995093547811761],
      1e-15,
    );
  });

  it.each(Object.entries({ relu, silu, tanh, sigmoid, abs, softplus, cos, sin, square }))(
    "%s: the table holds what the stream gives",
    (_name, f) => expect(estimateConstant(f) / momentConstant(f)).toBeCloseTo(1, 13),
  );

  it("are estimated for functions of users", () => {
    expect(momentConstant((x) => x)).toBeCloseTo(1.0011106008384669, 13);
    expect(o3.momentConstant((x) => mul(x, sigmoid(x)))).toBeCloseTo(1.6791767923989418, 13);
  });
});

describe("layers", () => {
  it("Norm", () => {
    const norm = new o3.Norm("2x0e+3x1o");
    start(norm.call(X(11)), [0.8414709848, 0.9092974268, 1.2297156737, 1.220054979, 1.2106944405]);
    expect([norm.toString(), norm.irrepsOut.toString()]).toEqual(["Norm(2x0e+3x1o)", "5x0e"]);
    const x = requireGrad(zeros([3], { dtype }));
    expect(Array.from(grad(sum(new o3.Norm("1o").call(x)), [x])[0].dataSync())).toEqual([0, 0, 0]);
    start(new o3.Norm("1o", { squared: true }).call(X(3)), [squares(X(3))]);
  });

  it("Gate, with even scalars, odd gates and parities that change", () => {
    const gate = new o3.Gate("2x0e", [silu], "1x0e+1x0o", [sigmoid, tanh], "1x1o+1x2e");
    expect(gate.toString()).toBe("Gate (1x0o+3x0e+1x1o+1x2e -> 2x0e+1x1o+1x2o)");
    const y = gate.call(X(12));
    start(y, [
      ...[1.0884398205, 0.1268290159, -0.5655050439, -0.164779303],
      ...[0.3874437692, 1.0825927114, 0.4509554248, -0.5952881997],
    ]);
    expect(squares(y)).toBeCloseTo(4.9696465125, 9);
  });

  it("Gate of several blocks", () => {
    const gate = new o3.Gate("3x0e+2x0o", [relu, abs], "2x0e", [sigmoid], "1x1e+1x1o");
    expect([gate.irrepsIn.toString(), gate.irrepsOut.toString()]).toEqual([
      "2x0o+5x0e+1x1o+1x1e",
      "3x0e+2x0e+1x1e+1x1o",
    ]);
    const y = gate.call(X(13));
    start(y, [
      ...[0.1998738197, 0, 0, 0.8424055232, 0.9103072933],
      ...[-0.7951782236, -0.4266752784, 0.33411095],
    ]);
    expect(squares(y)).toBeCloseTo(4.6410924867, 9);
    const printed = new o3.Gate("16x0o", [tanh], "32x0o", [tanh], "16x1e+16x1o").toString();
    expect(printed).toBe("Gate (48x0o+16x1o+16x1e -> 16x0o+16x1o+16x1e)");
    expect(new o3.Gate("2x0e", [relu], "", [], "").toString()).toBe("Gate (2x0e -> 2x0e)");
    expect(() => new o3.Gate("", [], "2x0e", [relu], "1x1o")).toThrow(/2 gates.*for 1 irreps/);
    expect(() => new o3.Gate("1x1o", [relu], "", [], "")).toThrow(/must be 0e or 0o/);
  });

  it("Activation", () => {
    const f = new o3.Activation("2x0e+1x1o+1x0o", [silu, undefined, tanh]);
    start(
      f.call(X(6)),
      [0.9873539895, 1.0884398205, 0.1411200081, -0.7568024953, -0.9589242747, -0.4340756558],
    );
    const printed = new o3.Activation("256x0o+16x1e", [abs, undefined]).toString();
    expect(printed).toBe("Activation [x ] (256x0o+16x1e -> 256x0e+16x1e)");
    expect(() => new o3.Activation("1x0o", [silu])).toThrow(/neither even nor odd/);
    expect(() => new o3.Activation("1x1o", [silu])).toThrow(/only scalars/);
  });

  it("NormActivation", () => {
    const f = new o3.NormActivation("2x0e+1x1o", sigmoid, { epsilon: 1e-8 });
    start(f.call(X(5)), [0.6987749319, 0.712856373, 0.0887963475, -0.4761996421, -0.6033798768]);
    expect(() => new o3.NormActivation("0e", sigmoid, { normalize: false, epsilon: 1 })).toThrow(
      /epsilon is 1/,
    );
    expect(new o3.NormActivation("1x0o+2x1e+0x2e+3x1e", sigmoid).toString()).toBe(
      "NormActivation(\n" +
        "  (norm): Norm(1x0o+5x1e)\n" +
        "  (scalar_multiplier): ElementwiseTensorProduct(6x0e x 1x0o+5x1e -> 1x0o+5x1e | 6 paths | 0 weights)\n" +
        ")",
    );
  });

  it("BatchNorm in training, then with its running statistics", () => {
    const norm = new o3.BatchNorm("2x0e+1x1o", { dtype });
    expect(norm.toString()).toBe("BatchNorm (2x0e+1x1o, eps=1e-05, momentum=0.1)");
    const y = norm.call(X(4, 5));
    start(y, [1.552147865, 1.1355205847, 0.2002830423, -1.0740837408, -1.3609428859]);
    const { running_mean: means, running_var: variances } = Object.fromEntries(norm.buffers());
    start(means, [-0.018145950915, 0.001707840392]);
    start(variances, [0.94343262395, 0.961737053688, 0.949645521616]);
    norm.training = false;
    start(norm.call(X(4, 5)), [0.8850080406, 0.9254630247, 0.1448123308, -0.7766037915, -0.9840139693]);
    const instance = new o3.BatchNorm("2x0e+1x1o", { dtype, instance: true, normalization: "norm" });
    start(
      instance.call(X(2, 2, 5)),
      [0.9999840817, 0.9996859827, 0.1160616848, -0.6224189885, -0.7886505143],
    );
    expect(new o3.BatchNorm("1x1o", { dtype }).call(X(2, 3)).shape).toEqual([2, 3]);
  });

  it("FullyConnectedNet", () => {
    const net = new o3.FullyConnectedNet([3, 4, 2], silu, { dtype });
    const give = (target: o3.FullyConnectedNet): void =>
      void target.loadState(
        new Map(
          [W(3, 4), W(4, 2)].map((t, k) => [`layer${k}.weight`, { shape: t.shape, data: t.dataSync() }]),
        ),
      );
    give(net);
    start(net.call(X(3)), [0.3954587382, 0.411426223]);
    expect([net.toString(), net.layers[0].toString(), net.layers[1].toString()]).toEqual([
      "FullyConnectedNet[3, 4, 2]",
      "Layer(3->4, act=normalize2mom)",
      "Layer(4->2, act=None)",
    ]);
    const other = new o3.FullyConnectedNet([3, 4, 2], tanh, {
      dtype,
      varianceIn: 2,
      varianceOut: 3,
      outAct: true,
    });
    give(other);
    start(other.call(X(3)), [1.1147377252, 1.1304691022]);
    expect(() => net.call(X(4))).toThrow(/expected rows of 3/);
  });

  it("Linear", () => {
    const linear = new o3.Linear("2x0e+3x1o+1x0e", "2x0e+2x1o", { internalWeights: false });
    expect(linear.toString()).toBe("Linear(2x0e+3x1o+1x0e -> 2x0e+2x1o | 12 weights)");
    expect(new o3.Linear("4x0e+16x1o", "8x0e+8x1o").toString()).toBe(
      "Linear(4x0e+16x1o -> 8x0e+8x1o | 160 weights)",
    );
    const y = linear.call(X(12), W(12));
    start(y, [0.9072510004, 1.0036913586, -0.1317850492]);
    expect(sum(y).itemSync()).toBeCloseTo(1.570820948, 9);
    expect(squares(y)).toBeCloseTo(1.8763683261, 9);
    const biased = new o3.Linear("1x1o", "2x0e+1x1o", { biases: true, dtype });
    biased.bias!.assign([3, 4]);
    start(biased.call(X(1, 3)), [3, 4]);
    expect(Array.from(new o3.Linear("1x1o", "2x0e+1x1o").outputMask)).toEqual([0, 0, 1, 1, 1]);
    expect(() => new o3.Linear("1o", "1o", { biases: [true] })).toThrow(/true only for 0e/);
    expect(() => linear.call(X(12))).toThrow(/weight expected \[12\], got nothing/);
  });

  it("Identity, the module of harmonics and irreps by name", () => {
    const identity = new o3.Identity("1o+1o+0e", "2x1o+0e");
    expect(identity.toString()).toBe("Identity(2x1o+1x0e -> 2x1o+1x0e)");
    expectNear(identity.call(X(2, 7)).dataSync(), X(2, 7).dataSync(), 0);
    expect(Array.from(identity.outputMask)).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect(() => new o3.Identity("1o", "1e")).toThrow(/1x1o is not 1x1e/);
    expect(String(new o3.SphericalHarmonics([0, 1], { normalize: true }))).toBe("SphericalHarmonics()");
    expect([o3.irrep.l0e, o3.irrep.l1o, o3.irrep.l12o].map(String)).toEqual(["0e", "1o", "12o"]);
  });

  it("Extract and Dropout", () => {
    const [a, b] = new o3.Extract("1e + 0e + 0e", ["0e", "1x0e+1x1e"], [[1], [2, 0]]).call(X(5));
    expectNear(a.dataSync(), [Math.sin(4)], 1e-15);
    expectNear(b.dataSync(), [5, 1, 2, 3].map(Math.sin), 1e-15);
    expectNear(o3.extractIr(X(5), "1e + 0e + 0e", "0e").dataSync(), [4, 5].map(Math.sin), 1e-15);
    expect(() => new o3.Extract("1e", ["0e"], [[0]])).toThrow(/are 1x1e/);
    const x = requireGrad(X(5));
    const [slope] = grad(sum(o3.extractIr(x, "1e + 0e + 0e", "2e")), [x]);
    expect(Array.from(slope.dataSync())).toEqual([0, 0, 0, 0, 0]);
    const dropout = new o3.Dropout("4x0e+2x1o", 0.3, new RandomStream(1));
    expect(dropout.toString()).toBe("Dropout (4x0e+2x1o, p=0.3)");
    const y = Array.from(dropout.call(fill([50, 2, 10], () => 1)).dataSync());
    for (let b = 0; b < 50; b++) {
      const [one, two] = [y.slice(20 * b, 20 * b + 10), y.slice(20 * b + 10, 20 * b + 20)];
      expect(one).toEqual(two);
      expect(new Set(one.slice(4, 7)).size * new Set(one.slice(7)).size).toBe(1);
    }
    expect(y.filter((v) => v === 0).length / y.length).toBeCloseTo(0.3, 1);
    dropout.training = false;
    expectNear(dropout.call(X(2, 10)).dataSync(), X(2, 10).dataSync(), 0);
  });
});
