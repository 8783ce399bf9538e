import { describe, expect, it } from "vitest";
import { mul, tanh } from "../../kernels/elementwise/ops.generated.js";
import { sum } from "../../kernels/reduce/op.js";
import { grad } from "../../src/autograd/grad.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { openReference } from "../../src/backends/reference/reference.js";
import { constant } from "../../src/nn/init.js";
import { Linear } from "../../src/nn/linear.js";
import { Mlp } from "../../src/nn/mlp.js";
import { Module } from "../../src/nn/module.js";
import { memory, setDefaultDevice } from "../../src/tensor/device.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { RandomStream } from "../../src/tensor/philox.js";
import { scope } from "../../src/tensor/scope.js";
import { type Tensor, tensor, zeros } from "../../src/tensor/tensor.js";
import { gradcheck } from "../../src/testing/gradcheck.js";

openCpu();
openReference();
setDefaultDevice("cpu");

const random = (): RandomStream => new RandomStream(5);

/** A module with everything: a parameter, a buffer, children in a list and one with two inputs and outputs. */
class Gated extends Module<readonly [x: Tensor, y: Tensor], { sum: Tensor; list: Tensor[] }> {
  readonly gate = this.parameter("gate", tensor([2], [1]));
  readonly scale = this.buffer("scale", tensor([10], [1]));
  readonly layers = [0, 1].map((k) => this.child(`layers.${k}`, new Linear(3, 3, { random: random() })));

  protected forward(x: Tensor, y: Tensor): { sum: Tensor; list: Tensor[] } {
    const list = this.layers.map((layer) => mul(layer.call(x), this.gate));
    return { sum: mul(y, this.scale), list };
  }

  again(): void {
    this.buffer("gate", zeros([1]));
  }
}

function errorOf(f: () => unknown): AtomgradError {
  try {
    f();
  } catch (error) {
    expect(error).toBeInstanceOf(AtomgradError);
    return error as AtomgradError;
  }
  throw new Error("nothing was thrown");
}

describe("a module", () => {
  it("names its parameters and its children's, in the order of registration", () => {
    using net = new Gated();
    const names = ["gate", "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"];
    expect([...net.parameters().keys()]).toEqual(names);
    expect([...net.buffers().keys()]).toEqual(["scale"]);
    for (const t of net.parameters().values()) expect(t.requiresGrad).toBe(true);
    expect(net.scale.requiresGrad).toBe(false);
  });

  it("prints as a tree", () => {
    class Outer extends Module {
      readonly inner = this.child("inner", new Gated());

      protected forward(x: Tensor): Tensor {
        return this.inner.call(x, x).sum;
      }
    }
    using net = new Outer();
    expect(String(net)).toBe(
      "Outer(\n  (inner): Gated(\n    (layers.0): Linear()\n    (layers.1): Linear()\n  )\n)",
    );
  });

  it("frees all it computes but the result, and in the end itself", () => {
    const before = memory();
    const net = new Gated();
    const live = memory().tensors;
    const [x, y] = [zeros([4, 3]), zeros([2])];
    const out = net.call(x, y);
    expect(out.list.map((t) => t.shape)).toEqual([
      [4, 3],
      [4, 3],
    ]);
    for (const t of [x, y, out.sum, ...out.list]) t.dispose();
    expect(memory().tensors).toBe(live);
    net.dispose();
    expect(memory().tensors).toBe(before.tensors);
    expect(memory().bytes).toBe(before.bytes);
  });

  it("survives the scope it is made in", () => {
    const net = scope(() => {
      const made = new Gated();
      return { made, other: 1 };
    }).made;
    expect(net.gate.itemSync()).toBe(2);
    net.dispose();
  });

  it("refuses one name for two things", () => {
    using net = new Gated();
    const { code, message } = errorOf(() => scope(() => net.again()));
    expect([code, message]).toEqual(["VALUE", 'Gated: "gate" is registered twice']);
  });
});

describe("its state", () => {
  it("round-trips exactly, buffers included", async () => {
    using net = new Gated();
    using other = new Gated();
    net.gate.assign([0.1]);
    net.scale.assign([-3]);
    const state = await net.exportState();
    const [gate, ...layers] = net.parameters().keys();
    expect([...state.keys()]).toEqual([gate, "scale", ...layers]);
    expect(other.loadState(state)).toEqual({ missing: [], unexpected: [] });
    expect(await other.exportState()).toEqual(state);
  });

  it("loads into another number type", async () => {
    using single = new Linear(2, 3, { random: random() });
    using double = new Linear(2, 3, { random: random(), dtype: "f64" });
    double.loadState(await single.exportState());
    expect([...double.weight.dataSync()]).toEqual([...single.weight.dataSync()]);
  });

  it("is not loaded by halves: wrong names or shapes change nothing", async () => {
    using net = new Gated();
    const before = await net.exportState();
    const state = new Map(before);
    state.set("gate", { shape: [1], data: Float32Array.of(99) });
    state.set("layers.1.bias", { shape: [2], data: Float32Array.of(1, 2) });
    const wrong = errorOf(() => net.loadState(state));
    expect(wrong.code).toBe("SHAPE");
    expect(wrong.message).toMatch(
      /Gated: "layers.1.bias" has shape \[2\] \(2 values\) in the state, expected \[3\]/,
    );
    state.set("layers.1.bias", { shape: [3], data: Float32Array.of(1, 2) });
    expect(errorOf(() => net.loadState(state)).message).toMatch(/\[3\] \(2 values\)/);
    state.delete("layers.1.bias");
    state.set("layer.1.bias", { shape: [3], data: new Float32Array(3) });
    const misnamed = errorOf(() => net.loadState(state));
    expect(misnamed.code).toBe("FORMAT");
    expect(misnamed.message).toMatch(
      /missing "layers.1.bias"; unexpected "layer.1.bias"; pass \{ strict: false \}/,
    );
    expect(await net.exportState()).toEqual(before);
  });

  it("loads what fits when asked to, and tells the rest", () => {
    using net = new Gated();
    const state = new Map([
      ["gate", { shape: [1], data: Float32Array.of(7) }],
      ["extra", { shape: [1], data: Float32Array.of(7) }],
    ]);
    const { missing, unexpected } = net.loadState(state, { strict: false });
    expect(unexpected).toEqual(["extra"]);
    expect(missing).toHaveLength(5);
    expect(net.gate.itemSync()).toBe(7);
  });

  it("does not flood the message", () => {
    using net = new Mlp([1, 1, 1, 1, 1, 1], { random: random() });
    expect(errorOf(() => net.loadState(new Map())).message).toMatch(/missing (".*?", ){4}".*?" and 5 more;/);
  });
});

