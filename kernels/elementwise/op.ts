import {
  attach,
  isRecording,
  mustRecord,
  type Node,
  record,
  type Rule,
  type Wanted,
} from "../../src/autograd/node.js";
import { type Kernel, type ReferenceCall, type WgslKernel, word } from "../../src/tensor/backend.js";
import { type DType, isFloat, typeCode } from "../../src/tensor/dtype.js";
import { AtomgradError } from "../../src/tensor/error.js";
import { broadcastShapes, sameShape, type Shape, sizeOf } from "../../src/tensor/shape.js";
import { Tensor } from "../../src/tensor/tensor.js";
import { sumTo } from "../reduce/op.js";
import { type Layout, layoutOf } from "./layout.js";
import { op } from "./ops.generated.js";
import { elementwiseWgsl } from "./webgpu.js";

/** What an elementwise operation takes: tensors of one number type, or numbers. */
export type Operand = Tensor | number;

/** The gradient of one argument: nothing, g itself, another operation, or a nest of operations. */
type Nest = number | string | readonly [string, ...Nest[]];
export type GradientRule =
  | null
  | { readonly call: "identity" }
  | { readonly call: string; readonly args: readonly string[] }
  | { readonly nest: Nest };

/** One line of the table, or a derivative of one (tools/elementwise). */
export interface ElementwiseSpec {
  readonly name: string;
  readonly args: readonly string[];
  readonly order: number;
  readonly reference: (...x: number[]) => number;
  /** Body of a WGSL function of x0, x1, ... */
  readonly wgsl: string;
  readonly rules: readonly GradientRule[];
  readonly samples: Readonly<Record<string, readonly number[]>>;
}

/**
 * Operands of a recorded call, as the rules need them: numbers as they are, shapes of tensors. Undefined where all are tensors of
 * the result's shape: a small op costs what it leaves behind in memory.
 */
type Recorded = readonly (number | Shape)[] | undefined;

const nothing: readonly undefined[] = [];

export class ElementwiseOp implements Rule {
  readonly name: string;
  readonly kernel: Kernel;
  /** Positions of the arguments whose values the rules use. */
  readonly saves: readonly boolean[];
  readonly savesAny: boolean;
  readonly savesOut: boolean;

  constructor(readonly spec: ElementwiseSpec) {
    this.name = spec.name;
    const used = new Set(spec.rules.flatMap(namesOf));
    this.saves = spec.args.map((name) => used.has(name));
    this.savesAny = this.saves.includes(true);
    this.savesOut = !spec.args.includes("y") && used.has("y");
    let wgsl: WgslKernel | undefined;
    this.kernel = {
      name: spec.name,
      intNames: [],
      realNames: [],
      intCount: (rank) => 1 + rank * (1 + spec.args.length),
      numbers: true,
      inputs: spec.args.length,
      outputs: 1,
      types: new Array<undefined>(spec.args.length + 1).fill(undefined),
      reference: (call) => runReference(spec, call),
      // Written when a GPU asks for it: a program on the CPU need not wait for it.
      get wgsl() {
        return (wgsl ??= elementwiseWgsl(spec));
      },
      cost: (ints) => {
        const size = ints.subarray(1, 1 + ints[0]).reduce((n, d) => n * d, 1);
        return { flop: size, elements: size * (spec.args.length + 1) };
      },
      cache: [],
    };
  }

  vjp(g: Tensor, node: Node, { wants }: Wanted): (Tensor | undefined)[] {
    const recorded = node.attrs as Recorded;
    const { args, rules } = this.spec;
    const value = (name: string): Operand => {
      const k = args.indexOf(name);
      if (k < 0) return name === "y" ? node.out() : g;
      const operand = recorded?.[k];
      return typeof operand === "number" ? operand : node.save(k)!;
    };
    return rules.map((rule, k) => {
      if (rule === null || !wants(k)) return undefined;
      const gradientOfInput = gradient(rule, g, value);
      return recorded === undefined ? gradientOfInput : sumTo(gradientOfInput, recorded[k] as Shape);
    });
  }
}

function gradient(rule: Exclude<GradientRule, null>, g: Tensor, value: (name: string) => Operand): Tensor {
  if ("nest" in rule) return evaluateNest(rule.nest, value) as Tensor;
  if (!("args" in rule)) return g;
  return applyAny(op(rule.call), rule.args.map(value));
}

