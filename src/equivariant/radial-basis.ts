import {
  cos,
  div,
  exp,
  less,
  maximum,
  mul,
  sin,
  square,
  sub,
  where,
} from "../../kernels/elementwise/ops.generated.js";
import { reshape } from "../autograd/reshape.js";
import { AtomgradError } from "../tensor/error.js";
import { type Tensor, tensor } from "../tensor/tensor.js";
import { assertNumber, assertOptions, assertTensor, kindOf } from "../tensor/arguments.js";

const bases = ["gaussian", "cosine", "smooth_finite", "fourier", "bessel"] as const;
export type RadialBasis = (typeof bases)[number];

export interface SoftOneHotOptions {
  /** Both ends; from the larger to the smaller too, but for bessel. */
  start: number;
  end: number;
  /** How many functions. */
  number: number;
  basis: RadialBasis;
  /** Whether the functions vanish at both ends (gaussian: nearly). */
  cutoff: boolean;
}

/**
 * Projects x [...] on a basis of `number` functions on [start, end]: [..., number], as e3nn's `soft_one_hot_linspace`. The squares of
 * all but bessel add up to about 1, so networks multiply by sqrt(number). bessel at x = start is the limit (0 with cutoff).
 *
 * Errors: VALUE for an unknown basis, a cutoff that is not given, or no interval. Source: spec equivariant 3.5.
 */
export function softOneHotLinspace(x: Tensor, options: SoftOneHotOptions): Tensor {
  assertTensor("softOneHotLinspace: x", x);
  assertOptions("softOneHotLinspace", options, "{ start, end, number, basis, cutoff }");
  const { start, end, number: n, basis, cutoff } = options;
  if (!bases.includes(basis))
    throw new AtomgradError(
      "VALUE",
      `softOneHotLinspace: basis is "${String(basis)}", allowed: ${bases.join(", ")}`,
    );
  if (typeof cutoff !== "boolean")
    throw new AtomgradError(
      "VALUE",
      `softOneHotLinspace: cutoff must be given, true or false; got ${kindOf(cutoff)}`,
    );
  const grid = basis !== "fourier" && basis !== "bessel" && !cutoff;
  const least = grid ? 2 : 1;
  if (!Number.isInteger(n) || n < least)
    throw new AtomgradError(
      "VALUE",
      `softOneHotLinspace: number is ${String(n)}; ${basis}${grid ? " without cutoff" : ""} needs a whole number of at least ${least}${grid ? ", functions stand at both ends" : ""}`,
    );
  assertNumber("softOneHotLinspace: start", start);
  assertNumber("softOneHotLinspace: end", end);
  const falling = basis !== "bessel" && end < start;
  if (!(end > start || falling) || !Number.isFinite(end - start))
    throw new AtomgradError(
      "VALUE",
      `softOneHotLinspace: the interval of start and end is [${start}, ${end}]; give finite numbers with end ${basis === "bessel" ? "> start for bessel" : "!= start"}`,
    );
  const column = reshape(x, [...x.shape, 1]);
  if (basis === "fourier") return fourier(column, options);
  if (basis === "bessel") return besselOn(column, options);
  const points = linspace(start, end, cutoff ? n + 2 : n);
  const centres = row(x, n, (k) => points[cutoff ? k + 1 : k]);
  const t = div(sub(column, centres), points[1] - points[0]);
  if (basis === "gaussian") return mul(exp(mul(square(t), -1)), 1 / 1.12);
  if (basis === "cosine") return mul(cos(mul(t, Math.PI / 2)), less(square(t), 1));
  return bump(t);
}

/**
 * 1.14136 exp(-2 t^2 / (1 - t^2)) inside (-1, 1), 0 outside. Where 1 - t^2 is below the floor the exponential has underflowed to an
 * exact 0 in float64, so that value and derivatives of every order vanish there without a case.
 */
function bump(t: Tensor): Tensor {
  const square_ = square(t);
  const rest = maximum(sub(1, square_), 0.00267);
  return mul(exp(mul(div(square_, rest), -2)), 1.14136);
}

function fourier(x: Tensor, { start, end, number: n, cutoff }: SoftOneHotOptions): Tensor {
  const u = div(sub(x, start), end - start); // exactly 1 at the end, where the cutoff's slope jumps
  const waves = row(x, n, (k) => (cutoff ? k + 1 : k) * Math.PI);
  const scale = 1 / Math.sqrt(0.25 + n / 2);
  if (!cutoff) return mul(cos(mul(u, waves)), scale);
  return mul(mul(sin(mul(u, waves)), scale), mul(less(0, u), less(u, 1)));
}

function besselOn(x: Tensor, { start, end, number: n, cutoff }: SoftOneHotOptions): Tensor {
  const s = sub(x, start);
  const values = besselOf(s, n, end - start);
  return cutoff ? mul(values, mul(less(0, s), less(div(s, end - start), 1))) : values;
}

/** sqrt(2 / xMax) sin(k pi x / xMax) / x for k = 1..n, x [...] -> [..., n], with its limit at x = 0. */
export function bessel(x: Tensor, n: number, xMax = 1): Tensor {
  assertTensor("bessel: x", x);
  if (!Number.isInteger(n) || n < 1 || !(xMax > 0) || !Number.isFinite(xMax))
    throw new AtomgradError(
      "VALUE",
      `bessel: n is ${kindOf(n)}, xMax ${kindOf(xMax)}; give a whole number of functions and a positive length`,
    );
  return besselOf(reshape(x, [...x.shape, 1]), n, xMax);
}

/** x [..., 1] -> [..., n] */
function besselOf(column: Tensor, n: number, xMax: number): Tensor {
  const waves = row(column, n, (k) => ((k + 1) * Math.PI) / xMax);
  const present = less(0, square(column));
  const argument = mul(column, waves);
  const inside = div(sin(argument), where(present, column, 1));
  return mul(where(present, inside, waves), Math.sqrt(2 / xMax));
}

/** exp(-1/x) for x > 0, else 0, with all derivatives 0 at and below 0. */
export function softUnitStep(x: Tensor): Tensor {
  assertTensor("softUnitStep: x", x);
  // At the floor exp(-1/x) has underflowed to an exact 0.
  return exp(mul(div(1, maximum(x, 0.00134)), -1));
}

/** As torch counts: each half from its own end, so that both ends are met exactly and slopes that jump at a point jump where e3nn's do. */
function linspace(start: number, end: number, n: number): Float64Array {
  const step = (end - start) / (n - 1);
  return Float64Array.from({ length: n }, (_, k) =>
    2 * k < n ? start + k * step : end - (n - 1 - k) * step,
  );
}

function row(like: Tensor, n: number, value: (k: number) => number): Tensor {
  const values = Float64Array.from({ length: n }, (_, k) => value(k));
  return tensor(values, [n], { dtype: like.dtype, device: like.device.name });
}
