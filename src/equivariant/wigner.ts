import { AtomgradError } from "../tensor/error.js";
import { assertWhole } from "../tensor/arguments.js";
import { basisColumn, times } from "./complex-basis.js";
import { exponential, identity, multiply, type Square } from "./matrix.js";
import { type Angles, assertAngles } from "./rotation-arguments.js";

/** Above this degree the exact sums take minutes. */
const largestDegree = 24;

/** A real coupling tensor [2l1+1, 2l2+1, 2l3+1] by its non-zero elements. */
export interface Coupling {
  readonly dims: readonly [number, number, number];
  /** Component indices, sorted by i, j, k. */
  readonly i: Int32Array;
  readonly j: Int32Array;
  readonly k: Int32Array;
  readonly value: Float64Array;
}

const couplings = new Map<string, Coupling>();

/**
 * The real Wigner 3j tensor in e3nn's basis (spec equivariant 2.5): invariant under all rotations, sum of squares 1.
 * Computed once per (l1, l2, l3) in exact integers with one square root at the end.
 *
 * Errors: VALUE unless |l1 - l2| <= l3 <= l1 + l2.
 */
export function wignerCoupling(l1: number, l2: number, l3: number): Coupling {
  return coupling("wignerCoupling", l1, l2, l3);
}

function coupling(what: string, l1: number, l2: number, l3: number): Coupling {
  const key = `${l1},${l2},${l3}`;
  const known = couplings.get(key);
  if (known !== undefined) return known;
  for (const [name, l] of Object.entries({ l1, l2, l3 })) assertWhole(`${what}: ${name}`, l);
  if (!(l3 >= Math.abs(l1 - l2) && l3 <= l1 + l2))
    throw new AtomgradError("VALUE", `${what}: l3 must lie in |l1-l2|..l1+l2, got (${key})`);
  if (Math.max(l1, l2, l3) > largestDegree)
    throw new AtomgradError(
      "VALUE",
      `${what}: degrees l1, l2 and l3 up to ${largestDegree} are supported, got (${key})`,
    );
  const made = couple(l1, l2, l3);
  couplings.set(key, made);
  return made;
}

/** The 3j tensor as a full array, row-major [2l1+1, 2l2+1, 2l3+1]. */
export function wigner3j(l1: number, l2: number, l3: number): Float64Array {
  const { dims, i, j, k, value } = coupling("wigner3j", l1, l2, l3);
  const out = new Float64Array(dims[0] * dims[1] * dims[2]);
  value.forEach((x, n) => (out[(i[n] * dims[1] + j[n]) * dims[2] + k[n]] = x));
  return out;
}

function couple(l1: number, l2: number, l3: number): Coupling {
  const found: [number, number, number, number][] = [];
  const cg = clebschGordan(l1, l2, l3);
  for (let a = -l1; a <= l1; a++)
    for (let b = -l2; b <= l2; b++)
      for (let c = -l3; c <= l3; c++) {
        const m = Math.abs(c);
        if (m !== Math.abs(a) + Math.abs(b) && m !== Math.abs(Math.abs(a) - Math.abs(b))) continue;
        const x = realElement(cg, [l1, a], [l2, b], [l3, c]) / Math.sqrt(2 * l3 + 1);
        if (Math.abs(x) > 1e-14) found.push([a + l1, b + l2, c + l3, x]);
      }
  return {
    dims: [2 * l1 + 1, 2 * l2 + 1, 2 * l3 + 1],
    i: Int32Array.from(found, (f) => f[0]),
    j: Int32Array.from(found, (f) => f[1]),
    k: Int32Array.from(found, (f) => f[2]),
    value: Float64Array.from(found, (f) => f[3]),
  };
}

function realElement(
  cg: (m1: number, m2: number) => number,
  [l1, a]: readonly [number, number],
  [l2, b]: readonly [number, number],
  [l3, c]: readonly [number, number],
): number {
  let sum = 0;
  for (const [m1, q1] of basisColumn(l1, a))
    for (const [m2, q2] of basisColumn(l2, b))
      for (const [m3, [re, im]] of basisColumn(l3, c))
        if (m1 + m2 === m3) sum += times(times(q1, q2), [re, -im])[0] * cg(m1, m2);
  return sum;
}

const factorials: bigint[] = [1n];
function factorial(n: number): bigint {
  while (factorials.length <= n)
    factorials.push(factorials[factorials.length - 1] * BigInt(factorials.length));
  return factorials[n];
}

