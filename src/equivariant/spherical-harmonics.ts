import { concat, slice } from "../../kernels/shape_ops/op.js";
import {
  type HarmonicsNormalization,
  solidHarmonics,
  unitHarmonics,
} from "../../kernels/spherical_harmonics/op.js";
import { AtomgradError } from "../tensor/error.js";
import { showShape } from "../tensor/shape.js";
import { type Tensor, zeros } from "../tensor/tensor.js";
import { assertOneOf, assertOptions, assertTensor, kindOf } from "../tensor/arguments.js";
import type { Parity } from "./irrep.js";
import { Irreps, type IrrepsLike, irrepsOf, MulIr } from "./irreps.js";

export interface SphericalHarmonicsOptions {
  /** Divide the vectors by their length first; otherwise the result grows as r^l. */
  normalize: boolean;
  /** Default "integral", as in e3nn; its networks use "component". */
  normalization?: HarmonicsNormalization;
}

/** A degree, a list of degrees, or irreps. */
export type HarmonicsLike = number | readonly number[] | IrrepsLike;

/**
 * Real spherical harmonics of vectors x [...,3] in e3nn's basis, blocks in the order asked for.
 *
 * @param l a degree, a list of degrees, or irreps such as "1x0e+1x1o+1x2e" (multiplicities repeat a block; an even parity of an odd
 * degree asks for pseudo-vectors)
 * @returns [..., number of components]; a zero vector gives zeros for l >= 1, with derivatives 0 when `normalize`
 *
 * Errors: VALUE for parities that no vector or pseudo-vector has; SHAPE.
 */
export function sphericalHarmonics(l: HarmonicsLike, x: Tensor, options: SphericalHarmonicsOptions): Tensor {
  const what = "sphericalHarmonics";
  const { degrees } = requestOf(what, "l", l);
  assertNormalize(what, options);
  return harmonics(what, degrees, x, options);
}

function harmonics(
  what: string,
  degrees: readonly number[],
  x: Tensor,
  options: SphericalHarmonicsOptions,
): Tensor {
  assertTensor(`${what}: x`, x);
  if (x.rank === 0 || x.shape[x.rank - 1] !== 3)
    throw new AtomgradError("SHAPE", `${what}: x expected vectors [...,3], got ${showShape(x.shape)}`);
  if (degrees.length === 0)
    return zeros([...x.shape.slice(0, -1), 0], { dtype: x.dtype, device: x.device.name });
  const lmax = Math.max(...degrees);
  const all = (options.normalize ? unitHarmonics : solidHarmonics)(
    x,
    lmax,
    options.normalization ?? "integral",
  );
  const blocks: [number, number][] = [];
  for (const degree of degrees) {
    const last = blocks[blocks.length - 1];
    if (last?.[1] === degree - 1) last[1] = degree;
    else blocks.push([degree, degree]);
  }
  if (blocks.length === 1 && blocks[0][0] === 0) return all;
  const axis = all.rank - 1;
  return concat(
    blocks.map(([from, to]) => slice(all, axis, from * from, (to + 1) ** 2)),
    axis,
  );
}

/** Degrees in the order asked for, multiplicities repeated, and the parity of the vectors. */
interface Request {
  readonly degrees: readonly number[];
  readonly parity: Parity;
}

function requestOf(what: string, name: string, l: HarmonicsLike, irrepsIn?: IrrepsLike): Request {
  const given = irrepsIn === undefined ? undefined : irrepsOf(`${what}: irrepsIn`, irrepsIn);
  if (given !== undefined && !given.equals("1o") && !given.equals("1e"))
    throw new AtomgradError("VALUE", `${what}: irrepsIn must be 1o or 1e, got ${given.toString()}`);
  const parity = given?.entries[0].ir.p;
  if (typeof l !== "number" && !isDegrees(l)) {
    const irreps = irrepsOf(`${what}: ${name}`, l);
    const pseudo = irreps.entries.some(({ ir }) => ir.l % 2 === 1 && ir.p === 1);
    const p = parity ?? (pseudo ? 1 : -1);
    assertParities(what, irreps, p);
    return { degrees: irreps.ls, parity: p };
  }
  const degrees = typeof l === "number" ? [l] : l;
  for (const degree of degrees)
    if (!Number.isInteger(degree) || degree < 0)
      throw new AtomgradError(
        "VALUE",
        `${what}: ${name}: a degree must be a whole number >= 0, got ${kindOf(degree)}`,
      );
  return { degrees, parity: parity ?? -1 };
}

function isDegrees(l: HarmonicsLike): l is readonly number[] {
  return Array.isArray(l) && l.every((degree) => typeof degree === "number");
}

function assertParities(what: string, irreps: Irreps, input: Parity): void {
  for (const { ir } of irreps)
    if (ir.p !== input ** ir.l)
      throw new AtomgradError(
        "VALUE",
        `${what}: ${ir.toString()} has parity ${ir.p}, but degree ${ir.l} of input ${input === 1 ? "1e" : "1o"} has parity ${input ** ir.l}`,
      );
}

/** Errors: VALUE unless the options say whether to normalize. */
function assertNormalize(what: string, options: SphericalHarmonicsOptions): void {
  assertOptions(what, options, "{ normalize: true } or { normalize: false }");
  if (typeof options.normalize !== "boolean")
    throw new AtomgradError(
      "VALUE",
      `${what}: normalize must be given, true or false; got ${kindOf(options.normalize)}`,
    );
  assertOneOf(`${what}: normalization`, options.normalization ?? "integral", [
    "component",
    "norm",
    "integral",
  ]);
}

/**
 * The harmonics as a module with e3nn's attributes: `irrepsOut` is merged, components come in the order asked for.
 *
 * @param options.irrepsIn "1o", or "1e" for pseudo-vectors; default: what `irrepsOut` asks for, as in `sphericalHarmonics`
 */
export class SphericalHarmonics {
  readonly irrepsIn: Irreps;
  readonly irrepsOut: Irreps;
  private readonly degrees: readonly number[];

  constructor(
    irrepsOut: HarmonicsLike,
    private readonly options: SphericalHarmonicsOptions & { irrepsIn?: IrrepsLike },
  ) {
    assertNormalize("SphericalHarmonics", options);
    const { degrees, parity } = requestOf("SphericalHarmonics", "irrepsOut", irrepsOut, options.irrepsIn);
    this.degrees = degrees;
    this.irrepsOut = new Irreps(degrees.map((l) => new MulIr(1, [l, parity ** l]))).simplify();
    this.irrepsIn = new Irreps(parity === 1 ? "1e" : "1o");
  }

  call(x: Tensor): Tensor {
    return harmonics("SphericalHarmonics", this.degrees, x, this.options);
  }

  /** As e3nn prints it. */
  toString(): string {
    return "SphericalHarmonics()";
  }
}
