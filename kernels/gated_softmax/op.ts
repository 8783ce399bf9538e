import { type Attrs, defineOp, type Dims, type Inputs, type Op } from "../../src/autograd/define-op.js";
import { recordJoint } from "../../src/autograd/joint.js";
import { isRecording } from "../../src/autograd/node.js";
import { reshape } from "../../src/autograd/reshape.js";
import { gradientsOf } from "../../src/autograd/walk.js";
import { ones, type Tensor, zeros } from "../../src/tensor/tensor.js";
import { add, mul, mulAdd } from "../elementwise/ops.generated.js";
import { centrePointerSentence, pointers } from "../ragged_matmul/centre-pointers.js";
import { raggedNT } from "../ragged_matmul/op.js";
import { raggedSoftmax } from "../ragged_softmax/op.js";
import { sum } from "../reduce/op.js";
import {
  gatedSoftmaxLogitsVjpReference,
  gatedSoftmaxPairVjpVjpReference,
  gatedSoftmaxReference,
  gatedSoftmaxVjpReference,
  gatedSoftmaxVjpVjpReference,
} from "./reference.js";

const inputs = {
  logits: "[P]",
  sw: "[E]",
  unit: "[E,3]",
  ...pointers,
  pad: "i32[N]",
} as const;
const names = Object.keys(inputs);
const attrs = { scale: "real", smooth: "bool", dotr: "bool" } as const;
const gradients = { logits: "[P]", sw: "[E]", unit: "[E,3]" } as const;
const changes = { "changeLogits?": "[P]", "changeSw?": "[E]", "changeUnit?": "[E,3]", g: "[P]" } as const;

/** What a status of the kernels means. */
function status(code: number, dims: Dims): string {
  const slot = code / 4 - dims.N - 1;
  if (Number.isInteger(slot) && slot >= 0) return `pad[${slot}] is negative; it counts empty slots`;
  return centrePointerSentence(code, dims, "edges");
}

/**
 * The scratch rows of centres.h: 23 for each of 64 runs, as long as the largest centre can be; on a GPU, five numbers for each
 * edge (cuda.cu).
 */
function work({ P, E, N }: Dims, itemBytes: number): number {
  const length = Math.ceil(Math.min(Math.floor(Math.sqrt(P)), E) / 16) * 16;
  return Math.max(Math.min(N, 64) * 23 * length, 5 * E) * itemBytes;
}

const cost =
  (flop: number, passes: number) =>
  ({ P }: Dims): { flop: number; elements: number } => ({ flop: flop * P, elements: passes * P });

/** Weights of the attention between the edges of each centre: see `gatedSoftmax`. */
export const gatedSoftmaxOp = /*#__PURE__*/ defineOp({
  name: "gatedSoftmax",
  inputs,
  attrs,
  output: "[P]",
  work,
  status,
  save: names,
  vjp: (g, saved, a, needs) => slopes(g, saved, a, needs),
  decompose: (i, a) => decomposed(i, a),
  cost: cost(30, 2),
  reference: gatedSoftmaxReference,
});

/** Gradients of logits, sw and unit. */
export const gatedSoftmaxVjpOp = /*#__PURE__*/ defineOp({
  name: "gatedSoftmaxVjp",
  partOf: "gatedSoftmax",
  inputs: { g: "[P]", ...inputs },
  attrs,
  output: gradients,
  work,
  status,
  cost: cost(55, 3),
  reference: gatedSoftmaxVjpReference,
});

/** The gradient of logits alone. */
export const gatedSoftmaxLogitsVjpOp = /*#__PURE__*/ defineOp({
  name: "gatedSoftmaxLogitsVjp",
  partOf: "gatedSoftmax",
  inputs: { g: "[P]", ...inputs },
  attrs,
  output: { logits: "[P]" },
  work,
  status,
  cost: cost(40, 3),
  reference: gatedSoftmaxLogitsVjpReference,
});

/** Gradients, in g, logits, sw and unit, of gatedSoftmaxVjp contracted with changes of logits, sw and unit. */
export const gatedSoftmaxVjpVjpOp = /*#__PURE__*/ defineOp({
  name: "gatedSoftmaxVjpVjp",
  partOf: "gatedSoftmax",
  inputs: { ...changes, ...inputs },
  attrs,
  output: { g: "[P]", ...gradients },
  work,
  status,
  cost: cost(120, 5),
  reference: gatedSoftmaxVjpVjpReference,
});

/** The same in g and logits alone: what training on forces needs. */
export const gatedSoftmaxPairVjpVjpOp = /*#__PURE__*/ defineOp({
  name: "gatedSoftmaxPairVjpVjp",
  partOf: "gatedSoftmax",
  inputs: { ...changes, ...inputs },
  attrs,
  output: { g: "[P]", logits: "[P]" },
  work,
  status,
  cost: cost(75, 5),
  reference: gatedSoftmaxPairVjpVjpReference,
});

export interface GatedSoftmaxOptions {
  /** Factor of the logits. */
  readonly scale: number;
  /** Gates logits and weights with the switches of both edges, and counts the empty slots. */
  readonly smooth: boolean;
  /** Multiplies the weights by the cosine of the angle between the edges. */
  readonly dotr: boolean;
}