/** <l1 m1 l2 m2 | l3 m1+m2> by Racah's finite sum in exact rationals. */
function clebschGordan(l1: number, l2: number, l3: number): (m1: number, m2: number) => number {
  const known = new Map<number, number>();
  return (m1, m2) => {
    const key = m1 * 1024 + m2;
    let x = known.get(key);
    if (x === undefined) known.set(key, (x = racah(l1, m1, l2, m2, l3, m1 + m2)));
    return x;
  };
}

function racah(l1: number, m1: number, l2: number, m2: number, l3: number, m3: number): number {
  if (Math.abs(m3) > l3) return 0;
  const f = factorial;
  const over =
    BigInt(2 * l3 + 1) * f(l3 + l1 - l2) * f(l3 - l1 + l2) * f(l1 + l2 - l3) * f(l3 + m3) * f(l3 - m3);
  const under = f(l1 + l2 + l3 + 1) * f(l1 - m1) * f(l1 + m1) * f(l2 - m2) * f(l2 + m2);
  const first = Math.max(0, m1 - l1, l2 - l1 + m3);
  const last = Math.min(l2 + l3 + m1, l3 - l1 + l2, l3 + m3);
  let [n, d] = [0n, 1n]; // the sum as a fraction
  for (let v = first; v <= last; v++) {
    const top = f(l2 + l3 + m1 - v) * f(l1 - m1 + v) * ((v + l2 + m2) % 2 === 0 ? 1n : -1n);
    const bottom = f(v) * f(l3 - l1 + l2 - v) * f(l3 + m3 - v) * f(v + l1 - l2 - m3);
    [n, d] = [n * bottom + top * d, d * bottom];
  }
  return (n < 0n ? -1 : 1) * Math.sqrt(quotient(over * n * n, under * d * d));
}

/** n / d in float64. */
function quotient(n: bigint, d: bigint): number {
  if (n === 0n) return 0;
  const shift = d.toString(2).length - n.toString(2).length + 64;
  const scaled = shift >= 0 ? (n << BigInt(shift)) / d : n / (d << BigInt(-shift));
  return Number(scaled) * 2 ** -shift;
}

/** The real antisymmetric generators of rotations about x and y of degree l (spec 2.3), [2l+1, 2l+1] each. */
export function generators(l: number): { x: Square; y: Square; z: Square } {
  assertWhole("generators: l", l, { most: 1000 });
  const n = 2 * l + 1;
  const [x, y, z] = [0, 1, 2].map(() => new Float64Array(n * n));
  const set = (to: Square, a: number, b: number, value: number): void => {
    to[(a + l) * n + b + l] = value;
    to[(b + l) * n + a + l] = -value;
  };
  for (let m = 0; m <= l; m++) {
    if (m > 0) set(y, -m, m, m);
    if (m === l) continue;
    const c = 0.5 * Math.sqrt(l * (l + 1) - m * (m + 1)) * (m === 0 ? Math.SQRT2 : 1);
    set(x, m, m + 1, -c);
    if (m === 0) set(z, -1, 0, -c);
    else {
      set(x, -(m + 1), -m, c);
      set(z, -(m + 1), m, -c);
      set(z, -m, m + 1, -c);
    }
  }
  return { x, y, z };
}

const halfTurns = new Map<number, Square>();

/** J: the rotation by pi about (x + y) / sqrt(2), which exchanges rotations about x and y. */
function halfTurn(l: number): Square {
  let J = halfTurns.get(l);
  if (J === undefined) {
    const { x, y } = generators(l);
    J = exponential(
      x.map((v, k) => (v + y[k]) * Math.PI * Math.SQRT1_2),
      2 * l + 1,
    );
    halfTurns.set(l, J);
  }
  return J;
}

/** exp(angle X_y). */
function aboutY(l: number, angle: number): Square {
  const n = 2 * l + 1;
  const out = identity(n);
  for (let m = 1; m <= l; m++) {
    const [c, s] = [Math.cos(m * angle), Math.sin(m * angle)];
    out[(l + m) * n + l + m] = out[(l - m) * n + l - m] = c;
    out[(l - m) * n + l + m] = s;
    out[(l + m) * n + l - m] = -s;
  }
  return out;
}

/** The Wigner matrix D^l(alpha, beta, gamma), [2l+1, 2l+1] row-major; D^1 is the rotation itself. */
export function wignerD(l: number, angles: Angles): Square {
  assertWhole("wignerD: l", l, { most: 1000 });
  assertAngles("wignerD: angles", angles);
  const { alpha, beta, gamma } = angles;
  const n = 2 * l + 1;
  const J = halfTurn(l);
  const factors = [aboutY(l, alpha), J, aboutY(l, beta), J, aboutY(l, gamma)];
  return factors.reduce((a, b) => multiply(a, b, n));
}
