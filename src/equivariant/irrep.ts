import { AtomgradError } from "../tensor/error.js";
import { assertWhole, kindOf, named } from "../tensor/arguments.js";

/** 1 even, -1 odd under inversion. */
export type Parity = 1 | -1;

/** An Irrep, its name ("1o", "2e", "1y" for the parity of the harmonics), or the pair (l, p). */
export type IrrepLike = Irrep | string | readonly [l: number, p: number];

/** Far above anything that can be computed; keeps lists of irreps short. */
const largestDegree = 1000;

const pattern = /^\s*(\d+)([eoy])\s*$/;

/** An irreducible representation of O(3): degree l and parity p. Prints `1o`, `2e`. */
export class Irrep {
  /** Errors: VALUE unless l is a whole number from 0 to 1000 and p is 1 or -1. */
  constructor(
    readonly l: number,
    readonly p: Parity,
  ) {
    if (!Number.isInteger(l) || l < 0 || l > largestDegree)
      throw new AtomgradError(
        "VALUE",
        `Irrep: l must be a whole number from 0 to ${largestDegree}, got ${String(l)}`,
      );
    if (p !== 1 && p !== -1) throw new AtomgradError("VALUE", `Irrep: p must be 1 or -1, got ${String(p)}`);
  }

  /** Errors: VALUE for text that names no irrep. */
  static of(like: IrrepLike): Irrep {
    if (like instanceof Irrep) return like;
    if (Array.isArray(like)) return new Irrep(like[0] as number, like[1] as Parity);
    if (typeof like !== "string")
      throw new AtomgradError("VALUE", `Irrep: cannot be made from ${kindOf(like)}; write "1o" or [1, -1]`);
    const found = pattern.exec(like);
    if (found === null)
      throw new AtomgradError(
        "VALUE",
        `Irrep: unable to convert string "${like}" into an Irrep; write a degree and e, o or y, such as "1o"`,
      );
    const l = Number(found[1]);
    return new Irrep(l, found[2] === "e" ? 1 : found[2] === "o" ? -1 : naturalParity(l));
  }

  /** 0e, 0o, 1o, 1e, 2e, 2o, ... up to both parities of lmax: natural parity first, unlike the sorting order. */
  static *iterator(lmax: number): Generator<Irrep> {
    assertWhole("Irrep.iterator: lmax", lmax, { most: largestDegree });
    for (let l = 0; l <= lmax; l++) {
      const p = naturalParity(l);
      yield new Irrep(l, p);
      yield new Irrep(l, -p as Parity);
    }
  }

  get dim(): number {
    return 2 * this.l + 1;
  }

  /** 0e alone: 0o changes sign under inversion. */
  get isScalar(): boolean {
    return this.l === 0 && this.p === 1;
  }

  equals(other: IrrepLike): boolean {
    const { l, p } = irrepOf("Irrep.equals: other", other);
    return this.l === l && this.p === p;
  }

  /** Negative when this sorts before other: 0o < 0e < 1o < 1e < ... */
  compare(other: IrrepLike): number {
    const { l, p } = irrepOf("Irrep.compare: other", other);
    return this.l - l || this.p - p;
  }

  /** The irreps of the tensor product, by rising l. */
  times(other: IrrepLike): Irrep[] {
    const { l, p } = irrepOf("Irrep.times: other", other);
    const low = Math.abs(this.l - l);
    const count = this.l + l - low + 1;
    return Array.from({ length: count }, (_, k) => new Irrep(low + k, (this.p * p) as Parity));
  }

  toString(): string {
    return `${this.l}${this.p === 1 ? "e" : "o"}`;
  }
}

/** The irrep given as an argument, "function: argument". Errors: as `Irrep.of`, beginning with that name. */
export function irrepOf(what: string, like: IrrepLike): Irrep {
  return like instanceof Irrep ? like : named(what, () => Irrep.of(like));
}

/** (-1)^l: the parity of spherical harmonics of vectors. */
export function naturalParity(l: number): Parity {
  assertWhole("naturalParity: l", l);
  return l % 2 === 0 ? 1 : -1;
}
