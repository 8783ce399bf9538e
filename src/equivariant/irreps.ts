import { AtomgradError } from "../tensor/error.js";
import type { RandomStream } from "../tensor/philox.js";
import { sizeOf } from "../tensor/shape.js";
import { type Tensor, tensor, type TensorOptions } from "../tensor/tensor.js";
import {
  assertOneOf,
  assertOptional,
  assertRandom,
  assertWhole,
  isList,
  kindOf,
  named,
  wrongArgument,
} from "../tensor/arguments.js";
import { Irrep, type IrrepLike, irrepOf, naturalParity, type Parity } from "./irrep.js";

/** An entry of an Irreps: `mul` copies of `ir`. */
export class MulIr {
  readonly ir: Irrep;

  /** Errors: VALUE unless `mul` is a whole number >= 0 and `ir` an irrep. */
  constructor(
    readonly mul: number,
    ir: IrrepLike,
  ) {
    assertWhole("MulIr: mul", mul);
    this.ir = irrepOf("MulIr: ir", ir);
  }

  get dim(): number {
    return this.mul * this.ir.dim;
  }

  toString(): string {
    return `${this.mul}x${this.ir.toString()}`;
  }
}

type EntryLike = string | Irrep | MulIr | readonly [mul: number, ir: IrrepLike];

/** What an Irreps can be made from: "10x0e + 5x1o", an Irrep, an Irreps, or a list of entries. */
export type IrrepsLike = string | Irrep | Irreps | readonly EntryLike[];

/** What `filter` keeps or drops: irreps (multiplicities are ignored) or a condition on entries. */
export type IrrepsFilter = IrrepsLike | ((entry: MulIr) => boolean);

/** Half-open range of components [start, stop). */
export interface Slice {
  readonly start: number;
  readonly stop: number;
}

/**
 * A direct sum of irreps of O(3) with multiplicities, as e3nn's `o3.Irreps`. A feature vector holds the entries one after the
 * other, each as [mul, 2l+1] row-major.
 */
export class Irreps implements Iterable<MulIr> {
  readonly entries: readonly MulIr[];

  /** Errors: VALUE for text that is no Irreps. */
  constructor(like: IrrepsLike = "") {
    if (like instanceof Irreps) this.entries = like.entries;
    else if (like instanceof Irrep) this.entries = [new MulIr(1, like)];
    else if (typeof like === "string") this.entries = parse(like);
    else if (Array.isArray(like)) this.entries = (like as readonly EntryLike[]).map(entryOf);
    else
      throw new AtomgradError(
        "VALUE",
        `Irreps: cannot be made from ${kindOf(like)}; write "10x0e + 5x1o", or give an Irrep or a list of [mul, irrep]`,
      );
  }

  /** Sum of 1x(l, p^l) for l = 0..lmax: the irreps of the harmonics of vectors (p = -1) or pseudo-vectors (p = 1). */
  static sphericalHarmonics(lmax: number, p: Parity = -1): Irreps {
    assertWhole("Irreps.sphericalHarmonics: lmax", lmax, { most: 1000 });
    if (p !== 1 && p !== -1)
      throw new AtomgradError("VALUE", `Irreps.sphericalHarmonics: p must be 1 or -1, got ${String(p)}`);
    return new Irreps(
      Array.from({ length: lmax + 1 }, (_, l): [number, Irrep] => [
        1,
        new Irrep(l, p === 1 ? 1 : naturalParity(l)),
      ]),
    );
  }

  [Symbol.iterator](): Iterator<MulIr> {
    return this.entries[Symbol.iterator]();
  }

  get length(): number {
    return this.entries.length;
  }

  get dim(): number {
    return this.entries.reduce((n, e) => n + e.dim, 0);
  }

  /** Number of irreps, multiplicities counted. */
  get numIrreps(): number {
    return this.entries.reduce((n, e) => n + e.mul, 0);
  }

  /** The degree of every irrep, repeated by multiplicity. */
  get ls(): number[] {
    return this.entries.flatMap(({ mul, ir }) => new Array<number>(mul).fill(ir.l));
  }

  /** Errors: VALUE when there is no irrep. */
  get lmax(): number {
    const present = this.entries.filter((e) => e.mul > 0);
    if (present.length === 0) throw new AtomgradError("VALUE", "Irreps.lmax: there are no irreps");
    return Math.max(...present.map((e) => e.ir.l));
  }

