import { Tensor } from "../tensor/tensor.js";
import { detach, isRecording, mustRecord, Node, record, type Rule } from "./node.js";

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
  /** Which output a saved tensor is, by its number; undefined for those that are none. */
  readonly outputs: readonly (number | undefined)[];
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
      const saved = node.saved.map((_, k) => savedBy(node, k));
      return rule(gradients, saved, wants, takeSoFar);
    } finally {
      for (const g of gradients) g?.release();
    }
  },
};

/** The k-th saved tensor; an output of the step gets its way back to it, so that gradients of gradients flow through it. */
function savedBy(node: Node, k: number): Tensor | undefined {
  const joint = node.attrs as Joint;
  const saved = node.save(k);
  const output = joint.outputs[k];
  if (saved === undefined || output === undefined || !isRecording()) return saved;
  return detach(saved).attach(new Node(partRule, [node], [], { joint, output }));
}

/**
 * Records several outputs of one kernel as one step of the tape, so that one rule, and one kernel, takes all their
 * gradients at once: with a rule per output every large operand would be read once for each. What is saved may be outputs.
 */
export function recordJoint(
  outputs: readonly Tensor[],
  inputs: readonly (Tensor | undefined)[],
  saved: readonly (Tensor | undefined)[],
  rule: JointRule,
): void {
  if (!mustRecord(inputs)) return;
  const own = saved.map((t) => (t === undefined ? -1 : outputs.indexOf(t)));
  const joint: Joint = {
    rule,
    arrived: outputs.map(() => undefined),
    outputs: own.map((output) => (output < 0 ? undefined : output)),
  };
  const { device, dtype } = outputs[0];
  // A step keeps the buffers of its outputs, never the tensors: that would be a cycle.
  const kept = saved.map((t, k) => (own[k] < 0 ? t : detach(t!)));
  const token = record(jointRule, Tensor.empty(device, dtype, [0], 0), inputs, kept, joint, false);
  outputs.forEach((out, output) => record(partRule, out, [token], [], { joint, output }, false));
}
