import { AtomgradError } from "../../tensor/error.js";
import { PickleTuple } from "./values.js";
import type { PickleValue } from "./values.js";

/** Arguments of a constructor named in a pickle; wrong ones are a FORMAT error that names file and constructor. */
export class Arguments {
  constructor(
    readonly file: string,
    readonly callee: string,
    readonly items: readonly PickleValue[],
  ) {}

  bad(what: string): AtomgradError {
    return new AtomgradError("FORMAT", `${this.file}: ${this.callee} in a pickle is given ${what}`);
  }

  /** Argument `k` as one of `type`. */
  of<T extends PickleValue>(k: number, type: abstract new (...args: never[]) => T): T {
    const value = this.items[k];
    if (value instanceof type) return value;
    throw this.bad(`something else than ${type.name.replace(/^Pickle/, "")} as argument ${k + 1}`);
  }

  text(k: number): string {
    const value = this.items[k];
    if (typeof value === "string") return value;
    throw this.bad(`something else than a text as argument ${k + 1}`);
  }

  /** A whole number from 0 on. */
  size(k: number): number {
    return this.sizeOf(this.items[k], k);
  }

  /** A tuple or list of whole numbers from 0 on. */
  sizes(k: number): number[] {
    const value = this.items[k];
    const items = value instanceof PickleTuple ? value.items : value;
    if (!Array.isArray(items)) throw this.bad(`something else than sizes as argument ${k + 1}`);
    return items.map((item: PickleValue) => this.sizeOf(item, k));
  }

  private sizeOf(value: PickleValue, k: number): number {
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
    throw this.bad(`something else than a whole number from 0 on in argument ${k + 1}`);
  }
}
