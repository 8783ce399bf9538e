import { relu, sigmoid } from "../../kernels/elementwise/ops.generated.js";
import { o3, RandomStream, radiusGraph, tensor } from "../../src/index.js";

/** What users of plain JavaScript pass by mistake. */
export const mistakes = {
  nothing: () => undefined,
  null: () => null,
  text: () => "text",
  NaN: () => NaN,
  fraction: () => -1.5,
  truth: () => true,
  array: () => ["text", undefined],
  empty: () => [],
  object: () => ({}),
  tensor: () => tensor(Float64Array.of(1, 2, 3, 4, 5, 6, 7), [1, 7]),
};
export type Mistake = keyof typeof mistakes;

type Call = (...given: unknown[]) => unknown;
export interface Row {
  /** What messages begin with; of a method, the class. */
  readonly name: string;
  readonly call: Call;
  /** Good arguments by name, and the mistakes that are none in themselves: taken, or refused for what they are with the others. */
  readonly good: readonly (readonly [name: string, value: () => unknown, fine?: readonly Mistake[]])[];
}

const free = o3 as unknown as Record<string, Call>;
const classes = o3 as unknown as Record<
  string,
  new (...given: unknown[]) => { call: Call } & Record<string, Call>
>;
const value =
  <T>(x: T) =>
  () =>
    x;
const optional = ["nothing"] as const;
const angles = ["angles", value({ alpha: 0.1, beta: 0.2, gamma: 0.3 })] as const;
const axis = (n = "") => [`axis${n}`, value([1, 2, 2])] as const;
const angle = (n = "") => [`angle${n}`, value(0.4), ["fraction"]] as const;
const q = (name = "q") => [name, value([1, 0, 0, 0])] as const;
const matrix = ["matrix", value([1, 0, 0, 0, 1, 0, 0, 0, 1])] as const;
const random = ["random", () => new RandomStream(1)] as const;
const irreps = (name: string, text = "2x0e+1x1o") => [name, value(text), ["empty"]] as const;
const options = ["options", value({}), ["nothing", "object"]] as const;
const features = (width: number, name = "x") => [name, () => tensor(new Float64Array(width))] as const;

const direct = (name: string, ...good: Row["good"]): Row => ({
  name,
  call: (...a) => free[name](...a),
  good,
});
const made = (name: string, ...good: Row["good"]): Row => ({
  name,
  call: (...a) => new classes[name](...a),
  good,
});
/** A module that exists, called. */
const called = (name: string, make: readonly unknown[], ...good: Row["good"]): Row => ({
  name,
  call: (...a) => new classes[name](...make).call(...a),
  good,
});
const method = (name: string, on: () => unknown, ...good: Row["good"]): Row => ({
  name,
  call: (...a) => (on() as Record<string, Call>)[name.split(".")[1]](...a),
  good,
});

