import { Tensor } from "../tensor/tensor.js";
import { mustRecord, type Node, record, type Rule } from "./node.js";

/**
 * The gradients of all outputs (undefined where none arrived) to those of the inputs (undefined where not wanted). `takeSoFar(k)`
 * takes what others have contributed to the gradient of input k; the rule then returns the sum.
 */
export type JointRule = (
  gradients: readonly (Tensor | undefined)[],
  saved: readonly (Tensor | undefined)[],
  wants: (input: number) => boolean,
  takeSoFar: (input: number) => Tensor | undefined,
) => (Tensor | undefined)[];

interface Joint {
  readonly rule: JointRule;
  readonly arrived: (Tensor | undefined)[];
}

interface Part {
  readonly joint: Joint;
  readonly output: number;
}

/**
 * Keeps the gradient of one output until those of the others have arrived: the walk visits all outputs before the joint
 * node, which is older. What it hands on is an empty tensor that only leads there.
 */
const partRule: Rule = {
  name: "part",
  vjp: (g, node) => {
    const { joint, output } = node.attrs as Part;
    joint.arrived[output]?.release();
    joint.arrived[output] = g.retain();
    return [Tensor.empty(g.device, g.dtype, [0], 0)];
  },
};

const jointRule: Rule = {
  name: "joint",
  vjp: (_g, node: Node, { wants, takeSoFar }) => {
    const { rule, arrived } = node.attrs as Joint;
    const gradients = [...arrived];
    arrived.fill(undefined);
    try {
      return rule(
        gradients,
        node.saved.map((_, k) => node.save(k)),
        wants,
        takeSoFar,
      );
    } finally {
      for (const g of gradients) g?.release();
    }
  },
};

/**
 * Records several outputs of one kernel as one step of the tape, so that one rule, and one kernel, takes all their
 * gradients at once: with a rule per output every large operand would be read once for each.
 */
export function recordJoint(
  outputs: readonly Tensor[],
  inputs: readonly (Tensor | undefined)[],
  saved: readonly (Tensor | undefined)[],
  rule: JointRule,
): void {
  if (!mustRecord(inputs)) return;
  const joint: Joint = { rule, arrived: outputs.map(() => undefined) };
  const { device, dtype } = outputs[0];
  const token = record(jointRule, Tensor.empty(device, dtype, [0], 0), inputs, saved, joint, false);
  outputs.forEach((out, output) => record(partRule, out, [token], [], { joint, output }, false));
}
