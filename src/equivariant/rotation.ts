import type { RandomStream } from "../tensor/philox.js";
import { type Tensor, tensor } from "../tensor/tensor.js";
import { assertNumber, assertRandom } from "../tensor/arguments.js";
import { multiply, type Square, transposed } from "./matrix.js";
import {
  type Angles,
  assertAngles,
  assertVector,
  type RotationMatrix,
  rotationOf,
  type Vector,
} from "./rotation-arguments.js";

export { type Angles, determinant, type RotationMatrix, type Vector } from "./rotation-arguments.js";

export const identityAngles: Angles = { alpha: 0, beta: 0, gamma: 0 };

export function matrixX(angle: number): Square {
  assertNumber("matrixX: angle", angle);
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return Float64Array.of(1, 0, 0, 0, c, -s, 0, s, c);
}

export function matrixY(angle: number): Square {
  assertNumber("matrixY: angle", angle);
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return Float64Array.of(c, 0, s, 0, 1, 0, -s, 0, c);
}

export function matrixZ(angle: number): Square {
  assertNumber("matrixZ: angle", angle);
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return Float64Array.of(c, -s, 0, s, c, 0, 0, 0, 1);
}

export function anglesToMatrix(angles: Angles): Square {
  assertAngles("anglesToMatrix: angles", angles);
  const { alpha, beta, gamma } = angles;
  return multiply(multiply(matrixY(alpha), matrixX(beta), 3), matrixY(gamma), 3);
}

/** (alpha, beta) with v / |v| = R(alpha, beta, 0) e_y; (0, pi/2) for the zero vector, as in e3nn. Exact near the poles too. */
export function xyzToAngles(xyz: Vector): { alpha: number; beta: number } {
  assertVector("xyzToAngles: xyz", xyz);
  const [x, y, z] = xyz;
  const radius = Math.hypot(x, z);
  const beta = radius === 0 && y === 0 ? Math.PI / 2 : Math.atan2(radius, y);
  return { alpha: Math.atan2(x, z), beta };
}

export function anglesToXyz(alpha: number, beta: number): Vector {
  assertNumber("anglesToXyz: alpha", alpha);
  assertNumber("anglesToXyz: beta", beta);
  return [Math.sin(beta) * Math.sin(alpha), Math.cos(beta), Math.sin(beta) * Math.cos(alpha)];
}

export function inverseAngles(angles: Angles): Angles {
  assertAngles("inverseAngles: angles", angles);
  return { alpha: -angles.gamma, beta: -angles.beta, gamma: -angles.alpha };
}

/** The rotation b, then a. */
export function composeAngles(a: Angles, b: Angles): Angles {
  assertAngles("composeAngles: a", a);
  assertAngles("composeAngles: b", b);
  return matrixToAngles(multiply(anglesToMatrix(a), anglesToMatrix(b), 3));
}

/** Errors: VALUE unless the matrix is a rotation (orthogonal, determinant 1) to 1e-5. */
export function matrixToAngles(matrix: RotationMatrix): Angles {
  const R = rotationOf("matrixToAngles: matrix", matrix);
  const { alpha, beta } = xyzToAngles([R[1], R[4], R[7]]);
  const rest = multiply(transposed(anglesToMatrix({ alpha, beta, gamma: 0 }), 3), R, 3);
  return { alpha, beta, gamma: Math.atan2(rest[2], rest[0]) };
}

/** Uniform over all rotations. */
export function randAngles(random: RandomStream): Angles {
  assertRandom("randAngles", random);
  const alpha = 2 * Math.PI * random.uniform();
  const gamma = 2 * Math.PI * random.uniform();
  return { alpha, beta: Math.acos(2 * random.uniform() - 1), gamma };
}

/** A rotation matrix [3,3] in float64, uniform over all rotations. */
export function randMatrix(random: RandomStream): Tensor {
  assertRandom("randMatrix", random);
  return tensor(anglesToMatrix(randAngles(random)), [3, 3]);
}