function evaluateNest(nest: Nest, value: (name: string) => Operand): Operand {
  if (typeof nest === "number") return nest;
  if (typeof nest === "string") return value(nest);
  const [name, ...args] = nest;
  return applyAny(
    op(name),
    args.map((arg) => evaluateNest(arg, value)),
  );
}

function namesOf(rule: GradientRule): string[] {
  if (rule === null) return [];
  if ("args" in rule) return [...rule.args];
  const walk = (nest: Nest): string[] =>
    typeof nest === "string" ? [nest] : typeof nest === "number" ? [] : nest.slice(1).flatMap((n) => walk(n));
  return "nest" in rule ? walk(rule.nest) : [];
}

/** The fast path of one operand. */
export function apply1(op: ElementwiseOp, a: Operand): Tensor {
  if (typeof a === "number") return general(op, [a]);
  a.assertAlive();
  if (!isFloat(a.dtype)) throw wrongType(op, a.dtype);
  const { device } = a.storage;
  const { words } = device.backend;
  const out = Tensor.empty(device, a.dtype, a.shape, a.size);
  words[word.buffers] = a.storage.slot;
  words[word.buffers + 1] = out.storage.slot;
  words[word.buffers + 2] = word.end;
  words[word.ints] = 1;
  words[word.ints + 1] = a.size;
  words[word.ints + 2] = 1;
  device.backend.launch(op.kernel, typeCode[a.dtype]);
  if (a.node === undefined || !isRecording()) return out;
  return attach(op, out, [a.node as Node], op.savesAny ? [a] : nothing, undefined, op.savesOut);
}

/** The fast path of two tensors alike, or of a tensor and a number; anything else takes the general one. */
export function apply2(op: ElementwiseOp, a: Operand, b: Operand): Tensor {
  if (typeof a === "number") return general(op, [a, b]);
  if (typeof b === "number") return withNumber(op, a, b);
  if (!alike(a, b)) return general(op, [a, b]);
  a.assertAlive();
  b.assertAlive();
  if (!isFloat(a.dtype)) throw wrongType(op, a.dtype);
  const { device } = a.storage;
  const { words } = device.backend;
  const out = Tensor.empty(device, a.dtype, a.shape, a.size);
  words[word.buffers] = a.storage.slot;
  words[word.buffers + 1] = b.storage.slot;
  words[word.buffers + 2] = out.storage.slot;
  words[word.buffers + 3] = word.end;
  words[word.ints] = 1;
  words[word.ints + 1] = a.size;
  words[word.ints + 2] = 1;
  words[word.ints + 3] = 1;
  device.backend.launch(op.kernel, typeCode[a.dtype]);
  if ((a.node === undefined && b.node === undefined) || !isRecording()) return out;
  const saved = op.savesAny ? [op.saves[0] ? a : undefined, op.saves[1] ? b : undefined] : nothing;
  return attach(
    op,
    out,
    [a.node as Node | undefined, b.node as Node | undefined],
    saved,
    undefined,
    op.savesOut,
  );
}

function withNumber(op: ElementwiseOp, a: Tensor, b: number): Tensor {
  a.assertAlive();
  if (!isFloat(a.dtype)) throw wrongType(op, a.dtype);
  const { device } = a.storage;
  const { words, reals } = device.backend;
  const out = Tensor.empty(device, a.dtype, a.shape, a.size);
  words[word.buffers] = a.storage.slot;
  words[word.buffers + 1] = -1;
  words[word.buffers + 2] = out.storage.slot;
  words[word.buffers + 3] = word.end;
  words[word.ints] = 1;
  words[word.ints + 1] = a.size;
  words[word.ints + 2] = 1;
  words[word.ints + 3] = 0;
  reals[1] = b;
  device.backend.launch(op.kernel, typeCode[a.dtype]);
  return a.node === undefined || !isRecording() ? out : recorded(op, out, [a, b]);
}

export function apply3(op: ElementwiseOp, a: Operand, b: Operand, c: Operand): Tensor {
  return general(op, [a, b, c]);
}

