import { type Attrs, type Dims, defineOp, type Inputs, type Op } from "../../src/autograd/define-op.js";
import { isRecording } from "../../src/autograd/node.js";
import { spreadGroups } from "../../src/tensor/backend.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { showShape } from "../../src/tensor/shape.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import {
  type BesselTable,
  legendreDotOp,
  legendreOp,
  sphericalBesselDotOp,
  sphericalBesselOp,
} from "../radial_basis/op.js";
import type { IndexMap } from "../segment/op.js";
import { tripletAngularOp, tripletProductOp, tripletRadialOp } from "../triplet_basis/op.js";
import { basisReference, gradientReference } from "./reference.js";
import { wgsl } from "./wgsl.generated.js";

/** As in cpu.cc. */
const [mostFunctions, mostDegrees] = [512, 12];

const operands = {
  x: "[E]",
  u: "[N]",
  zeros: "[F]",
  norms: "[F]",
  index: "i32[N]",
  order: "i32[N]",
  ptr: "i32[E+1]",
} as const;
const names = Object.keys(operands);
const attrs = { degrees: "int", radials: "int", envelope: "int" } as const;
const check = (d: Dims): string | undefined =>
  d.F !== d.degrees * d.radials || d.F > mostFunctions || d.degrees > mostDegrees
    ? `${d.degrees} x ${d.radials} functions with ${d.F} zeros; at most ${mostDegrees} degrees and ${mostFunctions} functions`
    : d.degrees === 0
      ? "there are no degrees"
      : undefined;
/** Numbers of a row of radial functions in scratch. */
const stride = (d: Dims): number => 16 * Math.ceil(d.F / 16);

const tables = (s: Inputs): Tensor[] => [s.index, s.order, s.ptr];
const radial = (s: Inputs, a: Attrs): Tensor =>
  sphericalBesselOp.apply([s.x, s.zeros, s.norms], { ...a, order: 0 });
const angular = (s: Inputs, a: Attrs): Tensor => legendreOp.apply([s.u], { L: a.degrees, order: 0 });

/** R_ln(x[index[t]]) Y_l(u[t]): see `sphericalBasis`. */
export const sphericalBasisOp: Op = /*#__PURE__*/ defineOp({
  name: "sphericalBasis",
  inputs: operands,
  attrs,
  output: "[N,F]",
  check,
  work: (d, itemBytes) => d.E * stride(d) * itemBytes,
  save: names,
  vjp: (g, s, a, needs) =>
    bothGradients(g, s, a, needs) ?? {
      x: needs("x") ? gradientOfDistance(g, s, a) : undefined,
      u: needs("u") ? gradientOfCosine(g, s, a) : undefined,
    },
  decompose: (s, a) => tripletProductOp.apply([radial(s, a), angular(s, a), ...tables(s)]),
  cost: (d) => ({
    flop: 50 * d.E * d.F + d.N * (d.F + 6 * d.degrees),
    elements: d.N * (d.F + 2) + d.E,
  }),
  reference: basisReference,
  wgsl: { code: wgsl, unread: ["index"], groups: (ints) => spreadGroups(ints[0]) },
});

/** Both derivatives of `sphericalBasis` in one pass, for gradients that are not differentiated further. */
export const sphericalBasisGradientOp: Op = /*#__PURE__*/ defineOp({
  name: "sphericalBasisGradient",
  inputs: { g: "[N,F]", ...operands },
  attrs,
  output: { x: "[E]", u: "[N]" },
  check,
  work: (d, itemBytes) => (2 * d.E * stride(d) + d.N) * itemBytes,
  shortcutOf: "sphericalBasis",
  cost: (d) => ({
    flop: 60 * d.E * d.F + d.N * (6 * d.F + 12 * d.degrees),
    elements: d.N * (d.F + 4) + 2 * d.E,
  }),
  reference: gradientReference,
});

function bothGradients(
  g: Tensor,
  s: Inputs,
  a: Attrs,
  needs: (name: string) => boolean,
): Record<string, Tensor> | undefined {
  if (isRecording() || !needs("x") || !needs("u")) return undefined;
  if (!g.device.backend.supports(sphericalBasisGradientOp.kernel, g.dtype)) return undefined;
  const [x, u] = sphericalBasisGradientOp.applyAll([g, ...names.map((name) => s[name])], a);
  return { x, u };
}

function gradientOfDistance(g: Tensor, s: Inputs, a: Attrs): Tensor {
  const summed = tripletRadialOp.apply([g, angular(s, a), ...tables(s)]);
  return sphericalBesselDotOp.apply([summed, s.x, s.zeros, s.norms], { ...a, order: 1 });
}

function gradientOfCosine(g: Tensor, s: Inputs, a: Attrs): Tensor {
  const summed = tripletAngularOp.apply([g, radial(s, a), ...tables(s)], { L: a.degrees });
  return legendreDotOp.apply([summed, s.u], { order: 1 });
}

/**
 * DimeNet's basis of triplets k -> j -> i: env(x_kj) N_ln j_l(z_ln x_kj) Y_l0(u), see `sphericalBessel` and `legendre`, of which it is the
 * product. Differentiable to any order they are; nothing of the size of the triplets is stored but the result.
 *
 * @param x [E] distances over the cutoff; @param u [T] cosines of the angles; @param envelope p of the envelope, 0 for none
 * @param edges the edge kj of each triplet. @returns [T, degrees * radials]. Errors: SHAPE, VALUE. Source: spec dimenetpp 2.3, 2.4.
 */
export function sphericalBasis(
  x: Tensor,
  u: Tensor,
  edges: IndexMap,
  table: BesselTable,
  envelope: number,
): Tensor {
  for (const [name, t] of [
    ["distances [E]", x],
    ["cosines [T]", u],
  ] as const)
    if (t.rank !== 1)
      throw new AtomgradError("SHAPE", `sphericalBasis: expected ${name}, got ${showShape(t.shape)}`);
  const { degrees, radials, zeros, norms } = table;
  return sphericalBasisOp.apply([x, u, zeros, norms, edges.index, edges.order, edges.ptr], {
    degrees,
    radials,
    envelope,
  });
}
