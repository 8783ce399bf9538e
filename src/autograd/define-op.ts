import {
  type Backend,
  type Kernel,
  type KernelCost,
  type ReferenceKernel,
  type WgslKernel,
  word,
} from "../tensor/backend.js";
import type { DeviceContext } from "../tensor/device.js";
import { type DType, isFloat, typeCode } from "../tensor/dtype.js";
import { AtomgradError } from "../tensor/error.js";
import { showShape, sizeOf } from "../tensor/shape.js";
import { Storage } from "../tensor/storage.js";
import { Tensor } from "../tensor/tensor.js";
import { bind, evaluate, type Expression, parseExpression, Symbols } from "./contract.js";
import { mustRecord, type Node, record, type Rule, type Wanted } from "./node.js";
import { gradientsOf } from "./walk.js";

/** `int` and `bool` become integers of the command block, `real` a real, a list of words the position of the word. */
export type AttrType = "int" | "real" | "bool" | readonly string[];
export type Attrs = Readonly<Record<string, number | boolean | string>>;
export type Dims = Readonly<Record<string, number>>;
export type Inputs = Readonly<Record<string, Tensor>>;

/** The contract of an operation: everything backends, tests, benchmarks and docs need to know about it. */
export interface OpSpec {
  readonly name: string;
  /** Shape expressions by input name, in the order of the kernel's buffers; a name ending in `?` may be absent. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly attrs?: Readonly<Record<string, AttrType>>;
  /** Shape expressions of the outputs; one alone may be written as a string. "none": the kernel works in place. */
  readonly output: string | Readonly<Record<string, string>>;
  /** Inputs the kernel overwrites (parameters of optimisers). */
  readonly inPlace?: readonly string[];
  /** Number types of T; default f32 and f64. */
  readonly types?: readonly DType[];
  /** A sentence saying what is wrong with the attributes, or undefined. */
  readonly check?: (dims: Dims, attrs: Attrs) => string | undefined;
  /** Scratch bytes the kernel needs. */
  readonly work?: (dims: Dims, itemBytes: number) => number;
  /** What a non-zero status of the kernel means. */
  readonly status?: (code: number, dims: Dims) => string;
  /** Inputs (and "out") the gradient rule needs. */
  readonly save?: readonly string[];
  /**
   * Gradients of the inputs, written with ops; `needs(name)` tells which are wanted. `soFar(name)` takes what others have
   * contributed to the gradient of an input, for kernels that add to it in passing; the rule then returns the sum.
   */
  readonly vjp?: (
    g: Tensor,
    saved: Inputs,
    attrs: Attrs,
    needs: (name: string) => boolean,
    soFar: (name: string) => Tensor | undefined,
  ) => Record<string, Tensor | undefined>;
  /** The same function in elementary ops: test oracle, fallback on devices without the kernel, and gradient where `vjp` is absent. */
  readonly decompose?: (inputs: Inputs, attrs: Attrs) => Tensor;
  /**
   * The op whose gradient rule alone calls this one, and only where that op has a kernel: a device has kernels of both or of
   * neither.
   */
  readonly partOf?: string;
  /**
   * The op whose gradient rule calls this one where the device has its kernel; elsewhere the rule does the same with other ops.
   */
  readonly shortcutOf?: string;
  /** Work of one call, for profiles and the bounds the benchmarks print. */
  readonly cost?: (dims: Dims) => KernelCost;
  readonly reference: ReferenceKernel;
  readonly wgsl?: WgslKernel;
}

interface Input {
  readonly name: string;
  readonly optional: boolean;
  readonly expression: Expression;
}

/** A defined operation. Families export functions with named parameters around `apply`. */
export class Op implements Rule {
  readonly kernel: Kernel;
  readonly inputs: readonly Input[];
  private readonly symbols = new Symbols();
  private readonly outputs: readonly Expression[];
  private readonly attrEntries: readonly [string, AttrType][];
  private readonly intAttrs: readonly string[];
  private readonly savedNames: readonly string[];
  /** Positions of the saved inputs. */
  private readonly saved: readonly number[];
  private readonly savesOut: boolean;

  constructor(readonly spec: OpSpec) {
    this.inputs = Object.entries(spec.inputs).map(([key, text]) => ({
      name: key.replace("?", ""),
      optional: key.endsWith("?"),
      expression: parseExpression(text, this.symbols),
    }));
    this.attrEntries = Object.entries(spec.attrs ?? {});
    this.intAttrs = this.attrEntries.filter(([, type]) => type !== "real").map(([name]) => name);
    for (const name of this.intAttrs) this.symbols.index(name);
    const outputs = typeof spec.output === "string" ? { out: spec.output } : spec.output;
    this.outputs =
      spec.output === "none" ? [] : Object.values(outputs).map((text) => parseExpression(text, this.symbols));
    this.savedNames = (
      spec.save ?? (spec.decompose && !spec.vjp ? this.inputs.map((i) => i.name) : [])
    ).filter((name) => name !== "out");
    this.saved = this.savedNames.map((name) => this.inputs.findIndex((i) => i.name === name));
    this.savesOut = spec.save?.includes("out") ?? false;
    this.kernel = {
      name: spec.name,
      intNames: this.symbols.names,
      realNames: this.attrEntries.filter(([, type]) => type === "real").map(([name]) => name),
      inputs: this.inputs.length,
      outputs: this.outputs.length,
      types: [...this.inputs.map((i) => i.expression.dtype), ...this.outputs.map((e) => e.dtype)],
      inPlace: (spec.inPlace ?? []).map((name) => this.inputs.findIndex((i) => i.name === name)),
      reference: spec.reference,
      wgsl: spec.wgsl,
      bound: this.boundBuffers(spec.wgsl?.unread),
      cost: spec.cost && ((ints) => spec.cost!(this.dims(ints))),
      cache: [],
    };
  }

