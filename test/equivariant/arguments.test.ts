import { beforeAll, describe, expect, it } from "vitest";
import { silu } from "../../kernels/elementwise/ops.generated.js";
import { openCpu } from "../../src/backends/cpu/cpu.js";
import { AtomgradError, o3, RandomStream, tensor } from "../../src/index.js";

beforeAll(() => openCpu());

const random = new RandomStream(0);

describe("number types", () => {
  it("random features go into fresh modules as they are", () => {
    const x = new o3.Irreps("2x0e+1x1o").randn([4, -1], random);
    expect(x.dtype).toBe("f32");
    expect(new o3.Linear("2x0e+1x1o", "3x0e").call(x).shape).toEqual([4, 3]);
    expect(new o3.FullyConnectedTensorProduct("2x0e+1x1o", "2x0e+1x1o", "1o").call(x, x).shape).toEqual([
      4, 3,
    ]);
    expect(new o3.BatchNorm("2x0e+1x1o").call(x).shape).toEqual([4, 5]);
    expect(new o3.NormActivation("2x0e+1x1o", silu, { bias: true }).call(x).shape).toEqual([4, 5]);
    expect(new o3.FullyConnectedNet([5, 4, 2], silu).call(x).shape).toEqual([4, 2]);
  });

  it("that differ are an error with the module, both types and what to do", () => {
    const x = new o3.Irreps("2x0e").randn([4, -1], random, { dtype: "f64" });
    const wrong: Record<string, () => unknown> = {
      Linear: () => new o3.Linear("2x0e", "3x0e").call(x),
      FullyConnectedTensorProduct: () => new o3.FullyConnectedTensorProduct("2x0e", "2x0e", "0e").call(x, x),
      FullTensorProduct: () =>
        new o3.FullTensorProduct("2x0e", "2x0e").call(x, new o3.Irreps("2x0e").randn([4, -1], random)),
      BatchNorm: () => new o3.BatchNorm("2x0e").call(x),
      NormActivation: () => new o3.NormActivation("2x0e", silu, { bias: true }).call(x),
      FullyConnectedNet: () => new o3.FullyConnectedNet([2, 2], silu).call(x),
    };
    for (const [name, call] of Object.entries(wrong))
      expect(call, name).toThrow(
        new RegExp(`^${name}: x is f64, \\w+ is f32; convert one, as by cast\\(x, "f32"\\), .*dtype: "f64"`),
      );
    expect(new o3.Linear("2x0e", "3x0e", { dtype: "f64" }).call(x).dtype).toBe("f64");
  });
});

/** Calls in plain JavaScript, where no type stands in the way. */
describe("arguments that are missing or wrong are named", () => {
  type Call = (...given: unknown[]) => unknown;
  const f = o3 as unknown as Record<string, Call> &
    Record<string, new (...given: unknown[]) => { call: Call }>;
  const x = (): unknown => tensor([1, 2, 3]);
  it.each<[string, () => unknown, RegExp]>([
    ["harmonics' options", () => f.sphericalHarmonics(1, x()), /^sphericalHarmonics: options must be given/],
    ["normalize", () => f.sphericalHarmonics(1, x(), {}), /normalize must be given, true or false/],
    [
      "vectors",
      () => f.sphericalHarmonics(1, [1, 2, 3], { normalize: true }),
      /x must be a tensor, got an array/,
    ],
    ["module of harmonics", () => new f.SphericalHarmonics(1), /^SphericalHarmonics: options must be given/],
    ["a basis' options", () => f.softOneHotLinspace(x()), /^softOneHotLinspace: options must be given/],
    ["irreps", () => new f.Irreps(3), /^Irreps: cannot be made from the number 3; write/],
    ["an entry", () => new f.Irreps([3]), /^Irreps: 3 is no entry/],
    ["an irrep", () => new f.Extract("1o"), /^Extract: give a list of parts/],
    ["indices", () => f.scatter(x(), [0, 0.5, 1]), /^scatter: index\[1\] is 0.5/],
    ["an index", () => f.scatter(x()), /^scatter: index must be an Int32Array or a list/],
    [
      "a product's inputs",
      () => new f.FullTensorProduct("1o", "1o").call(x()),
      /^FullTensorProduct: y must be a tensor, got nothing/,
    ],
    [
      "a product's paths",
      () => new f.TensorProduct("1o", "1o", "1o"),
      /^TensorProduct: instructions must be a list/,
    ],
    ["features", () => new f.Linear("1o", "1o").call([1, 2, 3]), /^Linear: x must be a tensor/],
    ["widths", () => new f.FullyConnectedNet(), /^FullyConnectedNet: widths must be a list/],
    ["functions", () => new f.Activation("1x0e"), /^Activation: give a list/],
    ["a function", () => new f.NormActivation("1x0e"), /^NormActivation: give a function/],
    ["a stream", () => f.randMatrix(), /give a stream of random numbers, new RandomStream\(seed\)/],
    [
      "randn's stream",
      () => new o3.Irreps("1o").randn([2, -1], undefined as never),
      /^Irreps.randn: give a stream/,
    ],
    ["a probability", () => new f.Dropout("1o"), /^Dropout: p is undefined/],
    ["angles", () => f.dFromAngles("1o"), /^dFromAngles: angles must be given as \{ alpha, beta, gamma \}/],
    [
      "one function at both ends",
      () => f.softOneHotLinspace(x(), { start: 0, end: 1, number: 1, basis: "cosine", cutoff: false }),
      /number is 1; cosine without cutoff needs a whole number of at least 2/,
    ],
  ])("%s", (_, call, message) => {
    expect(call).toThrow(AtomgradError);
    expect(call).toThrow(message);
  });

  it("a square takes its one input; indices may be a list", () => {
    const square = new o3.TensorSquare("1x1o");
    expect(Array.from(square.call(tensor([1, 2, 3])).dataSync())).toEqual(
      Array.from(square.square(tensor([1, 2, 3])).dataSync()),
    );
    const rows = tensor([1, 2, 3], [3, 1]);
    expect(Array.from(o3.scatter(rows, [2, 0, 2], 4).dataSync())).toEqual([2, 0, 4, 0]);
  });
});
