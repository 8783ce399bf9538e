import { AtomgradError } from "../tensor/error.js";
import { determinant, type Matrix3, rowsTimes } from "./matrix3.js";

const mostSteps = 10_000;

/** Integer row transformations of the algorithm's steps: new vectors = step . old vectors. */
type Step = readonly number[];

const swapAB: Step = [0, -1, 0, -1, 0, 0, 0, 0, -1];
const swapBC: Step = [-1, 0, 0, 0, 0, -1, 0, -1, 0];

/**
 * Niggli's reduced vectors of a lattice: basis . vectors, right-handed or left-handed as given. The algorithm of
 * Krivy and Gruber (Acta Cryst. A32, 297 (1976)) with the tolerances of Grosse-Kunstleve, Sauter and Adams (Acta Cryst.
 * A60, 1 (2004)): comparisons within `tolerance` times the cube root of the volume count as equal.
 *
 * @param vectors rows are lattice vectors
 *
 * Errors: VALUE for vectors without volume, and where rounding keeps the steps from coming to an end.
 */
export function niggliReduction(
  vectors: Matrix3,
  tolerance = 1e-5,
): { vectors: Float64Array; basis: Int32Array } {
  const volume = Math.abs(determinant(vectors));
  if (!(volume > 0) || !Number.isFinite(volume))
    throw new AtomgradError(
      "VALUE",
      "the cell has no volume; Niggli's reduction needs three independent vectors",
    );
  // Quantities of the metric are lengths squared.
  const reducer = new Reducer(vectors, tolerance * Math.cbrt(volume) ** 2);
  for (let step = 0; step < mostSteps; step++)
    if (!reducer.improve()) {
      const basis = Int32Array.from(reducer.basis);
      return { vectors: rowsTimes(basis, vectors), basis };
    }
  throw new AtomgradError(
    "VALUE",
    `Niggli's reduction found no end in ${mostSteps} steps; raise its tolerance`,
  );
}

class Reducer {
  basis: number[] = [1, 0, 0, 0, 1, 0, 0, 0, 1];
  private metric: [number, number, number, number, number, number] = [0, 0, 0, 0, 0, 0];

  constructor(
    private readonly given: Matrix3,
    private readonly epsilon: number,
  ) {
    this.measure();
  }

  /** Takes the first of the eight steps that applies and puts the signs right; false when none does. */
  improve(): boolean {
    const { epsilon: e } = this;
    const less = (x: number, y: number): boolean => x < y - e;
    const equal = (x: number, y: number): boolean => Math.abs(x - y) <= e;
    let [a, b, c, xi, eta, zeta] = this.metric;
    if (less(b, a) || (equal(a, b) && less(Math.abs(eta), Math.abs(xi)))) this.apply(swapAB);
    [a, b, c, xi, eta, zeta] = this.metric;
    if (less(c, b) || (equal(b, c) && less(Math.abs(zeta), Math.abs(eta)))) {
      this.apply(swapBC);
      return true;
    }
    this.fixSigns();
    [a, b, c, xi, eta, zeta] = this.metric;
    const sign = (x: number): number => (x < 0 ? -1 : 1);
    if (less(b, Math.abs(xi)) || (equal(xi, b) && less(2 * eta, zeta)) || (equal(xi, -b) && less(zeta, 0)))
      return this.apply([1, 0, 0, 0, 1, 0, 0, -sign(xi), 1]);
    if (less(a, Math.abs(eta)) || (equal(eta, a) && less(2 * xi, zeta)) || (equal(eta, -a) && less(zeta, 0)))
      return this.apply([1, 0, 0, 0, 1, 0, -sign(eta), 0, 1]);
    if (less(a, Math.abs(zeta)) || (equal(zeta, a) && less(2 * xi, eta)) || (equal(zeta, -a) && less(eta, 0)))
      return this.apply([1, 0, 0, -sign(zeta), 1, 0, 0, 0, 1]);
    const sum = xi + eta + zeta + a + b;
    if (less(sum, 0) || (equal(sum, 0) && less(0, 2 * (a + eta) + zeta)))
      return this.apply([1, 0, 0, 0, 1, 0, 1, 1, 1]);
    return false;
  }

  /** All three angles acute, or none: vectors are turned round in pairs. */
  private fixSigns(): void {
    const signs = this.metric.slice(3).map((x) => (Math.abs(x) <= this.epsilon ? 0 : Math.sign(x)));
    const acute = signs[0] * signs[1] * signs[2] > 0;
    const flip = [1, 1, 1];
    if (acute) {
      for (let k = 0; k < 3; k++) if (signs[k] < 0) flip[k] = -1;
    } else {
      let free = -1;
      for (let k = 0; k < 3; k++) {
        if (signs[k] > 0) flip[k] = -1;
        else if (signs[k] === 0) free = k;
      }
      if (flip[0] * flip[1] * flip[2] < 0) flip[free] = -1;
    }
    // The product of the three is 1: xi, between b and c, changes its sign as a does, and so on.
    const [i, j, k] = flip;
    this.apply([i, 0, 0, 0, j, 0, 0, 0, k]);
  }

  private apply(step: Step): true {
    this.basis = Array.from({ length: 9 }, (_, n) =>
      [0, 1, 2].reduce((sum, l) => sum + step[3 * Math.floor(n / 3) + l] * this.basis[3 * l + (n % 3)], 0),
    );
    this.measure();
    return true;
  }

  private measure(): void {
    const rows = rowsTimes(this.basis, this.given);
    const dot = (k: number, l: number): number =>
      rows[3 * k] * rows[3 * l] + rows[3 * k + 1] * rows[3 * l + 1] + rows[3 * k + 2] * rows[3 * l + 2];
    this.metric = [dot(0, 0), dot(1, 1), dot(2, 2), 2 * dot(1, 2), 2 * dot(0, 2), 2 * dot(0, 1)];
  }
}
