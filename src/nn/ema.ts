import { blendInto, exchange } from "../../kernels/in_place/op.js";
import { AtomgradError } from "../tensor/error.js";
import { keep } from "../tensor/scope.js";
import { type Tensor, zeros } from "../tensor/tensor.js";
import type { NamedParameters } from "./optimizer.js";
import { readState, type State, type StateArray, writeState } from "./state.js";

/**
 * Exponential running averages of parameters: average += (1 - decay) (parameter - average) after every update of the
 * optimiser. They start at the parameters' present values.
 */
export class Ema implements Disposable {
  private readonly averages = new Map<string, Tensor>();
  private readonly parameters: readonly [string, Tensor][];
  private exchanged = false;

  /** @param decay share of the old average, in [0, 1), for instance 0.999. Errors: VALUE. */
  constructor(
    parameters: NamedParameters,
    readonly decay: number,
  ) {
    if (!(decay >= 0 && decay < 1))
      throw new AtomgradError("VALUE", `Ema: decay is ${decay}, expected a number from 0 to below 1`);
    this.parameters = [...parameters];
    for (const [name, t] of this.parameters) {
      const average = keep(zeros(t.shape, { dtype: t.dtype, device: t.device.name }));
      blendInto(average, t, 1);
      this.averages.set(name, average);
    }
  }

  /** Call it after each update of the parameters. Errors: VALUE inside `withAverages`. */
  update(): void {
    this.assertOutside("update");
    for (const [name, t] of this.parameters) blendInto(this.averages.get(name)!, t, 1 - this.decay);
  }

  /** Runs `f` with the averages in the parameters' place, and puts the parameters back, exactly, whatever happens. */
  async withAverages<R>(f: () => R | Promise<R>): Promise<R> {
    this.assertOutside("withAverages");
    this.exchangeAll();
    try {
      return await f();
    } finally {
      this.exchangeAll();
    }
  }

  /** The averages by their parameters' names, for files. Errors: VALUE inside `withAverages`. */
  async exportState(): Promise<State> {
    this.assertOutside("exportState");
    return readState(this.averages);
  }

  /** Sets all averages, or after an error none. Errors: FORMAT, SHAPE as `Module.loadState`; VALUE inside `withAverages`. */
  loadState(state: ReadonlyMap<string, StateArray>): void {
    this.assertOutside("loadState");
    writeState("Ema", this.averages, state, true);
  }

  /** Frees the averages; the parameters belong to their module. */
  dispose(): void {
    for (const t of this.averages.values()) t.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  private exchangeAll(): void {
    for (const [name, t] of this.parameters) exchange(t, this.averages.get(name)!);
    this.exchanged = !this.exchanged;
  }

  private assertOutside(what: string): void {
    if (this.exchanged)
      throw new AtomgradError(
        "VALUE",
        `Ema: ${what}() inside withAverages(), where parameters and averages are exchanged`,
      );
  }
}