  /** Positions of the buffers of which a WGSL text reads or writes. Errors: VALUE for the name of no input. */
  private boundBuffers(unread: readonly string[] = []): number[] {
    const names = this.inputs.map((input) => input.name);
    const unknown = unread.find((name) => !names.includes(name));
    if (unknown !== undefined)
      throw new AtomgradError("VALUE", `${this.spec.name}: unread names "${unknown}", which is no input`);
    const all = Array.from({ length: this.inputs.length + this.outputs.length }, (_, k) => k);
    return all.filter((k) => !unread.includes(names[k]));
  }

  get name(): string {
    return this.spec.name;
  }

  /** Runs the op on inputs in contract order and records it. For ops with one output. */
  apply(inputs: readonly (Tensor | undefined)[], attrs: Attrs = {}): Tensor {
    const recorded = (this.spec.vjp !== undefined || this.spec.decompose !== undefined) && mustRecord(inputs);
    const { device, dtype, bound } = this.bindInputs(inputs, attrs);
    if (this.spec.decompose !== undefined && !device.backend.supports(this.kernel, dtype))
      return this.spec.decompose(this.named(inputs), attrs);
    const [out] = this.launch(device, dtype, bound, inputs, attrs);
    if (recorded)
      record(
        this,
        out,
        inputs,
        this.saved.map((k) => inputs[k]),
        attrs,
        this.savesOut,
      );
    return out;
  }

  /** Runs the op without recording and returns all outputs (none for in-place kernels). */
  applyAll(inputs: readonly (Tensor | undefined)[], attrs: Attrs = {}): Tensor[] {
    const { device, dtype, bound } = this.bindInputs(inputs, attrs);
    return this.launch(device, dtype, bound, inputs, attrs);
  }

  /** Runs the op without recording into tensors of the outputs' shapes and types. Errors: SHAPE. */
  applyInto(inputs: readonly (Tensor | undefined)[], attrs: Attrs, outs: readonly Tensor[]): void {
    const { device, dtype, bound } = this.bindInputs(inputs, attrs);
    this.outputs.forEach((e, k) => {
      const shape = evaluate(e, bound);
      if (outs[k].dtype !== (e.dtype ?? dtype) || outs[k].size !== sizeOf(shape))
        throw new AtomgradError(
          "SHAPE",
          `${this.name}: output ${k} is no ${e.dtype ?? dtype}${showShape(shape)}`,
        );
    });
    this.launch(device, dtype, bound, inputs, attrs, outs);
  }

  vjp(g: Tensor, node: Node, wanted: Wanted): (Tensor | undefined)[] {
    const saved: Record<string, Tensor> = {};
    this.savedNames.forEach((name, k) => {
      const t = node.save(k);
      if (t !== undefined) saved[name] = t;
    });
    if (this.savesOut) saved.out = node.out();
    const attrs = node.attrs as Attrs;
    if (this.spec.vjp === undefined) return this.vjpByDecomposition(g, saved, attrs, wanted);
    const names = this.inputs.map((input) => input.name);
    const result = this.spec.vjp(
      g,
      saved,
      attrs,
      (name) => wanted.wants(names.indexOf(name)),
      (name) => wanted.takeSoFar(names.indexOf(name)),
    );
    return names.map((name) => result[name]);
  }

  /** Runs the decomposition on the saved inputs and walks the small tape that makes. */
  private vjpByDecomposition(
    g: Tensor,
    saved: Inputs,
    attrs: Attrs,
    { wants }: Wanted,
  ): (Tensor | undefined)[] {
    const wanted = this.inputs.map((i) => i.name).filter((_, k) => wants(k));
    const run = (variables: Tensor[]): Tensor => {
      const inputs: Record<string, Tensor> = { ...saved };
      wanted.forEach((name, k) => (inputs[name] = variables[k]));
      return this.spec.decompose!(inputs, attrs);
    };
    const grads = gradientsOf(
      run,
      wanted.map((name) => saved[name]),
      g,
    );
    return this.inputs.map((input) => grads[wanted.indexOf(input.name)]);
  }

