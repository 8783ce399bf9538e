import { expandTo } from "../../kernels/reduce/op.js";
import { AtomgradError } from "../tensor/error.js";
import { scope } from "../tensor/scope.js";
import { broadcastShapes, type Shape, showShape, sizeOf } from "../tensor/shape.js";
import { Tensor, tensor } from "../tensor/tensor.js";
import { assertNumber, assertNumbers, assertTensor, kindOf, named } from "../tensor/arguments.js";
import { type Irreps, type IrrepsLike, irrepsOf } from "./irreps.js";
import type { Square } from "./matrix.js";
import { axisAngleToAngles, type Quaternion, quaternionToAngles } from "./quaternion.js";
import { type Angles, determinant, matrixToAngles, type Vector } from "./rotation.js";
import { wignerD } from "./wigner.js";

/** Euler angles of one rotation or, as tensors, of many; sizes broadcast. */
export type AnglesLike = { readonly [angle in keyof Angles]: number | Tensor };

/**
 * The matrix by which features of an Irreps transform, [dim, dim] float64: D^l(angles) of every irrep on the diagonal,
 * times its parity when k = 1 (rotation followed by inversion). Angles as tensors [...] give [..., dim, dim].
 * Errors: VALUE naming the argument; SHAPE.
 */
export function dFromAngles(irreps: IrrepsLike, angles: AnglesLike, k: 0 | 1 = 0): Tensor {
  const what = "dFromAngles";
  const given = angles as Partial<AnglesLike> | null | undefined;
  if (typeof given !== "object" || given === null)
    throw new AtomgradError(
      "VALUE",
      `${what}: angles must be given as { alpha, beta, gamma } in radians, got ${kindOf(given)}`,
    );
  const names = ["alpha", "beta", "gamma"] as const;
  const parts = names.map((name) => rowsOf(`${what}: angles.${name}`, given[name], 1, ""));
  return stacked(what, irreps, parts, k, (alpha, beta, gamma) => ({
    alpha: alpha[0],
    beta: beta[0],
    gamma: gamma[0],
  }));
}

/** The same for a quaternion (w, x, y, z), or a tensor [..., 4] of them; of any length but 0. */
export function dFromQuaternion(irreps: IrrepsLike, q: Quaternion | Tensor, k: 0 | 1 = 0): Tensor {
  const what = "dFromQuaternion";
  const parts = [rowsOf(`${what}: q`, q, 4, "[w, x, y, z]")];
  return stacked(what, irreps, parts, k, (one) => quaternionToAngles(one as unknown as Quaternion));
}

/** The same for rotations by an angle about an axis of any length but 0; tensors [..., 3] and [...] broadcast. */
export function dFromAxisAngle(irreps: IrrepsLike, axis: Vector | Tensor, angle: number | Tensor): Tensor {
  const what = "dFromAxisAngle";
  const parts = [rowsOf(`${what}: axis`, axis, 3, "[x, y, z]"), rowsOf(`${what}: angle`, angle, 1, "")];
  return stacked(what, irreps, parts, 0, (n, theta) => axisAngleToAngles(n as unknown as Vector, theta[0]));
}

/**
 * The same for orthogonal matrices [..., 3, 3] of determinant 1 or -1 -> [..., dim, dim].
 * Errors: SHAPE; VALUE for a matrix that is neither a rotation nor its negative.
 */
export function dFromMatrix(irreps: IrrepsLike, matrix: Tensor): Tensor {
  const what = "dFromMatrix";
  const one = irrepsOf(`${what}: irreps`, irreps);
  assertTensor(`${what}: matrix`, matrix);
  const { shape } = matrix;
  if (matrix.rank < 2 || shape[matrix.rank - 1] !== 3 || shape[matrix.rank - 2] !== 3)
    throw new AtomgradError("SHAPE", `${what}: matrix: expected matrices [...,3,3], got ${showShape(shape)}`);
  const values = Float64Array.from(matrix.dataSync());
  return blocks(one, shape.slice(0, -2), (b) => {
    const R = values.subarray(9 * b, 9 * b + 9);
    const sign = determinant(R) < 0 ? -1 : 1;
    const angles = named(what, () => matrixToAngles(R.map((x) => sign * x)));
    return [angles, sign < 0 ? 1 : 0];
  });
}

/** Rows of numbers of an argument: a number or a list is one row, a tensor [..., width] (width 1: [...]) many. */
interface Rows {
  readonly lead: Shape;
  readonly width: number;
  /** The rows for other leading sizes, to which `lead` is broadcast. */
  readonly expanded: (lead: Shape) => Float64Array;
}

function rowsOf(what: string, given: unknown, width: number, such: string): Rows {
  if (given instanceof Tensor) {
    const lead = width === 1 ? given.shape : given.shape.slice(0, -1);
    if (width > 1 && given.shape[given.rank - 1] !== width)
      throw new AtomgradError("SHAPE", `${what} expected [...,${width}], got ${showShape(given.shape)}`);
    const own = width === 1 ? [] : [width];
    const expanded = (to: Shape): Float64Array =>
      scope(() => Float64Array.from(expandTo(given, [...to, ...own]).dataSync()));
    return { lead, width, expanded };
  }
  if (width === 1) assertNumber(what, given);
  else assertNumbers(what, given, width, such);
  const row = [given as number | number[]].flat();
  const expanded = (to: Shape): Float64Array =>
    Float64Array.from({ length: sizeOf(to) * width }, (_, k) => row[k % width]);
  return { lead: [], width, expanded };
}

/** The matrices of many rotations, whose arguments are broadcast. */
function stacked(
  what: string,
  like: IrrepsLike,
  parts: readonly Rows[],
  k: 0 | 1,
  anglesOf: (...rows: Float64Array[]) => Angles,
): Tensor {
  const irreps = irrepsOf(`${what}: irreps`, like);
  if ((k as unknown) !== 0 && (k as unknown) !== 1)
    throw new AtomgradError("VALUE", `${what}: k must be 0, or 1 with inversion, got ${kindOf(k)}`);
  const lead = broadcastShapes(
    what,
    parts.map((p) => p.lead),
  );
  const rows = parts.map((p) => p.expanded(lead));
  return blocks(irreps, lead, (b) => {
    const own = rows.map((row, p) => row.subarray(parts[p].width * b, parts[p].width * (b + 1)));
    return [named(what, () => anglesOf(...own)), k];
  });
}

/** Block-diagonal matrices [..., dim, dim], one for each rotation. */
function blocks(irreps: Irreps, lead: Shape, rotation: (b: number) => [Angles, 0 | 1]): Tensor {
  const n = irreps.dim;
  const count = sizeOf(lead);
  const out = new Float64Array(sizeOf([count, n, n]));
  for (let b = 0; b < count; b++) out.set(blockDiagonal(irreps, ...rotation(b)), b * n * n);
  return tensor(out, [...lead, n, n]);
}

function blockDiagonal(irreps: Irreps, angles: Angles, k: 0 | 1): Square {
  const n = irreps.dim;
  const out = new Float64Array(n * n);
  let at = 0;
  for (const { mul, ir } of irreps) {
    const sign = k === 1 ? ir.p : 1;
    const D = wignerD(ir.l, angles);
    for (let u = 0; u < mul; u++, at += ir.dim)
      D.forEach((x, q) => {
        out[(at + Math.floor(q / ir.dim)) * n + at + (q % ir.dim)] = sign * x;
      });
  }
  return out;
}
