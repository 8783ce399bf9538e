import { AtomgradError } from "../tensor/error.js";
import { showShape, sizeOf } from "../tensor/shape.js";
import { type Tensor, tensor } from "../tensor/tensor.js";
import { assertOptions, assertTensor } from "./features.js";
import { Irreps, type IrrepsLike } from "./irreps.js";
import type { Square } from "./matrix.js";
import {
  type Angles,
  axisAngleToMatrix,
  determinant,
  matrixToAngles,
  type Quaternion,
  quaternionToMatrix,
  type Vector,
} from "./rotation.js";
import { wignerD } from "./wigner.js";

/**
 * The matrix by which features of an Irreps transform, [dim, dim] float64: D^l(angles) of every irrep on the diagonal,
 * times its parity when k = 1 (rotation followed by inversion).
 */
export function dFromAngles(like: IrrepsLike, angles: Angles, k: 0 | 1 = 0): Tensor {
  const irreps = new Irreps(like);
  assertOptions("dFromAngles", angles, "{ alpha, beta, gamma } in radians");
  return tensor(blockDiagonal(irreps, angles, k), [irreps.dim, irreps.dim]);
}

export function dFromQuaternion(like: IrrepsLike, q: Quaternion, k: 0 | 1 = 0): Tensor {
  return dFromAngles(like, matrixToAngles(quaternionToMatrix(q)), k);
}

export function dFromAxisAngle(like: IrrepsLike, axis: Vector, angle: number): Tensor {
  return dFromAngles(like, matrixToAngles(axisAngleToMatrix(axis, angle)));
}

/**
 * The same for orthogonal matrices [..., 3, 3] of determinant 1 or -1 -> [..., dim, dim].
 * Errors: SHAPE; VALUE for a matrix that is neither a rotation nor its negative.
 */
export function dFromMatrix(like: IrrepsLike, matrix: Tensor): Tensor {
  assertTensor("dFromMatrix: matrix", matrix);
  const { shape } = matrix;
  if (matrix.rank < 2 || shape[matrix.rank - 1] !== 3 || shape[matrix.rank - 2] !== 3)
    throw new AtomgradError("SHAPE", `dFromMatrix: expected matrices [...,3,3], got ${showShape(shape)}`);
  const irreps = new Irreps(like);
  const n = irreps.dim;
  const values = Float64Array.from(matrix.dataSync());
  const batch = shape.slice(0, -2);
  const out = new Float64Array(sizeOf(batch) * n * n);
  for (let b = 0; b < sizeOf(batch); b++) {
    const R = values.subarray(9 * b, 9 * b + 9);
    const sign = determinant(R) < 0 ? -1 : 1;
    const angles = matrixToAngles(R.map((x) => sign * x));
    out.set(blockDiagonal(irreps, angles, sign < 0 ? 1 : 0), b * n * n);
  }
  return tensor(out, [...batch, n, n]);
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