describe("Linear", () => {
  it("computes activation(x W + b), for any leading sizes", () => {
    scope(() => {
      using layer = new Linear(2, 3, { random: random(), activation: "tanh", dtype: "f64" });
      layer.loadState(
        new Map([
          ["weight", { shape: [2, 3], data: Float64Array.of(1, 2, 3, 4, 5, 6) }],
          ["bias", { shape: [3], data: Float64Array.of(0.1, 0.2, 0.3) }],
        ]),
      );
      const x = tensor(Float64Array.of(0.1, -0.2, 0.3, 0.4), [2, 1, 2]);
      const wanted = [0.1 - 0.8, 0.2 - 1, 0.3 - 1.2, 0.3 + 1.6, 0.6 + 2, 0.9 + 2.4].map((v, k) =>
        Math.tanh(v + 0.1 * ((k % 3) + 1)),
      );
      const y = layer.call(x);
      expect(y.shape).toEqual([2, 1, 3]);
      y.dataSync().forEach((v, k) => expect(v).toBeCloseTo(wanted[k], 14));
    });
  });

  it("draws PyTorch's default weights, or what it is told to, and can go without bias", () => {
    using plain = new Linear(16, 200, { random: random() });
    for (const t of [plain.weight, plain.bias!]) {
      const values = [...t.dataSync()].map(Math.abs);
      expect(Math.max(...values)).toBeLessThanOrEqual(0.25);
      expect(Math.max(...values)).toBeGreaterThan(0.24);
    }
    using told = new Linear(1, 2, { random: random(), bias: false, weightInit: constant(3) });
    expect([...told.weight.dataSync()]).toEqual([3, 3]);
    expect([...told.parameters().keys()]).toEqual(["weight"]);
  });

  it("says which rows it expects", () => {
    using layer = new Linear(2, 3, { random: random() });
    expect(errorOf(() => scope(() => layer.call(zeros([4, 3])))).message).toBe(
      "Linear: expected rows of 2, [...,2], got [4,3]",
    );
    expect(errorOf(() => scope(() => layer.call(zeros([2])))).code).toBe("SHAPE");
  });
});

describe("Mlp", () => {
  it("is its layers one after the other, with the last activation of its own", () => {
    scope(() => {
      using net = new Mlp([2, 5, 4, 1], { random: random(), activation: "tanh", dtype: "f64" });
      expect(net.layers.map((l) => l.activation)).toEqual(["tanh", "tanh", "none"]);
      expect([...net.parameters().keys()].slice(0, 3)).toEqual([
        "layers.0.weight",
        "layers.0.bias",
        "layers.1.weight",
      ]);
      const x = tensor(Float64Array.of(0.3, -0.7), [1, 2]);
      const [a, b, c] = net.layers;
      expect(net.call(x).dataSync()).toEqual(c.call(b.call(a.call(x))).dataSync());
      using bounded = new Mlp([2, 1], { random: random(), outputActivation: "tanh" });
      expect(bounded.layers.map((l) => l.activation)).toEqual(["tanh"]);
    });
  });

  it("has exact gradients of inputs and parameters", () => {
    scope(() => {
      using net = new Mlp([3, 4, 2], { random: random(), dtype: "f64" });
      const x = tensor(
        Float64Array.from({ length: 6 }, (_, k) => Math.sin(k)),
        [2, 3],
      );
      gradcheck((v) => tanh(net.call(v)), [x]);
      const grads = grad(sum(net.call(x)), [...net.parameters().values()]);
      expect([...grads[3].dataSync()]).toEqual([2, 2]);
    });
  });

  it("has the same weights on every device", () => {
    using cpu = new Mlp([3, 4, 2], { random: random(), device: "cpu" });
    using reference = new Mlp([3, 4, 2], { random: random(), device: "reference" });
    const values = (net: Mlp): unknown => [...net.parameters().values()].map((t) => t.dataSync());
    expect(values(reference)).toEqual(values(cpu));
  });

  it("refuses to be empty", () => {
    expect(errorOf(() => new Mlp([3], { random: random() })).message).toBe(
      "Mlp: widths [3] make no layer; give input and output widths",
    );
  });
});
