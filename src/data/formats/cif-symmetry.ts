import { AtomgradError } from "../../tensor/error.js";

/** Fractional coordinates x' = rotation . x + shift. */
export interface SymmetryOperation {
  readonly rotation: readonly number[];
  readonly shift: readonly number[];
}

/** Sites closer than this in every fractional coordinate are one. */
const sameSite = 1e-3;
const mostOperations = 1024;

/** Parses an operation such as `-y, x-y, z+1/3`. */
export function parseOperation(text: string, name: string): SymmetryOperation {
  const fail = (): never => {
    throw new AtomgradError(
      "FORMAT",
      `${name}: the symmetry operation ${JSON.stringify(text.slice(0, 60))} cannot be understood; it reads like "-y, x-y, z+1/3"`,
    );
  };
  const parts = text.toLowerCase().replace(/\s+/g, "").split(",");
  if (parts.length !== 3) fail();
  const rotation = new Array<number>(9).fill(0);
  const shift = [0, 0, 0];
  parts.forEach((part, row) => {
    const term = /([-+]?)(?:(\d*\.?\d+)(?:\/(\d+))?\*?)?([xyz]?)/y;
    if (part === "") fail();
    while (term.lastIndex < part.length) {
      const [whole, sign, numerator, denominator, axis] = term.exec(part) ?? fail();
      if (whole === "" || whole === sign) fail();
      const size =
        (numerator === undefined ? 1 : Number(numerator)) /
        (denominator === undefined ? 1 : Number(denominator));
      const value = sign === "-" ? -size : size;
      if (!Number.isFinite(value)) fail();
      if (axis === "") shift[row] += value;
      else rotation[3 * row + "xyz".indexOf(axis)] += value;
    }
  });
  return { rotation, shift };
}

/** Whether the only operation is the identity. */
export function isIdentity({ rotation, shift }: SymmetryOperation): boolean {
  return rotation.every((value, k) => value === Number(k % 4 === 0)) && shift.every((value) => value === 0);
}

/**
 * All sites of a cell: each given one with its images, images wrapped into [0, 1), sites that coincide once.
 *
 * @param sites [n, 3] fractional
 * @returns fractional coordinates, and for each the given site it comes from
 */
export function expandSites(
  sites: Float64Array,
  operations: readonly SymmetryOperation[],
  name: string,
): { fractions: Float64Array; origin: Int32Array } {
  if (operations.length > mostOperations)
    throw new AtomgradError(
      "FORMAT",
      `${name}: ${operations.length} symmetry operations; a cell has at most ${mostOperations}`,
    );
  const fractions: number[] = [];
  const origin: number[] = [];
  for (let site = 0; 3 * site < sites.length; site++) {
    const start = origin.length;
    for (const { rotation, shift } of operations) {
      const image = [0, 1, 2].map((row) => {
        const at = [0, 1, 2].reduce(
          (sum, k) => sum + rotation[3 * row + k] * sites[3 * site + k],
          shift[row],
        );
        return at - Math.floor(at);
      });
      let known = false;
      for (let k = start; k < origin.length && !known; k++)
        known = image.every((x, b) => distance(x, fractions[3 * k + b]) < sameSite);
      if (known) continue;
      fractions.push(...image);
      origin.push(site);
    }
  }
  return { fractions: Float64Array.from(fractions), origin: Int32Array.from(origin) };
}

function distance(x: number, y: number): number {
  const d = Math.abs(x - y) % 1;
  return Math.min(d, 1 - d);
}