  private bindInputs(inputs: readonly (Tensor | undefined)[], attrs: Attrs) {
    const { name, symbols } = { name: this.spec.name, symbols: this.symbols };
    const bound = new Array<number>(symbols.names.length).fill(-1);
    let dtype: DType | undefined;
    let device: DeviceContext | undefined;
    this.inputs.forEach((input, k) => {
      const t = inputs[k];
      if (t === undefined) {
        if (!input.optional) throw new AtomgradError("VALUE", `${name}: input ${input.name} is missing`);
        return;
      }
      t.assertAlive();
      device ??= t.device;
      if (t.device !== device)
        throw new AtomgradError(
          "DEVICE",
          `${name}: ${input.name} is on ${t.device.name}, the other inputs on ${device.name}`,
        );
      const wanted = input.expression.dtype ?? dtype;
      if (wanted === undefined) dtype = this.checkType(input.name, t.dtype);
      else if (t.dtype !== wanted)
        throw new AtomgradError("DTYPE", `${name}: ${input.name} expected ${wanted}, got ${t.dtype}`);
      bind(name, input.name, input.expression, t, symbols, bound);
    });
    this.bindAttrs(attrs, bound);
    return { device: device!, dtype: dtype ?? "f32", bound };
  }

  private checkType(input: string, found: DType): DType {
    const allowed = this.spec.types ?? (["f32", "f64"] as const);
    if (!allowed.includes(found))
      throw new AtomgradError(
        "DTYPE",
        `${this.name}: ${input} expected ${allowed.join(" or ")}, got ${found}`,
      );
    return found;
  }

  private bindAttrs(attrs: Attrs, bound: number[]): void {
    for (const [name, type] of this.attrEntries) {
      const value = attrs[name];
      if (value === undefined) throw new AtomgradError("VALUE", `${this.name}: attribute ${name} is missing`);
      if (type === "real") continue;
      const number = typeof type === "string" ? Number(value) : type.indexOf(value as string);
      if (!Number.isInteger(number) || (typeof type !== "string" && number < 0))
        throw new AtomgradError(
          "VALUE",
          `${this.name}: attribute ${name} is ${String(value)}, allowed: ${typeof type === "string" ? "whole numbers" : type.join(", ")}`,
        );
      bound[this.symbols.index(name)] = number;
    }
    const sentence = this.spec.check?.(this.dims(bound), attrs);
    if (sentence !== undefined) throw new AtomgradError("VALUE", `${this.name}: ${sentence}`);
  }

  private launch(
    device: DeviceContext,
    dtype: DType,
    bound: readonly number[],
    inputs: readonly (Tensor | undefined)[],
    attrs: Attrs,
    into?: readonly Tensor[],
  ): Tensor[] {
    const backend = device.backend;
    const outs =
      into?.slice() ??
      this.outputs.map((e) => {
        const shape = evaluate(e, bound);
        return Tensor.empty(device, e.dtype ?? dtype, shape, sizeOf(shape));
      });
    const words = backend.words;
    let at: number = word.buffers;
    for (let k = 0; k < this.inputs.length; k++) words[at++] = inputs[k]?.storage.slot ?? -1;
    for (const out of outs) words[at++] = out.storage.slot;
    words[at] = word.end;
    for (let k = 0; k < bound.length; k++) words[word.ints + k] = bound[k];
    this.kernel.realNames.forEach((name, k) => (backend.reals[k] = Number(attrs[name])));
    const scratch = this.scratch(device, bound, dtype);
    words[word.work] = scratch?.slot ?? -1;
    backend.launch(this.kernel, typeCode[dtype]);
    scratch?.release();
    this.checkStatus(backend, bound);
    return outs;
  }

  private scratch(device: DeviceContext, bound: readonly number[], dtype: DType): Storage | undefined {
    if (this.spec.work === undefined || (device.name !== "cpu" && device.name !== "cuda")) return undefined;
    const bytes = this.spec.work(this.dims(bound), device.backend.itemBytes(dtype));
    return bytes > 0 ? Storage.take(device, bytes) : undefined;
  }

  private checkStatus(backend: Backend, bound: readonly number[]): void {
    const code = backend.words[word.status];
    if (code === 0) return;
    backend.words[word.status] = 0;
    const sentence = this.spec.status?.(code, this.dims(bound)) ?? `the kernel stopped with status ${code}`;
    throw new AtomgradError("VALUE", `${this.name}: ${sentence}`);
  }

  private dims(bound: ArrayLike<number>): Record<string, number> {
    const dims: Record<string, number> = {};
    this.symbols.names.forEach((name, k) => (dims[name] = bound[k]));
    return dims;
  }

  private named(inputs: readonly (Tensor | undefined)[]): Inputs {
    const named: Record<string, Tensor> = {};
    this.inputs.forEach((input, k) => {
      const t = inputs[k];
      if (t !== undefined) named[input.name] = t;
    });
    return named;
  }
}

/** Defines an operation from its contract. Pure: registers nothing, so that bundlers can drop what is not used. */
export function defineOp(spec: OpSpec): Op {
  return new Op(spec);
}

/** Inputs of an op that gradients can flow to. */
export function differentiable(op: Op): string[] {
  return op.inputs
    .filter((i) => i.expression.dtype === undefined || isFloat(i.expression.dtype))
    .map((i) => i.name);
}
