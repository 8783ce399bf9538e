import { isFloat } from "../tensor/dtype.js";
import type { DType } from "../tensor/dtype.js";
import { AtomgradError } from "../tensor/error.js";
import type { Shape } from "../tensor/shape.js";
import type { Storage } from "../tensor/storage.js";
import { Tensor, type TapeNode } from "../tensor/tensor.js";

/** What the walk wants of a rule, by the number of the input. */
export interface Wanted {
  /** Whether the gradient of the input is needed. */
  readonly wants: (input: number) => boolean;
  /**
   * What other rules have contributed to the gradient of the input so far, for rules whose kernel can add to it in passing:
   * who takes it returns the sum. Undefined where there is nothing, or where it was taken already.
   */
  readonly takeSoFar: (input: number) => Tensor | undefined;
}

/** The gradient of an operation: given the gradient of its output, those of its inputs (undefined where not needed). */
export interface Rule {
  readonly name: string;
  vjp(g: Tensor, node: Node, wanted: Wanted): (Tensor | undefined)[];
}

/** What a node keeps of its own output: the buffer, never the tensor (that would be a cycle). */
interface SavedOutput {
  readonly storage: Storage;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly size: number;
}

let created = 0;

/**
 * One recorded operation, or (without a rule) a leaf such as a parameter. A node holds counts for its output tensors and
 * its children; at zero it releases what it saved and its parents.
 */
export class Node implements TapeNode {
  /** Later nodes have larger numbers: the order of the tape. */
  readonly id = ++created;
  private count = 1;
  private eaten = false;
  private output: SavedOutput | undefined = undefined;

  /**
   * @param rule undefined for a leaf
   * @param parents the nodes of the inputs, undefined where an input records nothing
   * @param saved tensors the rule needs, each holding one count of this node
   * @param attrs whatever else the rule needs
   */
  constructor(
    readonly rule: Rule | undefined,
    readonly parents: readonly (Node | undefined)[],
    readonly saved: readonly (Tensor | undefined)[],
    readonly attrs: unknown,
  ) {
    for (let k = 0; k < parents.length; k++) parents[k]?.retain();
    for (let k = 0; k < saved.length; k++) saved[k]?.retain();
  }

  retain(): this {
    this.count++;
    return this;
  }

  release(): void {
    if (--this.count > 0) return;
    // A chain of a million ops must not overflow the stack, so the descent is a loop.
    const dead: Node[] = [this];
    for (let node = dead.pop(); node !== undefined; node = dead.pop()) {
      if (node.eaten) continue;
      node.letGo();
      for (const parent of node.parents) if (parent !== undefined && --parent.count === 0) dead.push(parent);
    }
  }

  /** The k-th saved tensor. Errors: GRAD when the tape was already used up. */
  save(k: number): Tensor | undefined {
    if (this.eaten) throw usedUp(this);
    return this.saved[k];
  }

  saveOutput(out: Tensor): void {
    this.output = { storage: out.storage.retain(), dtype: out.dtype, shape: out.shape, size: out.size };
  }

  /** The saved output as a tensor of this node, so that gradients of gradients flow through it. */
  out(): Tensor {
    if (this.eaten || this.output === undefined) throw usedUp(this);
    const { storage, dtype, shape, size } = this.output;
    return new Tensor(storage.retain(), dtype, shape, size).attach(this.retain());
  }

  /** Frees what the node saved: `grad` calls it behind itself as it walks. */
  eat(): void {
    if (this.eaten || this.rule === undefined) return;
    this.letGo();
    for (const parent of this.parents) parent?.release();
  }

  get usedUp(): boolean {
    return this.eaten;
  }

  private letGo(): void {
    this.eaten = true;
    for (const tensor of this.saved) tensor?.release();
    this.output?.storage.release();
    this.output = undefined;
  }
}

function usedUp(node: Node): AtomgradError {
  return new AtomgradError(
    "GRAD",
    `the tape behind "${node.rule?.name}" was already used by grad(); pass { createGraph: true } or { keepTape: true } the first time`,
  );
}

let recording = true;

/** Whether ops are recorded now. */
export function isRecording(): boolean {
  return recording;
}

/** Runs `f` with recording on or off. */
export function withRecording<R>(on: boolean, f: () => R): R {
  const before = recording;
  recording = on;
  try {
    return f();
  } finally {
    recording = before;
  }
}

/** Runs `f` without recording: for evaluation and updates of parameters. */
export function noGrad<R>(f: () => R): R {
  return withRecording(false, f);
}

/** Marks a tensor as a variable to differentiate with respect to. Returns it. Errors: DTYPE for integer tensors. */
export function requireGrad<T extends Tensor>(tensor: T): T {
  if (!isFloat(tensor.dtype))
    throw new AtomgradError(
      "DTYPE",
      `requireGrad: gradients need f32 or f64, this tensor is ${tensor.dtype}`,
    );
  if (tensor.node === undefined) tensor.attach(new Node(undefined, [], [], undefined));
  return tensor;
}

/** The same values without a history (shares the buffer). */
export function detach(tensor: Tensor): Tensor {
  tensor.assertAlive();
  return new Tensor(tensor.storage.retain(), tensor.dtype, tensor.shape, tensor.size);
}

const identity: Rule = { name: "alias", vjp: (g) => [g] };

/** The same values as a new variable that hands its gradient on to the tensor's own history. */
export function alias(tensor: Tensor): Tensor {
  return detach(tensor).attach(new Node(identity, [tensor.node as Node | undefined], [], undefined));
}

/** Records `out = rule(inputs)`; call it only when `mustRecord(inputs)`. */
export function record(
  rule: Rule,
  out: Tensor,
  inputs: readonly (Tensor | undefined)[],
  saved: readonly (Tensor | undefined)[],
  attrs: unknown,
  saveOut: boolean,
): Tensor {
  const parents = inputs.map((t) => t?.node as Node | undefined);
  return attach(rule, out, parents, saved, attrs, saveOut);
}

/** Like `record`, for callers that know the nodes of the inputs. */
export function attach(
  rule: Rule,
  out: Tensor,
  parents: readonly (Node | undefined)[],
  saved: readonly (Tensor | undefined)[],
  attrs: unknown,
  saveOut: boolean,
): Tensor {
  const node = new Node(rule, parents, saved, attrs);
  if (saveOut) node.saveOutput(out);
  return out.attach(node);
}

/** Whether an op on these inputs has to be recorded. */
export function mustRecord(inputs: readonly (Tensor | undefined)[]): boolean {
  if (!recording) return false;
  for (let k = 0; k < inputs.length; k++) if (inputs[k]?.requiresGrad) return true;
  return false;
}