  /** Where each entry stands in a feature vector. */
  slices(): Slice[] {
    let start = 0;
    return this.entries.map((e) => ({ start, stop: (start += e.dim) }));
  }

  /** Entry by entry: 2x1o is not 1o+1o. */
  equals(other: IrrepsLike): boolean {
    return this.toString() === irrepsOf("Irreps.equals: other", other).toString();
  }

  /** Whether an entry has this irrep, even with multiplicity 0. */
  has(ir: IrrepLike): boolean {
    const wanted = irrepOf("Irreps.has: ir", ir);
    return this.entries.some((e) => e.ir.equals(wanted));
  }

  /** Total multiplicity of an irrep. */
  count(ir: IrrepLike): number {
    const wanted = irrepOf("Irreps.count: ir", ir);
    return this.entries.reduce((n, e) => n + (e.ir.equals(wanted) ? e.mul : 0), 0);
  }

  /** The entries from `start` to before `stop`. */
  slice(start?: number, stop?: number): Irreps {
    assertIndex("Irreps.slice: start", start);
    assertIndex("Irreps.slice: stop", stop);
    return new Irreps(this.entries.slice(start, stop));
  }

  /** The copies from `start` to before `stop`, counted through all multiplicities and from the end when negative; entries of none within stay. */
  sliceByMul(start?: number, stop?: number): Irreps {
    assertIndex("Irreps.sliceByMul: start", start);
    assertIndex("Irreps.sliceByMul: stop", stop);
    const all = this.numIrreps;
    const [first, end] = [start ?? 0, stop ?? all].map((n) => (n < 0 ? n + all : n));
    let at = 0;
    const kept = this.entries.flatMap((e): MulIr[] => {
      const [from, to] = [Math.max(first, at), Math.min(end, at + e.mul)];
      at += e.mul;
      if (e.mul === 0 ? from > to : from >= to) return [];
      return [new MulIr(to - from, e.ir)];
    });
    return new Irreps(kept);
  }

  /** Merges neighbours of the same irrep and drops empty entries; the order stays. */
  simplify(): Irreps {
    const merged: MulIr[] = [];
    for (const { mul, ir } of this.entries) {
      const last = merged[merged.length - 1];
      if (last?.ir.equals(ir)) merged[merged.length - 1] = new MulIr(last.mul + mul, ir);
      else if (mul > 0) merged.push(new MulIr(mul, ir));
    }
    return new Irreps(merged);
  }

  removeZeroMultiplicities(): Irreps {
    return new Irreps(this.entries.filter((e) => e.mul > 0));
  }

  /** Sorts entries stably: old entry k stands at p[k], new entry k was inv[k]. */
  sort(): { irreps: Irreps; p: number[]; inv: number[] } {
    const inv = this.entries.map((_, k) => k);
    inv.sort((a, b) => this.entries[a].ir.compare(this.entries[b].ir) || a - b);
    const p = new Array<number>(inv.length);
    inv.forEach((old, k) => (p[old] = k));
    return { irreps: new Irreps(inv.map((k) => this.entries[k])), p, inv };
  }

  /** Sorted and merged. */
  regroup(): Irreps {
    return this.sort().irreps.simplify();
  }

  /** Entries that meet exactly one criterion. Errors: VALUE for several criteria. */
  filter(criterion: { keep?: IrrepsFilter; drop?: IrrepsFilter; lmax?: number } = {}): Irreps {
    assertOptional("Irreps.filter", criterion, "criterion");
    const given = Object.values(criterion).filter((c) => c !== undefined);
    if (given.length > 1) throw new AtomgradError("VALUE", "Irreps.filter: give one of keep, drop and lmax");
    const { keep, drop, lmax } = criterion;
    if (keep !== undefined) return new Irreps(this.entries.filter(conditionOf("keep", keep)));
    if (drop !== undefined) {
      const dropped = conditionOf("drop", drop);
      return new Irreps(this.entries.filter((e) => !dropped(e)));
    }
    if (lmax === undefined) return this;
    assertWhole("Irreps.filter: lmax", lmax);
    return new Irreps(this.entries.filter((e) => e.ir.l <= lmax));
  }

  /** This list, then the other; nothing is merged. */
  plus(other: IrrepsLike): Irreps {
    return new Irreps([...this.entries, ...irrepsOf("Irreps.plus: other", other).entries]);
  }