/**
 * Attention weights of DPA-1 between the edges of each centre (arXiv:2208.08236; spec deepmd 2.8), over real neighbours only:
 * centre i owns edges ptr[i] to ptr[i+1] and the n_i x n_i matrix at start[i], whose row j weighs the edges k for edge j.
 * Smooth: L = (scale l + 20) sw_j sw_k - 20, softmax over the real k and pad[i] slots of L = -20, times sw_j sw_k. Otherwise
 * softmax of scale l over the real k. With dotr the weights are multiplied by unit_j . unit_k.
 *
 * @param logits [P] products q_j . k_k; elements of no centre are ignored and their weights are 0
 * @param sw [E] switches; @param unit [E,3] unit vectors of the edges
 * @param ptr i32[N+1]; @param start i32[N+1], start[i+1] >= start[i] + n_i^2; @param pad i32[N] empty slots
 * @returns [P]. Differentiable to any order in logits, sw and unit, up to the second by kernels of its own. Errors: SHAPE; VALUE for
 * pointers that do not fit (on the CPU, where they can be read).
 */
export function gatedSoftmax(
  logits: Tensor,
  sw: Tensor,
  unit: Tensor,
  ptr: Tensor,
  start: Tensor,
  pad: Tensor,
  options: GatedSoftmaxOptions,
): Tensor {
  return gatedSoftmaxOp.apply([logits, sw, unit, ptr, start, pad], { ...options });
}

/** The first derivative: one kernel for all gradients, recorded as one step. */
function slopes(
  g: Tensor,
  saved: Inputs,
  a: Attrs,
  needs: (name: string) => boolean,
): Record<string, Tensor | undefined> {
  const gates = (a.smooth && needs("sw")) || (a.dotr && needs("unit"));
  const given = names.map((name) => saved[name]);
  const outputs = (gates ? gatedSoftmaxVjpOp : gatedSoftmaxLogitsVjpOp).applyAll([g, ...given], a);
  recordJoint(outputs, [g, ...given], [g, ...given], (changed, kept, wants) => {
    const [slope, ...rest] = kept;
    const i = Object.fromEntries(names.map((name, k) => [name, rest[k]!]));
    return isRecording()
      ? bendsByDecomposition(changed, slope!, i, a, wants)
      : bends(changed, kept, a, wants);
  });
  const [logits, sw, unit] = outputs;
  return { logits, sw: a.smooth ? sw : undefined, unit: a.dotr ? unit : undefined };
}

/** The second derivative, where nobody asks for a third. Inputs in order: g, then the inputs of the op. */
function bends(
  changed: readonly (Tensor | undefined)[],
  given: readonly (Tensor | undefined)[],
  a: Attrs,
  wants: (input: number) => boolean,
): (Tensor | undefined)[] {
  const gates = (a.smooth && wants(2)) || (a.dotr && wants(3));
  const op: Op = gates ? gatedSoftmaxVjpVjpOp : gatedSoftmaxPairVjpVjpOp;
  const [g, logits, sw, unit] = op.applyAll([changed[0], changed[1], changed[2], ...given], a);
  return [g, logits, a.smooth ? sw : undefined, a.dotr ? unit : undefined];
}

/** The second derivative in ops that are recorded. */
function bendsByDecomposition(
  changed: readonly (Tensor | undefined)[],
  g: Tensor,
  i: Inputs,
  a: Attrs,
  wants: (input: number) => boolean,
): (Tensor | undefined)[] {
  const variables = [g, i.logits, i.sw, i.unit];
  const wanted = variables.map((_, k) => k).filter(wants);
  const alongChange = (given: readonly Tensor[]): Tensor => {
    const all = [...variables];
    wanted.forEach((k, at) => (all[k] = given[at]));
    const point = { ...i, logits: all[1], sw: all[2], unit: all[3] };
    const slope = slopesByDecomposition(all[0], point, a);
    return slope
      .flatMap((d, k) => (d === undefined || changed[k] === undefined ? [] : [sum(mul(d, changed[k]))]))
      .reduce((x, y) => add(x, y));
  };
  const found = gradientsOf(
    alongChange,
    wanted.map((k) => variables[k]),
    ones([], { dtype: g.dtype, device: g.device.name }),
  );
  return variables.map((_, k) => found[wanted.indexOf(k)]);
}

function slopesByDecomposition(g: Tensor, i: Inputs, a: Attrs): (Tensor | undefined)[] {
  return gradientsOf(
    ([logits, sw, unit]) => decomposed({ ...i, logits, sw, unit }, a),
    [i.logits, i.sw, i.unit],
    g,
  );
}

function decomposed({ logits, sw, unit, ptr, start, pad }: Inputs, a: Attrs): Tensor {
  const pairs = (x: Tensor): Tensor => raggedNT(x, x, ptr, start, logits.size);
  const switches = a.smooth ? pairs(reshape(sw, [sw.size, 1])) : undefined;
  const cosine = a.dotr ? pairs(unit) : undefined;
  const gated =
    switches === undefined
      ? mul(logits, Number(a.scale))
      : mulAdd(mulAdd(logits, Number(a.scale), 20), switches, -20);
  const empty = switches === undefined ? zeros(pad.shape, { dtype: "i32", device: pad.device.name }) : pad;
  const weights = raggedSoftmax(gated, ptr, start, empty, -20);
  return [switches, cosine].reduce<Tensor>(
    (x, factor) => (factor === undefined ? x : mul(x, factor)),
    weights,
  );
}
