import { concat, slice } from "../../kernels/shape_ops/op.js";
import {
  type HarmonicsNormalization,
  solidHarmonics,
  unitHarmonics,
} from "../../kernels/spherical_harmonics/op.js";
import { AtomgradError } from "../tensor/error.js";
import { zeros, type Tensor } from "../tensor/tensor.js";
import { assertOptions, assertTensor } from "./features.js";
import { Irrep } from "./irrep.js";
import { Irreps, MulIr } from "./irreps.js";

export interface SphericalHarmonicsOptions {
  /** Divide the vectors by their length first; otherwise the result grows as r^l. */
  normalize: boolean;
  /** Default "integral", as in e3nn; its networks use "component". */
  normalization?: HarmonicsNormalization;
}

/**
 * Real spherical harmonics of vectors x [...,3] in e3nn's basis, blocks in the order asked for.
 *
 * @param l a degree, a list of degrees, or irreps such as "1x0e+1x1o+1x2e" (multiplicities repeat a block; an even parity of an odd
 * degree asks for pseudo-vectors)
 * @returns [..., number of components]; a zero vector gives zeros for l >= 1, with derivatives 0 when `normalize`
 *
 * Errors: VALUE for parities that no vector or pseudo-vector has; SHAPE.
 */
export function sphericalHarmonics(
  l: number | readonly number[] | string | Irreps | Irrep,
  x: Tensor,
  options: SphericalHarmonicsOptions,
): Tensor {
  const degrees = degreesOf(l);
  assertTensor("sphericalHarmonics: x", x);
  assertNormalize("sphericalHarmonics", options);
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

function degreesOf(l: number | readonly number[] | string | Irreps | Irrep): readonly number[] {
  const degrees = typeof l === "number" ? [l] : Array.isArray(l) ? (l as number[]) : undefined;
  if (degrees === undefined) return checkedParities(new Irreps(l as string | Irreps | Irrep));
  for (const degree of degrees)
    if (!Number.isInteger(degree) || degree < 0)
      throw new AtomgradError(
        "VALUE",
        `sphericalHarmonics: a degree must be a whole number >= 0, got ${degree}`,
      );
  return degrees;
}

function checkedParities(irreps: Irreps): number[] {
  const input = irreps.entries.some(({ ir }) => ir.l % 2 === 1 && ir.p === 1) ? 1 : -1;
  for (const { ir } of irreps)
    if (ir.p !== input ** ir.l)
      throw new AtomgradError(
        "VALUE",
        `sphericalHarmonics: ${ir.toString()} has parity ${ir.p}, but degree ${ir.l} of input ${input === 1 ? "1e" : "1o"} has parity ${input ** ir.l}`,
      );
  return irreps.ls;
}

/** Errors: VALUE unless the options say whether to normalize. */
function assertNormalize(what: string, options: SphericalHarmonicsOptions): void {
  assertOptions(what, options, "{ normalize: true } or { normalize: false }");
  if (typeof options.normalize !== "boolean")
    throw new AtomgradError(
      "VALUE",
      `${what}: normalize must be given, true or false; got ${String(options.normalize)}`,
    );
}

/** The harmonics as a module with e3nn's attributes: `irrepsOut` is merged, components come in the order asked for. */
export class SphericalHarmonics {
  readonly irrepsIn: Irreps;
  readonly irrepsOut: Irreps;
  private readonly requested: Irreps;

  constructor(
    irrepsOut: number | readonly number[] | string | Irreps,
    private readonly options: SphericalHarmonicsOptions,
  ) {
    assertNormalize("SphericalHarmonics", options);
    const listed =
      typeof irrepsOut === "number" || Array.isArray(irrepsOut)
        ? new Irreps(
            [irrepsOut].flat().map((l) => new MulIr(1, Irrep.of([l as number, l % 2 === 0 ? 1 : -1]))),
          )
        : new Irreps(irrepsOut as string | Irreps);
    checkedParities(listed);
    this.requested = listed;
    this.irrepsOut = listed.simplify();
    this.irrepsIn = new Irreps(listed.entries.some(({ ir }) => ir.l % 2 === 1 && ir.p === 1) ? "1e" : "1o");
  }

  call(x: Tensor): Tensor {
    return sphericalHarmonics(this.requested, x, this.options);
  }

  /** As e3nn prints it. */
  toString(): string {
    return "SphericalHarmonics()";
  }
}