  /** The whole list n times. */
  repeat(n: number): Irreps {
    assertWhole("Irreps.repeat: n", n);
    return new Irreps(Array.from({ length: n }, () => this.entries).flat());
  }

  /**
   * Random features, f32 as the modules' parameters unless `dtype` says otherwise: `component`: every number N(0,1); `norm`: every irrep a random direction of length 1.
   *
   * @param size sizes of the result with exactly one -1, which becomes `dim`
   */
  randn(
    size: readonly number[],
    random: RandomStream,
    options: TensorOptions & { normalization?: "component" | "norm" } = {},
  ): Tensor {
    if (!isList(size))
      throw new AtomgradError("VALUE", "Irreps.randn: give size as a list with one -1, such as [100, -1]");
    assertRandom("Irreps.randn", random);
    assertOptional("Irreps.randn", options);
    assertOneOf("Irreps.randn: normalization", options.normalization ?? "component", ["component", "norm"]);
    const axis = size.indexOf(-1);
    if (axis < 0 || size.indexOf(-1, axis + 1) >= 0)
      throw new AtomgradError("VALUE", `Irreps.randn: size: exactly one of [${size.join(",")}] must be -1`);
    const shape = size.map((n) => (n === -1 ? this.dim : n));
    const data = Float64Array.from({ length: sizeOf(shape) }, () => random.normal());
    if (options.normalization === "norm") this.normalise(data, sizeOf(shape.slice(axis + 1)));
    return tensor(data, shape, { dtype: options.dtype ?? "f32", device: options.device });
  }

  toString(): string {
    return this.entries.map(String).join("+");
  }

  private normalise(data: Float64Array, inner: number): void {
    const widths = this.entries.flatMap(({ mul, ir }) => new Array<number>(mul).fill(ir.dim));
    for (let row = 0; row < data.length; row += this.dim * inner)
      for (let b = 0; b < inner; b++) {
        let at = row + b;
        for (const width of widths) {
          let square = 0;
          for (let i = 0; i < width; i++) square += data[at + i * inner] ** 2;
          for (let i = 0; i < width; i++) data[at + i * inner] /= Math.sqrt(square);
          at += width * inner;
        }
      }
  }
}

/** The irreps given as an argument, "function: argument". Errors: as `Irreps`, beginning with that name. */
export function irrepsOf(what: string, like: IrrepsLike): Irreps {
  if ((like as unknown) === undefined) throw wrongArgument(what, 'irreps such as "10x0e + 5x1o"', like);
  return named(what, () => new Irreps(like));
}

const term = /^\s*(?:(\d+)\s*x\s*)?(\d+[eoy])\s*$/;

function parse(text: string): MulIr[] {
  if (text.trim() === "") return [];
  return text.split("+").map((word) => {
    const found = term.exec(word);
    if (found === null || !Number.isSafeInteger(Number(found[1] ?? 1)))
      throw new AtomgradError(
        "VALUE",
        `Irreps: unable to convert string "${text}" into an Irreps: "${word.trim()}" is not of the form 10x1o`,
      );
    return new MulIr(Number(found[1] ?? 1), Irrep.of(found[2]));
  });
}

function entryOf(like: EntryLike): MulIr {
  if (like instanceof MulIr) return like;
  if (typeof like === "string" || like instanceof Irrep) return new MulIr(1, irrepOf("Irreps", like));
  if (!Array.isArray(like))
    throw new AtomgradError(
      "VALUE",
      `Irreps: ${typeof like === "number" ? like : kindOf(like)} is no entry; write "1o", [2, "1o"] or an Irrep`,
    );
  const [mul, ir] = like as readonly [number, IrrepLike];
  if (!Number.isSafeInteger(mul) || mul < 0)
    throw new AtomgradError(
      "VALUE",
      `Irreps: a multiplicity must be a whole number >= 0, got ${kindOf(mul)}`,
    );
  return new MulIr(mul, ir);
}

/** Errors: VALUE for anything but a whole number, negative ones counted from the end; undefined: the default. */
function assertIndex(what: string, index: number | undefined): void {
  if (index !== undefined) assertWhole(what, index, { least: -Number.MAX_SAFE_INTEGER });
}

function conditionOf(name: string, filter: IrrepsFilter): (entry: MulIr) => boolean {
  if (typeof filter === "function") return filter;
  const wanted = irrepsOf(`Irreps.filter: ${name}`, filter);
  return (entry) => wanted.has(entry.ir);
}