/** Any number of operands. */
export function applyAny(op: ElementwiseOp, operands: readonly Operand[]): Tensor {
  if (operands.length === 1) return apply1(op, operands[0]);
  if (operands.length === 2) return apply2(op, operands[0], operands[1]);
  return general(op, operands);
}

function alike(a: Tensor, b: Tensor): boolean {
  return a.dtype === b.dtype && a.storage.device === b.storage.device && sameShape(a.shape, b.shape);
}

/** Mixed shapes and numbers: strides are worked out, dimensions that move together are merged. */
function general(op: ElementwiseOp, operands: readonly Operand[]): Tensor {
  const tensors = operands.filter((x): x is Tensor => typeof x !== "number");
  const first = tensors[0];
  if (first === undefined)
    throw new AtomgradError("VALUE", `${op.name}: at least one operand must be a tensor, got numbers only`);
  for (const t of tensors) {
    t.assertAlive();
    if (!isFloat(t.dtype)) throw wrongType(op, t.dtype);
    if (t.dtype !== first.dtype)
      throw new AtomgradError(
        "DTYPE",
        `${op.name}: operands are ${first.dtype} and ${t.dtype}; cast one of them`,
      );
    if (t.device !== first.device)
      throw new AtomgradError(
        "DEVICE",
        `${op.name}: operands are on ${first.device.name} and ${t.device.name}`,
      );
  }
  const shape = broadcastShapes(
    op.name,
    tensors.map((t) => t.shape),
  );
  const out = Tensor.empty(first.device, first.dtype, shape, sizeOf(shape));
  const { backend } = first.device;
  let at: number = word.buffers;
  operands.forEach((x, k) => {
    backend.words[at++] = typeof x === "number" ? -1 : x.storage.slot;
    if (typeof x === "number") backend.reals[k] = x;
  });
  backend.words[at++] = out.storage.slot;
  backend.words[at] = word.end;
  writeLayout(
    backend.words,
    layoutOf(
      shape,
      operands.map((x) => (typeof x === "number" ? [] : x.shape)),
    ),
  );
  backend.launch(op.kernel, typeCode[first.dtype]);
  return mustRecord(tensors) ? recorded(op, out, operands) : out;
}

/** Integers of the kernel: rank, the sizes, then each operand's strides. */
function writeLayout(words: Int32Array, { sizes, strides }: Layout): void {
  let at: number = word.ints;
  words[at++] = sizes.length;
  for (const n of sizes) words[at++] = n;
  for (const operand of strides) for (const s of operand) words[at++] = s;
}

function numberOrShape(x: Operand): number | Shape {
  return typeof x === "number" ? x : x.shape;
}

function recorded(op: ElementwiseOp, out: Tensor, operands: readonly Operand[]): Tensor {
  const inputs = operands.map((x) => (typeof x === "number" ? undefined : x));
  const saved = op.savesAny ? inputs.map((x, k) => (op.saves[k] ? x : undefined)) : nothing;
  return record(op, out, inputs, saved, operands.map(numberOrShape), op.savesOut);
}

function wrongType(op: ElementwiseOp, found: DType): AtomgradError {
  return new AtomgradError("DTYPE", `${op.name}: operands expected f32 or f64, got ${found}; use cast()`);
}

/** The plain loop every backend is tested to. */
function runReference(spec: ElementwiseSpec, { words, values, buffers }: ReferenceCall): void {
  const rank = words[0];
  const sizes = Array.from(words.subarray(1, 1 + rank));
  const arity = spec.args.length;
  const strides = spec.args.map((_, k) => Array.from(words.subarray(1 + rank * (k + 1), 1 + rank * (k + 2))));
  const out = buffers[arity]!;
  const total = sizes.reduce((a, b) => a * b, 1);
  const x = new Array<number>(arity);
  for (let e = 0; e < total; e++) {
    for (let k = 0; k < arity; k++) {
      let rest = e;
      let at = 0;
      for (let d = rank - 1; d >= 0; d--) {
        at += (rest % sizes[d]) * strides[k][d];
        rest = Math.floor(rest / sizes[d]);
      }
      const buffer = buffers[k];
      x[k] = buffer === undefined ? values[k] : buffer[at];
    }
    out[e] = spec.reference(...x);
  }
}
