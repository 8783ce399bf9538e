import { type Backend, type Kernel, word } from "../tensor/backend.js";
import type { DeviceContext } from "../tensor/device.js";
import { type DType, isFloat, typeCode } from "../tensor/dtype.js";
import { AtomgradError } from "../tensor/error.js";
import { showShape, sizeOf } from "../tensor/shape.js";
import { Storage } from "../tensor/storage.js";
import { Tensor } from "../tensor/tensor.js";
import { bind, evaluate } from "./contract.js";
import { mustRecord, type Node, record, type Rule, type Wanted } from "./node.js";
import { type Input, OpContract } from "./op-contract.js";
import type { Attrs, Inputs, OpSpec } from "./op-spec.js";
import { gradientsOf } from "./walk.js";

export type { Attrs, AttrType, Dims, Inputs, OpSpec } from "./op-spec.js";

/** A defined operation. Families export functions with named parameters around `apply`. */
export class Op implements Rule {
  private read: OpContract | undefined = undefined;

  constructor(readonly spec: OpSpec) {}

  /** Read at first use: a program uses few of the operations that there are. */
  private get contract(): OpContract {
    return (this.read ??= new OpContract(this.spec));
  }

  get kernel(): Kernel {
    return this.contract.kernel;
  }

  get inputs(): readonly Input[] {
    return this.contract.inputs;
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
        this.contract.saved.map((k) => inputs[k]),
        attrs,
        this.contract.savesOut,
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
    this.contract.outputs.forEach((e, k) => {
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
    this.contract.savedNames.forEach((name, k) => {
      const t = node.save(k);
      if (t !== undefined) saved[name] = t;
    });
    if (this.contract.savesOut) saved.out = node.out();
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

  /** Checks the inputs and attributes and binds the dimensions. */
  private bindInputs(inputs: readonly (Tensor | undefined)[], attrs: Attrs) {
    const { name } = this.spec;
    const { symbols, inputs: declared } = this.contract;
    const bound = new Array<number>(symbols.names.length).fill(-1);
    let dtype: DType | undefined;
    let device: DeviceContext | undefined;
    for (let k = 0; k < declared.length; k++) {
      const input = declared[k];
      const t = inputs[k];
      if (t === undefined) {
        if (!input.optional) throw new AtomgradError("VALUE", `${name}: input ${input.name} is missing`);
        continue;
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
    }
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
    for (const { name, type, position } of this.contract.attrs) {
      const value = attrs[name];
      if (value === undefined) throw new AtomgradError("VALUE", `${this.name}: attribute ${name} is missing`);
      if (type === "real") continue;
      const number = typeof type === "string" ? Number(value) : type.indexOf(value as string);
      if (!Number.isInteger(number) || (typeof type !== "string" && number < 0))
        throw new AtomgradError(
          "VALUE",
          `${this.name}: attribute ${name} is ${String(value)}, allowed: ${typeof type === "string" ? "whole numbers" : type.join(", ")}`,
        );
      bound[position] = number;
    }
    const sentence = this.spec.check?.(this.contract.dims(bound), attrs);
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
    const { inputs: declared, outputs } = this.contract;
    const outs = into?.slice() ?? new Array<Tensor>(outputs.length);
    if (into === undefined)
      for (let k = 0; k < outputs.length; k++) {
        const shape = evaluate(outputs[k], bound);
        outs[k] = Tensor.empty(device, outputs[k].dtype ?? dtype, shape, sizeOf(shape));
      }
    const { words, reals } = backend;
    let at: number = word.buffers;
    for (let k = 0; k < declared.length; k++) words[at++] = inputs[k]?.storage.slot ?? -1;
    for (let k = 0; k < outs.length; k++) words[at++] = outs[k].storage.slot;
    words[at] = word.end;
    for (let k = 0; k < bound.length; k++) words[word.ints + k] = bound[k];
    const { realNames } = this.kernel;
    for (let k = 0; k < realNames.length; k++) reals[k] = Number(attrs[realNames[k]]);
    const scratch = this.scratch(device, bound, dtype);
    words[word.work] = scratch?.slot ?? -1;
    backend.launch(this.kernel, typeCode[dtype]);
    scratch?.release();
    this.checkStatus(backend, bound);
    return outs;
  }

  private scratch(device: DeviceContext, bound: readonly number[], dtype: DType): Storage | undefined {
    if (this.spec.work === undefined || (device.name !== "cpu" && device.name !== "cuda")) return undefined;
    const bytes = this.spec.work(this.contract.dims(bound), device.backend.itemBytes(dtype));
    return bytes > 0 ? Storage.take(device, bytes) : undefined;
  }

  private checkStatus(backend: Backend, bound: readonly number[]): void {
    const code = backend.words[word.status];
    if (code === 0) return;
    backend.words[word.status] = 0;
    const sentence =
      this.spec.status?.(code, this.contract.dims(bound)) ?? `the kernel stopped with status ${code}`;
    throw new AtomgradError("VALUE", `${this.name}: ${sentence}`);
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
