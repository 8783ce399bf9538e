import { requireGrad } from "../autograd/node.js";
import { AtomgradError } from "../tensor/error.js";
import { keep, scope } from "../tensor/scope.js";
import type { Tensor } from "../tensor/tensor.js";
import {
  type DerivedArray,
  readState,
  type State,
  type StateArray,
  type StateDifference,
  type StateEntry,
  writeState,
} from "./state.js";

/** A module whatever its inputs and outputs. */
export type AnyModule = Pick<Module, "parameters" | "buffers" | "stateEntries" | "dispose" | "toString">;

/**
 * A part of a network: parameters, buffers and smaller modules by name, and what they compute. A subclass registers them in
 * its constructor and implements `forward`:
 *
 *     class Gate extends Module {
 *       readonly weight = this.parameter("weight", tensor([1]));
 *       readonly inner = this.child("inner", new Linear(3, 3, { random }));
 *       protected forward(x: Tensor): Tensor {
 *         return mul(this.inner.call(x), this.weight);
 *       }
 *     }
 */
export abstract class Module<
  In extends readonly unknown[] = readonly [x: Tensor],
  Out = Tensor,
> implements Disposable {
  private readonly trained = new Map<string, Tensor>();
  private readonly fixed = new Map<string, Tensor>();
  private readonly children = new Map<string, AnyModule>();

  /** What the module computes; users write `call`. */
  protected abstract forward(...inputs: In): Out;

  /** Computes in a scope of its own: only the result and what the tape needs of the rest stay alive. */
  call(...inputs: In): Out {
    return scope(() => this.forward(...inputs));
  }

  /** Trained tensors by name (those of children as "child.name"), in the order of registration. */
  parameters(): Map<string, Tensor> {
    return this.collect(this.trained, (child) => child.parameters());
  }

  /** Tensors that belong to the state but are not trained (statistics, tables), by name. */
  buffers(): Map<string, Tensor> {
    return this.collect(this.fixed, (child) => child.buffers());
  }

  /** What the state holds by name, in PyTorch's order: parameters, buffers and what is derived, then the same of each child. */
  stateEntries(): Map<string, StateEntry> {
    const own = new Map<string, StateEntry>([...this.trained, ...this.fixed, ...this.derived()]);
    return this.collect(own, (child) => child.stateEntries());
  }

  /** The present values of what the state holds, for files. */
  exportState(): Promise<State> {
    return readState(this.stateEntries());
  }

  /**
   * Sets parameters and buffers: all, or after an error none.
   *
   * @param options.strict whether every name must have its counterpart (default true); otherwise the difference is returned
   *
   * Errors: FORMAT for names that do not fit and derived arrays of other values, SHAPE for arrays of another shape.
   */
  loadState(state: ReadonlyMap<string, StateArray>, options: { strict?: boolean } = {}): StateDifference {
    return writeState(this.constructor.name, this.stateEntries(), state, options.strict !== false);
  }

  /** Frees parameters and buffers, children's too. */
  dispose(): void {
    for (const t of [...this.trained.values(), ...this.fixed.values()]) t.dispose();
    for (const child of this.children.values()) child.dispose();
  }

  /** The class and, indented by two blanks, a line for each smaller module, as PyTorch prints modules. */
  toString(): string {
    const { name } = this.constructor;
    if (this.children.size === 0) return `${name}()`;
    const lines = Array.from(this.children, ([key, child]) => {
      const text = String(child).replaceAll("\n", "\n  ");
      return `  (${key}): ${text}\n`;
    });
    return `${name}(\n${lines.join("")})`;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Registers a tensor to train and takes it over. Errors: VALUE for a name in use, DTYPE for integers. */
  protected parameter(name: string, t: Tensor): Tensor {
    this.assertFree(name);
    this.trained.set(name, requireGrad(keep(t)));
    return t;
  }

  /** Registers a tensor of the state that is not trained and takes it over. Errors: VALUE for a name in use. */
  protected buffer(name: string, t: Tensor): Tensor {
    this.assertFree(name);
    this.fixed.set(name, keep(t));
    return t;
  }

  /** Arrays of the state that follow from how the module was made, by name; none unless a subclass says so. */
  protected derived(): ReadonlyMap<string, DerivedArray> {
    return new Map();
  }

  /** Registers a smaller module and takes it over. Errors: VALUE for a name in use. */
  protected child<M extends AnyModule>(name: string, module: M): M {
    this.assertFree(name);
    this.children.set(name, module);
    return module;
  }

  private collect<T>(own: ReadonlyMap<string, T>, of: (child: AnyModule) => Map<string, T>): Map<string, T> {
    const all = new Map(own);
    for (const [name, child] of this.children)
      for (const [inner, t] of of(child)) all.set(`${name}.${inner}`, t);
    return all;
  }

  private assertFree(name: string): void {
    if (this.trained.has(name) || this.fixed.has(name) || this.children.has(name))
      throw new AtomgradError("VALUE", `${this.constructor.name}: "${name}" is registered twice`);
  }
}
