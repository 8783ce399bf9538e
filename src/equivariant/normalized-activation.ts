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
import { mean } from "../../kernels/reduce/op.js";
import { noGrad } from "../autograd/node.js";
import { openReference } from "../backends/reference/reference.js";
import type { DeviceName } from "../tensor/backend.js";
import { isOpen } from "../tensor/device.js";
import { scope } from "../tensor/scope.js";
import { type Tensor, tensor } from "../tensor/tensor.js";
import { assertFunction } from "../tensor/arguments.js";
import { mersenneNormals } from "./mersenne-normals.js";

/** A function of each number of a tensor, such as `relu`. */
export type ScalarFunction = (x: Tensor) => Tensor;

const draws = 1_000_000;

/** e3nn's estimates, so that a million draws are made for other functions only (a test makes them for these too). */
const constants = new Map<ScalarFunction, number>([
  [relu, 1.4163393446331365],
  [silu, 1.6791767923989418],
  [tanh, 1.5937334472592695],
  [sigmoid, 1.8467055342154763],
  [abs, 1.0011106008384669],
  [softplus, 1.0426436590527184],
  [cos, 1.326609063570005],
  [sin, 1.5218334864623193],
  [square, 0.5779851362666192],
]);

/** mean(f(z)^2)^(-1/2) over the million normal numbers that e3nn draws: about 0.1 % off the integral, as e3nn's networks are. */
export function estimateConstant(f: ScalarFunction): number {
  const device = hostDevice();
  return noGrad(() =>
    scope(() => {
      const z = tensor(mersenneNormals(0, draws), [draws], { device });
      return mean(square(f(z))).itemSync() ** -0.5;
    }),
  );
}

/** The factor by which `normalize2mom` multiplies f. */
export function momentConstant(f: ScalarFunction): number {
  assertFunction("momentConstant: f", f, "relu");
  let constant = constants.get(f);
  if (constant === undefined) constants.set(f, (constant = estimateConstant(f)));
  return constant;
}

/** f times the constant that gives it second moment 1 for normal input, as e3nn's `normalize2mom`; f itself within 1e-4. */
export function normalize2mom(f: ScalarFunction): ScalarFunction {
  assertFunction("normalize2mom: f", f, "relu");
  const constant = momentConstant(f);
  return Math.abs(constant - 1) < 1e-4 ? f : (x) => mul(f(x), constant);
}

/** Parity of a function on [-10, 10]: 1 even, -1 odd, 0 neither (to 1e-5, as e3nn tests it). */
export function functionParity(f: ScalarFunction): -1 | 0 | 1 {
  const device = hostDevice();
  const [right, left] = noGrad(() =>
    scope(() => {
      const x = Float64Array.from({ length: 256 }, (_, k) => (k * 10) / 255);
      return [x, x.map((v) => -v)].map((points) => f(tensor(points, [256], { device })).dataSync());
    }),
  );
  const largest = (sign: number): number =>
    Array.from(right, (v, k) => Math.abs(v + sign * left[k])).reduce((a, b) => Math.max(a, b), 0);
  if (largest(-1) < 1e-5) return 1;
  return largest(1) < 1e-5 ? -1 : 0;
}

/** Constants are read at once and in float64: on the CPU, or on its readable stand-in where there is none. */
function hostDevice(): DeviceName {
  if (isOpen("cpu")) return "cpu";
  openReference();
  return "reference";
}
