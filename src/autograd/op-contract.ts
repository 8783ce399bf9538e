import type { Kernel } from "../tensor/backend.js";
import { AtomgradError } from "../tensor/error.js";
import { type Expression, parseExpression, Symbols } from "./contract.js";
import type { AttrType, OpSpec } from "./op-spec.js";

export interface Input {
  readonly name: string;
  readonly optional: boolean;
  readonly expression: Expression;
}

export interface Attribute {
  readonly name: string;
  readonly type: AttrType;
  /** Of an integer among the integers; -1 for a real. */
  readonly position: number;
}

/** What is read out of an `OpSpec`. */
export class OpContract {
  readonly kernel: Kernel;
  readonly inputs: readonly Input[];
  readonly outputs: readonly Expression[];
  readonly symbols = new Symbols();
  readonly attrs: readonly Attribute[];
  readonly savedNames: readonly string[];
  /** Positions of the saved inputs. */
  readonly saved: readonly number[];
  readonly savesOut: boolean;

  /** Errors: VALUE for a text that is no shape expression, or a name that stands for nothing. */
  constructor(spec: OpSpec) {
    this.inputs = Object.entries(spec.inputs).map(([key, text]) => ({
      name: key.endsWith("?") ? key.slice(0, -1) : key,
      optional: key.endsWith("?"),
      expression: parseExpression(text, this.symbols),
    }));
    this.attrs = Object.entries(spec.attrs ?? {}).map(([name, type]) => ({
      name,
      type,
      position: type === "real" ? -1 : this.symbols.index(name),
    }));
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
      realNames: this.attrs.filter(({ type }) => type === "real").map(({ name }) => name),
      inputs: this.inputs.length,
      outputs: this.outputs.length,
      types: [...this.inputs.map((i) => i.expression.dtype), ...this.outputs.map((e) => e.dtype)],
      inPlace: (spec.inPlace ?? []).map((name) => this.inputs.findIndex((i) => i.name === name)),
      reference: spec.reference,
      wgsl: spec.wgsl,
      bound: this.boundBuffers(spec),
      cost: spec.cost && ((ints) => spec.cost!(this.dims(ints))),
      cache: [],
    };
  }

  /** Values of the dimensions and integer attributes by name. */
  dims(bound: ArrayLike<number>): Record<string, number> {
    const dims: Record<string, number> = {};
    const { names } = this.symbols;
    for (let k = 0; k < names.length; k++) dims[names[k]] = bound[k];
    return dims;
  }

  /** Positions of the buffers of which a WGSL text reads or writes. */
  private boundBuffers({ name: op, wgsl }: OpSpec): number[] {
    const all = Array.from({ length: this.inputs.length + this.outputs.length }, (_, k) => k);
    const unread = wgsl?.unread;
    if (unread === undefined) return all;
    const names = this.inputs.map((input) => input.name);
    const unknown = unread.find((name) => !names.includes(name));
    if (unknown !== undefined)
      throw new AtomgradError("VALUE", `${op}: unread names "${unknown}", which is no input`);
    return all.filter((k) => !unread.includes(names[k]));
  }
}