const product = ["2x0e+1x1o", "2x0e+1x1o"] as const;
const external = { internalWeights: false };
const one = () => new o3.Irreps("2x0e+1x1o");
/** Every function and class of o3 with good arguments. */
export const argumentRows: readonly Row[] = [
  ...["matrixX", "matrixY", "matrixZ"].map((name) => direct(name, angle())),
  ...["anglesToMatrix", "inverseAngles", "anglesToQuaternion", "anglesToAxisAngle"].map((n) =>
    direct(n, angles),
  ),
  direct("composeAngles", ["a", angles[1]], ["b", angles[1]]),
  direct("xyzToAngles", ["xyz", value([1, 2, 3])]),
  direct("anglesToXyz", ["alpha", value(1), ["fraction"]], ["beta", value(1), ["fraction"]]),
  ...["matrixToAngles", "matrixToQuaternion", "matrixToAxisAngle", "determinant"].map((n) =>
    direct(n, matrix),
  ),
  ...["axisAngleToQuaternion", "axisAngleToMatrix", "axisAngleToAngles"].map((n) =>
    direct(n, axis(), angle()),
  ),
  direct("composeAxisAngle", axis("1"), angle("1"), axis("2"), angle("2")),
  ...["quaternionToMatrix", "quaternionToAxisAngle", "quaternionToAngles", "inverseQuaternion"].map((n) =>
    direct(n, q()),
  ),
  direct("composeQuaternion", q("a"), q("b")),
  ...["randAngles", "randMatrix", "randQuaternion", "randAxisAngle"].map((n) => direct(n, random)),
  direct("dFromAngles", irreps("irreps", "1o"), angles, ["k", value(1), optional]),
  direct("dFromQuaternion", irreps("irreps", "1o"), q(), ["k", value(1), optional]),
  direct("dFromAxisAngle", irreps("irreps", "1o"), axis(), ["angle", value(0.4), ["fraction", "tensor"]]),
  direct("dFromMatrix", irreps("irreps", "1o"), ["matrix", () => tensor(matrix[1](), [3, 3])]),
  direct("wigner3j", ...(["l1", "l2", "l3"] as const).map((l) => [l, value(1)] as const)),
  direct("wignerCoupling", ...(["l1", "l2", "l3"] as const).map((l) => [l, value(1)] as const)),
  direct("wignerD", ["l", value(1)], angles),
  direct("generators", ["l", value(1)]),
  direct("changeBasisRealToComplex", ["l", value(1)]),
  direct("su2Generators", ["j", value(1)]),
  direct("naturalParity", ["l", value(1)]),
  direct("showInstructions", ["instructions", value([]), ["empty"]]),
  direct("momentConstant", ["f", value(relu)]),
  direct("normalize2mom", ["f", value(relu)]),
  direct("softUnitStep", ["x", () => tensor([1]), ["tensor"]]),
  direct("bessel", ["x", () => tensor([1]), ["tensor"]], ["n", value(2)], ["xMax", value(1), optional]),
  direct(
    "softOneHotLinspace",
    ["x", () => tensor([1]), ["tensor"]],
    ["options", value({ start: 0, end: 1, number: 3, basis: "gaussian", cutoff: true }), ["object"]],
  ),
  ...(["start", "end", "number", "basis", "cutoff"] as const).map((key): Row => ({
    name: "softOneHotLinspace",
    call: (given) =>
      o3.softOneHotLinspace(tensor([1]), {
        start: 0,
        end: 1,
        number: 3,
        basis: "gaussian",
        cutoff: true,
        [key]: given,
      }),
    good: [
      [
        key,
        value({ start: 0, end: 1, number: 3, basis: "gaussian", cutoff: true }[key]),
        key === "cutoff" ? ["truth"] : key === "start" || key === "end" ? ["fraction"] : [],
      ],
    ],
  })),
  direct("sphericalHarmonics", ["l", value([0, 1]), ["empty"]], features(3), [
    "options",
    value({ normalize: true }),
    ["object"],
  ]),
  made(
    "SphericalHarmonics",
    ["irrepsOut", value([0, 1]), ["empty"]],
    ["options", value({ normalize: true }), ["object"]],
  ),
  called("SphericalHarmonics", [1, { normalize: true }], features(3)),
  direct(
    "scatter",
    ["x", () => tensor([1, 2], [2, 1])],
    ["index", value([0, 1])],
    ["rows", value(2), optional],
  ),
  direct("extractIr", features(5), irreps("irrepsIn"), ["ir", value("1o")]),
  made("Irrep", ["l", value(1)], ["p", value(1)]),
  made("MulIr", ["mul", value(1)], ["ir", value("1o")]),
  made("Irreps", ["Irreps", value("1o"), ["nothing", "empty"]]),
  ...["has", "count"].map((n) => method(`Irreps.${n}`, one, ["ir", value("1o")])),
  ...["equals", "plus"].map((n) =>
    method(`Irreps.${n}`, one, [
      "other",
      value("1o"),
      n === "plus" ? ["empty", "nothing"] : ["empty", "nothing"],
    ]),
  ),
  method("Irreps.slice", one, ["start", value(0), optional], ["stop", value(1), optional]),
  method("Irreps.sliceByMul", one, ["start", value(0), optional], ["stop", value(1), optional]),
  method("Irreps.repeat", one, ["n", value(2)]),
  method("Irreps.filter", one, ["criterion", value({ lmax: 1 }), ["nothing", "object"]]),
  ...(["keep", "drop"] as const).map((key): Row => ({
    name: "Irreps.filter",
    call: (given) => one().filter({ [key]: given }),
    good: [[key, value("1o"), ["nothing", "empty"]]],
  })),
  method("Irreps.randn", one, ["size", value([2, -1])], random, options),
  method("Irreps.sphericalHarmonics", () => o3.Irreps, ["lmax", value(2)], ["p", value(1), optional]),
  ...["equals", "compare", "times"].map((n) =>
    method(`Irrep.${n}`, () => o3.Irrep.of("1o"), ["other", value("1o")]),
  ),
  {
    name: "Irrep.iterator",
    call: (lmax) => Array.from(o3.Irrep.iterator(lmax as number)),
    good: [["lmax", value(1)]],
  },
  made("Linear", irreps("irrepsIn", "1o"), irreps("irrepsOut", "1o"), options),
  ...(["fIn", "fOut", "instructions", "biases", "pathNormalization", "random"] as const).map((key): Row => {
    const good = {
      fIn: 1,
      fOut: 1,
      instructions: [[0, 0]],
      biases: [false],
      pathNormalization: "path",
      random: new RandomStream(0),
    };
    return {
      name: "Linear",
      call: (given) =>
        new o3.Linear("1o", "1o", {
          ...(key.startsWith("f") ? { fIn: 1, fOut: 1 } : {}),
          [key]: given,
        }),
      good: [
        [
          key,
          value(good[key]),
          key === "instructions"
            ? ["nothing", "empty"]
            : key === "biases"
              ? ["nothing", "null", "truth"]
              : key.startsWith("f")
                ? []
                : ["nothing"],
        ],
      ],
    };
  }),
  called(
    "Linear",
    ["2x0e+1x1o", "1x0e", { ...external, biases: true }],
    features(5),
    ["weight", () => tensor(new Float64Array(2))],
    ["bias", () => tensor(new Float64Array(1))],
  ),
  made(
    "TensorProduct",
    irreps("irrepsIn1", "1o"),
    irreps("irrepsIn2", "1o"),
    irreps("irrepsOut", "1e"),
    ["instructions", value([[0, 0, 0, "uvw", true]]), ["empty"]],
    options,
  ),
  made(
    "FullyConnectedTensorProduct",
    irreps("irrepsIn1", "1o"),
    irreps("irrepsIn2", "1o"),
    irreps("irrepsOut", "1e"),
    options,
  ),
  ...["FullTensorProduct", "FullTensorProductv2"].map((n) =>
    made(n, irreps("irrepsIn1", "1o"), irreps("irrepsIn2", "1o"), options),
  ),
  ...["ElementwiseTensorProduct", "ElementwiseTensorProductv2"].map((n) =>
    made(n, irreps("irrepsIn1", "1o"), irreps("irrepsIn2", "1o"), options),
  ),
  made("TensorSquare", irreps("irrepsIn", "1o"), options),
  ...(
    [
      "FullTensorProduct",
      "FullTensorProductv2",
      "ElementwiseTensorProduct",
      "ElementwiseTensorProductv2",
    ] as const
  ).map((n): Row => ({
    name: n,
    call: (filterIrOut) => new o3[n]("1o", "1o", { filterIrOut } as o3.FilteredProductOptions),
    good: [["filterIrOut", value(["0e"]), ["nothing", "empty"]]],
  })),
  ...(["in1Var", "in2Var", "outVar", "irrepNormalization", "pathNormalization", "random"] as const).map(
    (key): Row => {
      const good = {
        in1Var: [1],
        in2Var: [2],
        outVar: [1],
        irrepNormalization: "norm",
        pathNormalization: "path",
        random: new RandomStream(0),
      };
      return {
        name: "TensorProduct",
        call: (given) =>
          new o3.TensorProduct("1o", "1o", "1e", [[0, 0, 0, "uvw", true]], {
            [key]: given,
          }),
        good: [[key, value(good[key]), optional]],
      };
    },
  ),
  called("FullyConnectedTensorProduct", [...product, "1x0e", external], features(5), features(5, "y"), [
    "weight",
    () => tensor(new Float64Array(5)),
  ]),
  called("FullTensorProduct", [...product], features(5), features(5, "y")),
  called("TensorSquare", ["2x0e+1x1o"], features(5)),
  method(
    "FullyConnectedTensorProduct.right",
    () => new o3.FullyConnectedTensorProduct(...product, "1x0e", external),
    features(5, "y"),
    ["weight", () => tensor(new Float64Array(5))],
  ),
  method(
    "FullyConnectedTensorProduct.convolve",
    () => new o3.FullyConnectedTensorProduct(...product, "1x0e", external),
    ["x", () => tensor(new Float64Array(10), [2, 5])],
    ["y", () => tensor(new Float64Array(10), [2, 5])],
    ["maps", value({}), ["object"]],
    ["weight", () => tensor(new Float64Array(5))],
  ),
  method(
    "FullyConnectedTensorProduct.weightViewForInstruction",
    () => new o3.FullyConnectedTensorProduct(...product, "1x0e", external),
    ["instruction", value(0)],
    ["weight", () => tensor(new Float64Array(5))],
  ),
  method("Linear.weightViews", () => new o3.Linear("1o", "1o", external), [
    "weight",
    () => tensor(new Float64Array(1)),
  ]),
  made("Norm", irreps("irrepsIn", "1o"), options),
  called("Norm", ["2x0e+1x1o"], features(5)),
  made("NormActivation", irreps("irrepsIn", "1o"), ["function", value(sigmoid)], options),
  called("NormActivation", ["2x0e+1x1o", sigmoid], features(5)),
  made("Identity", irreps("irrepsIn", "1o"), irreps("irrepsOut", "1o")),
  called("Identity", ["2x0e+1x1o", "2x0e+1x1o"], features(5)),
  made(
    "Extract",
    irreps("irrepsIn", "1o+0e"),
    ["irrepsOuts", value(["0e"])],
    ["instructions", value([[1]])],
    options,
  ),
  called("Extract", ["1o+2x0e", ["2x0e"], [[1]]], features(5)),
  made("Activation", irreps("irrepsIn", "2x0e"), ["functions", value([relu])]),
  called("Activation", ["5x0e", [relu]], features(5)),
  made(
    "Gate",
    irreps("irrepsScalars", "2x0e"),
    ["actScalars", value([relu])],
    irreps("irrepsGates", "1x0e"),
    ["actGates", value([sigmoid])],
    irreps("irrepsGated", "1x1o"),
  ),
  called("Gate", ["1x0e", [relu], "1x0e", [sigmoid], "1x1o"], features(5)),
  made("Dropout", irreps("irreps", "1o"), ["p", value(0.5), ["fraction"]], random),
  called(
    "Dropout",
    ["2x0e+1x1o", 0.5, new RandomStream(0)],
    ["x", () => tensor(new Float64Array(10), [2, 5])],
  ),
  made("BatchNorm", irreps("irreps", "1o"), options),
  ...(["eps", "momentum", "reduce", "normalization"] as const).map((key): Row => ({
    name: "BatchNorm",
    call: (given) => new o3.BatchNorm("1o", { [key]: given }),
    good: [
      [
        key,
        value({ eps: 1e-5, momentum: 0.1, reduce: "max", normalization: "norm" }[key]),
        ["nothing", ...(key === "eps" || key === "momentum" ? (["fraction"] as const) : [])],
      ],
    ],
  })),
  called("BatchNorm", ["2x0e+1x1o"], ["x", () => tensor(new Float32Array(10), [2, 5])]),
  made(
    "FullyConnectedLayer",
    ["inputs", value(2)],
    ["outputs", value(3)],
    ["options", value({ activation: undefined }), ["object"]],
  ),
  made("FullyConnectedNet", ["widths", value([2, 3])], ["activation", value(relu), optional], options),
  ...(["varianceIn", "varianceOut", "random"] as const).map((key): Row => ({
    name: "FullyConnectedNet",
    call: (given) => new o3.FullyConnectedNet([2, 3], relu, { [key]: given }),
    good: [[key, value({ varianceIn: 1, varianceOut: 2, random: new RandomStream(1) }[key]), optional]],
  })),
  called("FullyConnectedNet", [[5, 3], relu], ["x", () => tensor(new Float32Array(5))]),
  {
    name: "radiusGraph",
    call: (...a) => (radiusGraph as Call)(...a),
    good: [["positions", value([0, 0, 0, 1, 0, 0]), ["empty"]], ["radius", value(1.5)], options],
  },
];
