import { AtomgradError } from "../tensor/error.js";
import type { Matrix3 } from "./matrix3.js";

/** Edge lengths in angstrom and the angles between b and c, a and c, a and b in degrees. */
export type CellParameters = readonly [number, number, number, number, number, number];

/** Lengths and angles of lattice vectors (rows). The angle at a zero vector is 90 degrees. */
export function cellParameters(vectors: Matrix3): CellParameters {
  const length = (k: number): number => Math.hypot(vectors[3 * k], vectors[3 * k + 1], vectors[3 * k + 2]);
  const angle = (k: number, l: number): number => {
    const dot = [0, 1, 2].reduce((sum, b) => sum + vectors[3 * k + b] * vectors[3 * l + b], 0);
    const size = length(k) * length(l);
    return size === 0 ? 90 : (Math.acos(Math.min(1, Math.max(-1, dot / size))) * 180) / Math.PI;
  };
  return [length(0), length(1), length(2), angle(1, 2), angle(0, 2), angle(0, 1)];
}

/**
 * Lattice vectors (rows) of lengths and angles: a along +x, b in the xy plane with positive y, c with positive z.
 * Right angles give exact zeros.
 *
 * @throws AtomgradError VALUE for lengths that are not positive and angles that no cell has
 */
export function cellFromParameters([a, b, c, alpha, beta, gamma]: CellParameters): Float64Array {
  const cosine = (angle: number): number => (angle === 90 ? 0 : Math.cos((angle * Math.PI) / 180));
  const sine = Math.sin((gamma * Math.PI) / 180);
  const [ca, cb, cg] = [alpha, beta, gamma].map(cosine);
  const y = (ca - cb * cg) / sine;
  const square = 1 - cb * cb - y * y;
  const positive = [a, b, c].every((length) => length > 0 && length < Infinity);
  const possible = [alpha, beta, gamma].every((angle) => angle > 0 && angle < 180);
  if (!positive || !possible || !(square > 1e-12))
    throw new AtomgradError(
      "VALUE",
      `no cell has the lengths ${a}, ${b}, ${c} and the angles ${alpha}, ${beta}, ${gamma}; check them`,
    );
  return Float64Array.of(
    a,
    0,
    0,
    b * cg,
    b * (gamma === 90 ? 1 : sine),
    0,
    c * cb,
    c * y,
    c * Math.sqrt(square),
  );
}
