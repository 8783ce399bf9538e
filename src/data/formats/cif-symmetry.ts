import { AtomgradError } from "../../tensor/error.js";

/** Fractional coordinates x' = rotation . x + shift. */
export interface SymmetryOperation {
  readonly rotation: readonly number[];
  readonly shift: readonly number[];
}

/** Sites closer than this in every fractional coordinate are one. */
const sameSite = 1e-3;
/** No space group has more. */
export const mostOperations = 1024;
/** Atoms that a cell may have with all images; far more take minutes to tell apart. */
const mostImages = 2 ** 19;

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
  const count = (sites.length / 3) * operations.length;
  if (count > mostImages)
    throw new AtomgradError(
      "FORMAT",
      `${name}: ${sites.length / 3} sites under ${operations.length} symmetry operations are more than the ${mostImages} atoms that a cell may have; write the file as P1`,
    );
  const fractions = new Float64Array(3 * count);
  const origin = new Int32Array(count);
  let kept = 0;
  for (let site = 0; 3 * site < sites.length; site++) {
    const start = kept;
    for (const operation of operations) {
      placeImage(operation, sites, site, fractions, kept);
      if (isKnown(fractions, start, kept)) continue;
      origin[kept++] = site;
    }
  }
  return { fractions: fractions.slice(0, 3 * kept), origin: origin.slice(0, kept) };
}

/** Writes the image of a site, wrapped into [0, 1), as row `at` of `into`. */
function placeImage(
  { rotation, shift }: SymmetryOperation,
  sites: Float64Array,
  site: number,
  into: Float64Array,
  at: number,
): void {
  for (let row = 0; row < 3; row++) {
    let x = shift[row];
    for (let k = 0; k < 3; k++) x += rotation[3 * row + k] * sites[3 * site + k];
    into[3 * at + row] = x - Math.floor(x);
  }
}

/** Whether row `at` is one of the rows from `start` up to it. */
function isKnown(rows: Float64Array, start: number, at: number): boolean {
  for (let k = start; k < at; k++) {
    let axis = 0;
    while (axis < 3 && distance(rows[3 * at + axis], rows[3 * k + axis]) < sameSite) axis++;
    if (axis === 3) return true;
  }
  return false;
}

function distance(x: number, y: number): number {
  const d = Math.abs(x - y) % 1;
  return Math.min(d, 1 - d);
}
