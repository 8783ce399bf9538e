import type { ReferenceCall, ReferenceKernel } from "../../src/tensor/backend.js";
import type { TypedArray } from "../../src/tensor/dtype.js";

/** What the four kernels share of one edge: s = sw/(r+p), a = sw/(r+p)^2, the switch, and their derivatives in r. */
interface Radial {
  readonly r: number;
  readonly sw: readonly [number, number, number];
  readonly s: readonly [number, number, number];
  readonly a: readonly [number, number, number];
}

function radial(r: number, { rcut, rcutSmth, protection }: Readonly<Record<string, number>>): Radial {
  const width = rcut - rcutSmth;
  const u = (r - rcutSmth) / width;
  const v = 1 - u;
  const sw: [number, number, number] =
    r < rcutSmth
      ? [1, 0, 0]
      : r >= rcut
        ? [0, 0, 0]
        : [
            v ** 3 * (1 + 3 * u + 6 * u * u),
            (-30 * u * u * v * v) / width,
            (-60 * u * v * (1 - 2 * u)) / width ** 2,
          ];
  const q = 1 / (r + protection);
  return {
    r,
    sw,
    s: [sw[0] * q, sw[1] * q - sw[0] * q ** 2, sw[2] * q - 2 * sw[1] * q ** 2 + 2 * sw[0] * q ** 3],
    a: [
      sw[0] * q ** 2,
      sw[1] * q ** 2 - 2 * sw[0] * q ** 3,
      sw[2] * q ** 2 - 4 * sw[1] * q ** 3 + 6 * sw[0] * q ** 4,
    ],
  };
}

const dot = (a: readonly number[], b: readonly number[]): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const three = (x: TypedArray, at: number): number[] => [x[at], x[at + 1], x[at + 2]];

/** One edge as every kernel sees it; undefined where its length is 0. */
function edgeOf(call: ReferenceCall, first: number, e: number) {
  const [edge, types, mean, stddev] = call.buffers.slice(first) as TypedArray[];
  const d = three(edge, 3 * e);
  const t = types[e];
  const sigma = Array.from(stddev.subarray(4 * t, 4 * t + 4));
  const scaled = d.map((x, k) => x / sigma[k + 1]);
  const n = Math.sqrt(dot(scaled, scaled));
  const r = Math.sqrt(dot(d, d));
  return {
    d,
    sigma,
    mean: Array.from(mean.subarray(4 * t, 4 * t + 4)),
    n,
    unit: scaled.map((x) => (n > 0 ? x / n : 0)),
    f: r > 0 ? radial(r, call.reals) : undefined,
  };
}

export const forwardReference: ReferenceKernel = (call) => {
  const out = call.buffers[4]!;
  for (let e = 0; e < call.ints.E; e++) {
    const { d, sigma, mean, unit, f } = edgeOf(call, 0, e);
    const row = f === undefined ? [0, 0, 0, 0] : [f.s[0], ...d.map((x) => f.a[0] * x)];
    for (let k = 0; k < 4; k++) out[8 * e + k] = (row[k] - mean[k]) / sigma[k];
    out[8 * e + 4] = f === undefined ? 1 : f.sw[0];
    unit.forEach((x, k) => (out[8 * e + 5 + k] = x));
  }
};

export const vjpReference: ReferenceKernel = (call) => {
  const [g] = call.buffers;
  const out = call.buffers[5]!;
  for (let e = 0; e < call.ints.E; e++) {
    const { d, sigma, n, unit, f } = edgeOf(call, 1, e);
    const gv = [1, 2, 3].map((k) => g![8 * e + k] / sigma[k]);
    const gu = three(g!, 8 * e + 5);
    const along = dot(unit, gu);
    for (let k = 0; k < 3; k++) {
      if (f === undefined) {
        out[3 * e + k] = 0;
        continue;
      }
      const slope = (g![8 * e] / sigma[0]) * f.s[1] + f.a[1] * dot(gv, d) + g![8 * e + 4] * f.sw[1];
      out[3 * e + k] = (slope * d[k]) / f.r + f.a[0] * gv[k] + (gu[k] - along * unit[k]) / (n * sigma[k + 1]);
    }
  }
};

export const jvpReference: ReferenceKernel = (call) => {
  const out = call.buffers[5]!;
  for (let e = 0; e < call.ints.E; e++) {
    const w = three(call.buffers[0]!, 3 * e);
    const { d, sigma, n, unit, f } = edgeOf(call, 1, e);
    if (f === undefined) {
      for (let k = 0; k < 8; k++) out[8 * e + k] = 0;
      continue;
    }
    const wr = dot(w, d) / f.r;
    const q = w.map((x, k) => x / sigma[k + 1]);
    const along = dot(unit, q);
    out[8 * e] = (f.s[1] * wr) / sigma[0];
    for (let k = 0; k < 3; k++) {
      out[8 * e + 1 + k] = (f.a[1] * d[k] * wr + f.a[0] * w[k]) / sigma[k + 1];
      out[8 * e + 5 + k] = (q[k] - along * unit[k]) / n;
    }
    out[8 * e + 4] = f.sw[1] * wr;
  }
};

export const curvatureReference: ReferenceKernel = (call) => {
  const [w, g] = call.buffers;
  const out = call.buffers[6]!;
  for (let e = 0; e < call.ints.E; e++) {
    const { d, sigma, n, unit, f } = edgeOf(call, 2, e);
    const we = three(w!, 3 * e);
    for (let k = 0; k < 3; k++) out[3 * e + k] = 0;
    if (f === undefined) continue;
    const { r, s, a, sw } = f;
    const [g0, g4] = [g![8 * e] / sigma[0], g![8 * e + 4]];
    const gv = [1, 2, 3].map((k) => g![8 * e + k] / sigma[k]);
    const gd = dot(gv, d);
    const wd = dot(we, d);
    const first = g0 * s[1] + g4 * sw[1];
    const c = (first + a[1] * gd) / r;
    const slope = (g0 * s[2] + g4 * sw[2] + a[2] * gd) / r - (first + a[1] * gd) / (r * r);
    const gu = three(g!, 8 * e + 5);
    const q = we.map((x, k) => x / sigma[k + 1]);
    const [alpha, beta, gamma] = [dot(gu, unit), dot(q, unit), dot(gu, q)];
    for (let k = 0; k < 3; k++) {
      const radialPart =
        ((slope * d[k]) / r + (a[1] / r) * gv[k]) * wd + c * we[k] + (a[1] * d[k] * dot(gv, we)) / r;
      const unitPart =
        -(
          (gu[k] - alpha * unit[k]) * beta +
          alpha * (q[k] - beta * unit[k]) +
          (gamma - alpha * beta) * unit[k]
        ) /
        (n * n);
      out[3 * e + k] = radialPart + unitPart / sigma[k + 1];
    }
  }
};
