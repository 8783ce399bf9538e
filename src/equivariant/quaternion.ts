import { AtomgradError } from "../tensor/error.js";
import type { RandomStream } from "../tensor/philox.js";
import { assertNumber, assertNumbers, assertRandom } from "../tensor/arguments.js";
import type { Square } from "./matrix.js";
import { anglesToMatrix, matrixToAngles, randAngles } from "./rotation.js";
import {
  type Angles,
  assertAngles,
  assertVector,
  type RotationMatrix,
  rotationOf,
  type Vector,
} from "./rotation-arguments.js";

/** Rotations as e3nn's quaternions (w, x, y, z), composed by Hamilton's product; the one of length 1 with the other sign is the same rotation. */
export type Quaternion = readonly [w: number, x: number, y: number, z: number];

/** A rotation by an angle about an axis of length 1, or (0, 0, 0) for none. */
export interface AxisAngle {
  readonly axis: Vector;
  readonly angle: number;
}

export const identityQuaternion: Quaternion = [1, 0, 0, 0];

export function anglesToQuaternion(angles: Angles): Quaternion {
  assertAngles("anglesToQuaternion: angles", angles);
  const { alpha, beta, gamma } = angles;
  const about = ([x, y]: readonly [number, number], angle: number): Quaternion => {
    const s = Math.sin(angle / 2);
    return [Math.cos(angle / 2), s * x, s * y, 0];
  };
  return composeQuaternion(
    about([0, 1], alpha),
    composeQuaternion(about([1, 0], beta), about([0, 1], gamma)),
  );
}

export function anglesToAxisAngle(angles: Angles): AxisAngle {
  assertAngles("anglesToAxisAngle: angles", angles);
  return matrixToAxisAngle(anglesToMatrix(angles));
}

/** The axis of any length but 0. */
export function axisAngleToQuaternion(axis: Vector, angle: number): Quaternion {
  const [x, y, z] = unitAxis("axisAngleToQuaternion", axis, angle);
  const s = Math.sin(angle / 2);
  return [Math.cos(angle / 2), s * x, s * y, s * z];
}

/** The axis of any length but 0. */
export function axisAngleToMatrix(axis: Vector, angle: number): Square {
  return quaternionToMatrix(axisAngleToQuaternion(unitAxis("axisAngleToMatrix", axis, angle), angle));
}

/** The axis of any length but 0. */
export function axisAngleToAngles(axis: Vector, angle: number): Angles {
  return matrixToAngles(axisAngleToMatrix(unitAxis("axisAngleToAngles", axis, angle), angle));
}

/** The rotation by angle2 about axis2, then by angle1 about axis1. */
export function composeAxisAngle(axis1: Vector, angle1: number, axis2: Vector, angle2: number): AxisAngle {
  const first = unitAxis("composeAxisAngle", axis1, angle1, "1");
  const second = unitAxis("composeAxisAngle", axis2, angle2, "2");
  return quaternionToAxisAngle(
    composeQuaternion(axisAngleToQuaternion(first, angle1), axisAngleToQuaternion(second, angle2)),
  );
}

/** Of any length but 0. */
export function quaternionToMatrix(q: Quaternion): Square {
  const [w, x, y, z] = unitQuaternion("quaternionToMatrix", q);
  return Float64Array.of(
    1 - 2 * (y * y + z * z),
    2 * (x * y - w * z),
    2 * (x * z + w * y),
    2 * (x * y + w * z),
    1 - 2 * (x * x + z * z),
    2 * (y * z - w * x),
    2 * (x * z - w * y),
    2 * (y * z + w * x),
    1 - 2 * (x * x + y * y),
  );
}

/** The angle from 0 to 2 pi. Of any length but 0. */
export function quaternionToAxisAngle(q: Quaternion): AxisAngle {
  const [w, x, y, z] = unitQuaternion("quaternionToAxisAngle", q);
  const s = Math.hypot(x, y, z);
  return { axis: s > 0 ? [x / s, y / s, z / s] : [0, 0, 0], angle: 2 * Math.atan2(s, w) };
}

/** Of any length but 0. */
export function quaternionToAngles(q: Quaternion): Angles {
  return matrixToAngles(quaternionToMatrix(unitQuaternion("quaternionToAngles", q)));
}

/** The angle from 0 to pi; half turns have the axis whose first component that is not 0 is positive. Errors as `matrixToAngles`. */
export function matrixToAxisAngle(matrix: RotationMatrix): AxisAngle {
  return quaternionToAxisAngle(nearestQuaternion(rotationOf("matrixToAxisAngle: matrix", matrix)));
}

/** With w >= 0. Errors as `matrixToAngles`. */
export function matrixToQuaternion(matrix: RotationMatrix): Quaternion {
  return nearestQuaternion(rotationOf("matrixToQuaternion: matrix", matrix));
}

/** Starts from the largest of w, x, y and z, so that half turns lose nothing. */
function nearestQuaternion(R: Square): Quaternion {
  const products = [
    [1 + R[0] + R[4] + R[8], R[7] - R[5], R[2] - R[6], R[3] - R[1]],
    [R[7] - R[5], 1 + R[0] - R[4] - R[8], R[1] + R[3], R[2] + R[6]],
    [R[2] - R[6], R[1] + R[3], 1 - R[0] + R[4] - R[8], R[5] + R[7]],
    [R[3] - R[1], R[2] + R[6], R[5] + R[7], 1 - R[0] - R[4] + R[8]],
  ]; // 4 q_i q_j
  const best = products.reduce((at, row, k) => (row[k] > products[at][at] ? k : at), 0);
  const row = products[best];
  const length = Math.hypot(...row);
  const leading = row.find((v) => Math.abs(v) > 1e-15 * length)!;
  const scale = Math.sign(leading) / length;
  const [w, x, y, z] = row.map((v) => v * scale);
  return [w, x, y, z];
}

export function composeQuaternion(a: Quaternion, b: Quaternion): Quaternion {
  assertNumbers("composeQuaternion: a", a, 4, "[w, x, y, z]");
  assertNumbers("composeQuaternion: b", b, 4, "[w, x, y, z]");
  return [
    a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3],
    a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
    a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1],
    a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0],
  ];
}

/** Of length 1. */
export function inverseQuaternion(q: Quaternion): Quaternion {
  const [w, x, y, z] = unitQuaternion("inverseQuaternion", q);
  return [w, -x, -y, -z];
}

/** Uniform over all rotations. */
export function randQuaternion(random: RandomStream): Quaternion {
  assertRandom("randQuaternion", random);
  return anglesToQuaternion(randAngles(random));
}

/** Uniform over all rotations. */
export function randAxisAngle(random: RandomStream): AxisAngle {
  assertRandom("randAxisAngle", random);
  return anglesToAxisAngle(randAngles(random));
}

function unitAxis(what: string, axis: Vector, angle: number, which = ""): Vector {
  assertVector(`${what}: axis${which}`, axis);
  assertNumber(`${what}: angle${which}`, angle);
  const [x, y, z] = axis;
  const length = Math.hypot(x, y, z);
  if (!(length > 0))
    throw new AtomgradError("VALUE", `${what}: axis${which} is zero; give the direction of the axis`);
  return [x / length, y / length, z / length];
}

function unitQuaternion(what: string, q: Quaternion): Quaternion {
  assertNumbers(`${what}: q`, q, 4, "[w, x, y, z]");
  const length = Math.hypot(...q);
  if (!(length > 0)) throw new AtomgradError("VALUE", `${what}: q is zero; give a quaternion of length 1`);
  return [q[0] / length, q[1] / length, q[2] / length, q[3] / length];
}
