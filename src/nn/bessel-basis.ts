import { div, less, mul, sin, square, where } from "../../kernels/elementwise/ops.generated.js";
import { type BesselTable, sphericalBessel } from "../../kernels/radial_basis/op.js";
import type { IndexMap } from "../../kernels/segment/op.js";
import { sphericalBasis } from "../../kernels/spherical_basis/op.js";
import { reshape } from "../autograd/reshape.js";
import { AtomgradError } from "../tensor/error.js";
import { keep } from "../tensor/scope.js";
import { type Tensor, tensor, type TensorOptions } from "../tensor/tensor.js";
import { besselNorms, besselTableOfPyg, besselZeros } from "./bessel-zeros.js";
import { polynomialEnvelope } from "./cutoff.js";
import { Module } from "./module.js";

export interface BesselOptions extends TensorOptions {
  /** Distance at which everything vanishes, angstrom. */
  rcut: number;
  /** p - 1 of the envelope, as PyTorch Geometric counts (default 5). */
  envelopeExponent?: number;
}

function assertRadius(rcut: number): void {
  if (!(rcut > 0)) throw new AtomgradError("VALUE", `rcut is ${rcut}; give a positive distance`);
}

/**
 * u(x)/x sin(f_n x), x = d / rcut, with trained frequencies f_n, at first n pi: d [E] -> [E, radials]. Finite at d = 0, exactly 0 from rcut on. Parameter "freq". Source: spec dimenetpp 2.2.
 */
export class BesselBasis extends Module {
  readonly freq: Tensor;

  constructor(
    readonly radials: number,
    private readonly options: BesselOptions,
  ) {
    super();
    const { dtype = "f32", device } = options;
    assertRadius(options.rcut);
    const frequencies = Float64Array.from({ length: radials }, (_, n) => (n + 1) * Math.PI);
    this.freq = this.parameter("freq", tensor(frequencies, [radials], { dtype, device }));
  }

  protected forward(d: Tensor): Tensor {
    const x = reshape(div(d, this.options.rcut), [d.size, 1]);
    const isApart = less(0, square(x));
    const waves = div(sin(mul(x, this.freq)), where(isApart, x, 1));
    const u = polynomialEnvelope(x, (this.options.envelopeExponent ?? 5) + 1);
    return mul(where(isApart, waves, this.freq), u);
  }
}

export interface SphericalBasisOptions extends BesselOptions {
  /** "f32": zeros and factors as PyTorch Geometric rounds them (default "f64": exact). */
  zerosPrecision?: "f32" | "f64";
}

/**
 * DimeNet's basis of triplets: env(x_kj) N j_l(z_ln x_kj) Y_l(cos of the angle), x = d / rcut. Source: spec dimenetpp 2.3.
 *
 *     const basis = new SphericalBasis(7, 6, { rcut: 5 });
 *     const sbf = basis.call(distances, cosines, edgesOfTriplets); // [T, 42]
 */
export class SphericalBasis extends Module<readonly [d: Tensor, cosine: Tensor, edges: IndexMap]> {
  private readonly table: BesselTable;

  /** @param degrees up to 12; @param radials zeros of each degree */
  constructor(
    readonly degrees: number,
    readonly radials: number,
    private readonly options: SphericalBasisOptions,
  ) {
    super();
    const { dtype = "f32", device, zerosPrecision = "f64" } = options;
    assertRadius(options.rcut);
    const exact = besselZeros(degrees, radials);
    const { zeros, norms } =
      zerosPrecision === "f32"
        ? besselTableOfPyg(degrees, radials)
        : { zeros: exact, norms: besselNorms(exact, degrees) };
    // Held here, not among the buffers: a state holds what was trained, as PyTorch Geometric's does.
    const place = (values: Float64Array): Tensor => keep(tensor(values, [values.length], { dtype, device }));
    this.table = { degrees, radials, zeros: place(zeros), norms: place(norms) };
  }

  override dispose(): void {
    this.table.zeros.dispose();
    this.table.norms.dispose();
    super.dispose();
  }

  private get envelope(): number {
    return (this.options.envelopeExponent ?? 5) + 1;
  }

  /** The part of the distance, d [E] -> [E, degrees * radials]. */
  radial(d: Tensor): Tensor {
    return sphericalBessel(div(d, this.options.rcut), this.table, this.envelope);
  }

  /** @param d [E] distances; @param cosine [T] of angles; @param edges the edge kj of each triplet; @returns [T, degrees * radials] */
  protected forward(d: Tensor, cosine: Tensor, edges: IndexMap): Tensor {
    return sphericalBasis(div(d, this.options.rcut), cosine, edges, this.table, this.envelope);
  }
}
