import { add, clamp, cos, less, mul, mulAdd, sub } from "../../kernels/elementwise/ops.generated.js";
import { integerPower } from "../../kernels/radial_basis/parts.js";
import { AtomgradError } from "../tensor/error.js";
import type { Tensor } from "../tensor/tensor.js";

/**
 * u(x) = 1 - (p+1)(p+2)/2 x^p + p(p+2) x^(p+1) - p(p+1)/2 x^(p+2) for x < 1, else 0: value, slope and curvature vanish at 1. x [..] is
 * the distance over the cutoff. Source: Gasteiger, Gross and Guennemann 2020 (DimeNet); spec dimenetpp 2.1.
 */
export function polynomialEnvelope(x: Tensor, p = 6): Tensor {
  if (!Number.isInteger(p) || p < 2)
    throw new AtomgradError("VALUE", `polynomialEnvelope: p is ${p}; give a whole number from 2`);
  const [a, b, c] = [-((p + 1) * (p + 2)) / 2, p * (p + 2), -(p * (p + 1)) / 2];
  const inside = clamp(x, 0, 1);
  const bracket = mulAdd(mulAdd(inside, c, b), inside, a);
  return mul(mulAdd(integerPower(inside, p), bracket, 1), less(x, 1));
}

/** (1 + cos(pi x)) / 2 for x < 1, else 0. Source: Behler and Parrinello 2007. */
export function cosineCutoff(x: Tensor): Tensor {
  const inside = add(mul(cos(mul(clamp(x, 0, 1), Math.PI)), 0.5), 0.5);
  return mul(inside, less(x, 1));
}

/**
 * DeePMD's switch: 1 below `rcutSmooth`, 0 above `rcut`, u^3 (-6 u^2 + 15 u - 10) + 1 with u = (r - rcutSmooth) / (rcut - rcutSmooth)
 * between. r [..] in angstrom. Errors: VALUE unless 0 <= rcutSmooth < rcut. Source: spec deepmd 2.3.
 */
export function deepmdSwitch(r: Tensor, rcutSmooth: number, rcut: number): Tensor {
  if (!(rcutSmooth >= 0 && rcut > rcutSmooth))
    throw new AtomgradError(
      "VALUE",
      `deepmdSwitch: from ${rcutSmooth} to ${rcut}; needs 0 <= rcutSmooth < rcut`,
    );
  const u = clamp(mul(sub(r, rcutSmooth), 1 / (rcut - rcutSmooth)), 0, 1);
  return mulAdd(integerPower(u, 3), mulAdd(mulAdd(u, -6, 15), u, -10), 1);
}
