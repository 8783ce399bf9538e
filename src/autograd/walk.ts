import { Tensor } from "../tensor/tensor.js";
import { accumulate } from "./accumulate.js";
import { alias, detach, isRecording, type Node, withRecording } from "./node.js";

export interface WalkOptions {
  /** Record the gradient rules themselves, so that gradients can be differentiated again. */
  readonly createGraph: boolean;
  /** Leave the tape usable for another walk. */
  readonly keepTape: boolean;
}

/**
 * Walks the tape from one node back to the targets and returns their gradients, undefined where none arrives.
 * Contributions to a tensor are added in the order of the tape, so the sum never depends on anything else.
 */
export function backward(
  root: Node,
  seed: Tensor,
  targets: readonly Node[],
  options: WalkOptions,
): (Tensor | undefined)[] {
  const wanted = new Set(targets);
  const order = pathsTo(wanted, root);
  const live = new Set(order);
  const gradients = new Map<Node, Tensor>([[root, copyOf(seed)]]);
  // The walk holds every node it has still to visit: eating a child may drop the last other hold on its parents.
  for (const node of order) node.retain();
  let visited = 0;
  try {
    withRecording(options.createGraph, () => {
      for (const node of order) {
        visit(node, wanted.has(node), live, gradients);
        if (!options.keepTape && !options.createGraph) node.eat();
        visited++;
        node.release();
      }
    });
  } finally {
    for (const node of order.slice(visited)) node.release();
  }
  return targets.map((target) => gradients.get(target));
}

function visit(node: Node, wanted: boolean, live: ReadonlySet<Node>, gradients: Map<Node, Tensor>): void {
  const g = gradients.get(node);
  if (g === undefined) return;
  if (node.rule !== undefined) step(node, g, live, gradients);
  if (wanted) return;
  gradients.delete(node);
  g.dispose();
}

/** Nodes between the root and the targets, latest first. Others need no gradient. */
function pathsTo(targets: ReadonlySet<Node>, root: Node): Node[] {
  const seen = new Set<Node>([root]);
  for (const node of seen) for (const parent of node.parents) if (parent !== undefined) seen.add(parent);
  const oldestFirst = [...seen].sort((a, b) => a.id - b.id);
  const live = new Set<Node>();
  for (const node of oldestFirst)
    if (targets.has(node) || node.parents.some((parent) => parent !== undefined && live.has(parent)))
      live.add(node);
  return [...live].reverse();
}

/** One rule, as a scope: only the gradients it hands on survive it. */
function step(node: Node, g: Tensor, live: ReadonlySet<Node>, gradients: Map<Node, Tensor>): void {
  const made = Tensor.openScope();
  const kept = new Set<Tensor>();
  try {
    const { parents } = node;
    const taken = new Set<Node>();
    const takers = new Set<number>();
    const results = node.rule!.vjp(g, node, {
      wants: (k) => parents[k] !== undefined && live.has(parents[k]),
      takeSoFar: (k) => {
        const parent = parents[k];
        const soFar = parent && gradients.get(parent);
        if (parent === undefined || soFar === undefined || taken.has(parent)) return undefined;
        taken.add(parent);
        takers.add(k);
        return soFar;
      },
    });
    const add = (k: number): void => {
      const parent = parents[k];
      const result = results[k];
      if (parent === undefined || result === undefined || !live.has(parent)) return;
      const before = gradients.get(parent);
      let sum: Tensor;
      if (before !== undefined && !takers.has(k)) sum = accumulate(before, result);
      // A rule may hand on its argument, a saved tensor, or one tensor twice; the walk frees what it holds, once.
      else sum = made.includes(result) && !kept.has(result) ? result : copyOf(result);
      before?.dispose();
      gradients.set(parent, sum);
      kept.add(sum);
    };
    // Sums of a rule's own replace what was there, so they come before contributions to the same tensor.
    takers.forEach(add);
    parents.forEach((_, k) => {
      if (!takers.has(k)) add(k);
    });
  } finally {
    Tensor.closeScope();
    for (const tensor of made) {
      if (kept.has(tensor)) tensor.adopt();
      else tensor.dispose();
    }
  }
}

/** Another handle on the same values and history. */
function copyOf(tensor: Tensor): Tensor {
  const copy = detach(tensor);
  const node = tensor.node as Node | undefined;
  return node === undefined ? copy : copy.attach(node.retain());
}

/**
 * Gradients of `f(inputs)` contracted with `g`, on a tape of its own. While a gradient is being recorded the result
 * stays connected to the inputs, so that it can be differentiated again.
 */
export function gradientsOf(
  f: (inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  g: Tensor,
): (Tensor | undefined)[] {
  const createGraph = isRecording();
  return withRecording(true, () => {
    const variables = inputs.map(alias);
    const out = f(variables);
    if (out.node === undefined) return inputs.map(() => undefined);
    return backward(
      out.node as Node,
      g,
      variables.map((v) => v.node as Node),
      { createGraph, keepTape: false },
    );
  });
}
