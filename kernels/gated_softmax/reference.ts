import type { ReferenceCall, ReferenceKernel } from "../../src/tensor/backend.js";
import type { TypedArray } from "../../src/tensor/dtype.js";
import { centrePointerFault } from "../ragged_matmul/centre-pointers.js";

type Matrix = Float64Array[];

/** The inputs all kernels of the family share; `at` is the first of them among the buffers. */
function inputsOf({ ints: { P, E, N, smooth, dotr }, reals: { scale }, buffers }: ReferenceCall, at: number) {
  const [logits, sw, unit, ptr, start, pad] = buffers.slice(at, at + 6) as TypedArray[];
  return { P, E, N, smooth: smooth !== 0, dotr: dotr !== 0, scale, logits, sw, unit, ptr, start, pad };
}
type Inputs = ReturnType<typeof inputsOf>;

/** What the kernels return for pointers and counts that do not fit (centres.h); 0: nothing. */
function faultOf({ P, E, N, ptr, start, pad }: Inputs): number {
  const fault = centrePointerFault(ptr, start, { N, E, P });
  if (fault !== 0) return fault;
  const negative = pad.subarray(0, N).findIndex((count) => count < 0);
  return negative < 0 ? 0 : 4 * (N + 1 + negative);
}

/** A matrix of what `f` gives for each pair of n edges. */
function matrix(n: number, f: (j: number, k: number) => number): Matrix {
  return Array.from({ length: n }, (_, j) => Float64Array.from({ length: n }, (_x, k) => f(j, k)));
}

/** Sums over the rows of the element-wise product. */
function rowSums(a: Matrix, b: Matrix): number[] {
  return a.map((row, j) => row.reduce((sum, x, k) => sum + x * b[j][k], 0));
}

/** Everything the formulas name, for one centre: see cpu.cc. */
interface Centre {
  readonly n: number;
  /** First edge, first pair. */
  readonly edge: number;
  readonly pair: number;
  /** Of the pair (j, k): scale l + 20 (smooth), the gate, the cosine, the softmax. */
  readonly shifted: Matrix;
  readonly w: Matrix;
  readonly d: Matrix;
  readonly b: Matrix;
}

function dotOf(x: ArrayLike<number>, j: number, y: ArrayLike<number>, k: number): number {
  return x[3 * j] * y[3 * k] + x[3 * j + 1] * y[3 * k + 1] + x[3 * j + 2] * y[3 * k + 2];
}

function centreOf(x: Inputs, i: number): Centre {
  const [edge, pair, n] = [x.ptr[i], x.start[i], x.ptr[i + 1] - x.ptr[i]];
  const shifted = matrix(n, (j, k) => x.scale * x.logits[pair + j * n + k] + (x.smooth ? 20 : 0));
  const w = matrix(n, (j, k) => (x.smooth ? x.sw[edge + j] * x.sw[edge + k] : 1));
  const d = matrix(n, (j, k) => (x.dotr ? dotOf(x.unit, edge + j, x.unit, edge + k) : 1));
  const pad = x.smooth ? x.pad[i] : 0;
  const b = shifted.map((row, j) => {
    const y = row.map((v, k) => v * w[j][k]);
    const largest = Math.max(...y, pad > 0 ? 0 : -Infinity);
    const powers = y.map((v) => Math.exp(v - largest));
    const total = powers.reduce((a, p) => a + p, 0) + (pad > 0 ? pad * Math.exp(-largest) : 0);
    return powers.map((p) => p / total);
  });
  return { n, edge, pair, shifted, w, d, b };
}

/** f(centre, part of the pairs) for all centres after the check; all outputs start at 0. */
function eachCentre(call: ReferenceCall, at: number, f: (x: Inputs, c: Centre) => void): number {
  const x = inputsOf(call, at);
  const fault = faultOf(x);
  if (fault !== 0) return fault;
  for (const out of call.buffers.slice(at + 6)) out!.fill(0);
  for (let i = 0; i < x.N; i++) f(x, centreOf(x, i));
  return 0;
}

/** The n x n matrix of a centre in an array of pairs; zeros where there is no array. */
function pairsOf(from: TypedArray | undefined, { n, pair }: Centre): Matrix {
  return matrix(n, (j, k) => from?.[pair + j * n + k] ?? 0);
}

function putPairs(to: TypedArray, values: Matrix, { n, pair }: Centre): void {
  values.forEach((row, j) => to.set(row, pair + j * n));
}

/** Adds (m + m^T) s, for the rows of s [E, width] of a centre. */
function addEdges(to: TypedArray, m: Matrix, s: TypedArray, width: number, { n, edge }: Centre): void {
  for (let j = 0; j < n; j++)
    for (let k = 0; k < n; k++)
      for (let a = 0; a < width; a++)
        to[width * (edge + j) + a] += (m[j][k] + m[k][j]) * s[width * (edge + k) + a];
}

export const gatedSoftmaxReference: ReferenceKernel = (call) =>
  eachCentre(call, 0, (_x, c) => {
    putPairs(
      call.buffers[6]!,
      matrix(c.n, (j, k) => c.b[j][k] * c.w[j][k] * c.d[j][k]),
      c,
    );
  });

/** Gradients of the logits y, of the gates w and of the cosines d for the gradient g of the weights. */
function slopesOf(c: Centre, g: Matrix) {
  const ofB = matrix(c.n, (j, k) => g[j][k] * c.w[j][k] * c.d[j][k]);
  const along = rowSums(c.b, ofB);
  const y = matrix(c.n, (j, k) => c.b[j][k] * (ofB[j][k] - along[j]));
  const w = matrix(c.n, (j, k) => y[j][k] * c.shifted[j][k] + g[j][k] * c.b[j][k] * c.d[j][k]);
  const d = matrix(c.n, (j, k) => g[j][k] * c.b[j][k] * c.w[j][k]);
  return { ofB, along, y, w, d };
}

const firstDerivative =
  (gates: boolean): ReferenceKernel =>
  (call) =>
    eachCentre(call, 1, (x, c) => {
      const [logits, sw, unit] = call.buffers.slice(7) as TypedArray[];
      const slope = slopesOf(c, pairsOf(call.buffers[0], c));
      putPairs(
        logits,
        matrix(c.n, (j, k) => x.scale * slope.y[j][k] * c.w[j][k]),
        c,
      );
      if (gates && x.smooth) addEdges(sw, slope.w, x.sw, 1, c);
      if (gates && x.dotr) addEdges(unit, slope.d, x.unit, 3, c);
    });

export const gatedSoftmaxVjpReference = firstDerivative(true);
export const gatedSoftmaxLogitsVjpReference = firstDerivative(false);

/** Changes of what stands in a centre, for changes of logits, sw and unit (which may be absent). */
function changesOf(x: Inputs, c: Centre, changes: readonly (TypedArray | undefined)[]) {
  const [logits, sw, unit] = changes;
  const { n, edge } = c;
  const l = pairsOf(logits, c).map((row) => row.map((v) => v * x.scale));
  const w = matrix(n, (j, k) =>
    x.smooth && sw ? sw[edge + j] * x.sw[edge + k] + x.sw[edge + j] * sw[edge + k] : 0,
  );
  const d = matrix(n, (j, k) =>
    x.dotr && unit ? dotOf(unit, edge + j, x.unit, edge + k) + dotOf(x.unit, edge + j, unit, edge + k) : 0,
  );
  const y = matrix(n, (j, k) => l[j][k] * c.w[j][k] + c.shifted[j][k] * w[j][k]);
  const drift = rowSums(c.b, y);
  const b = matrix(n, (j, k) => c.b[j][k] * (y[j][k] - drift[j]));
  return { l, w, d, b };
}

const secondDerivative =
  (gates: boolean): ReferenceKernel =>
  (call) =>
    eachCentre(call, 4, (x, c) => {
      const [dLogits, dSw, dUnit] = call.buffers;
      const [toG, toLogits, toSw, toUnit] = call.buffers.slice(10) as TypedArray[];
      const g = pairsOf(call.buffers[3], c);
      const slope = slopesOf(c, g);
      const change = changesOf(x, c, [dLogits, dSw, dUnit]);
      const at = (f: (j: number, k: number) => number): Matrix => matrix(c.n, f);
      const factor = at((j, k) => change.w[j][k] * c.d[j][k] + c.w[j][k] * change.d[j][k]);
      const ofB = at((j, k) => g[j][k] * factor[j][k]);
      const [moved, stayed] = [rowSums(change.b, slope.ofB), rowSums(c.b, ofB)];
      const along = moved.map((sum, j) => sum + stayed[j]);
      const y = at(
        (j, k) => change.b[j][k] * (slope.ofB[j][k] - slope.along[j]) + c.b[j][k] * (ofB[j][k] - along[j]),
      );
      putPairs(
        toG,
        at((j, k) => change.b[j][k] * c.w[j][k] * c.d[j][k] + c.b[j][k] * factor[j][k]),
        c,
      );
      putPairs(
        toLogits,
        at((j, k) => x.scale * (y[j][k] * c.w[j][k] + slope.y[j][k] * change.w[j][k])),
        c,
      );
      if (gates && x.smooth) {
        const ofGate = at(
          (j, k) =>
            y[j][k] * c.shifted[j][k] +
            slope.y[j][k] * change.l[j][k] +
            g[j][k] * (change.b[j][k] * c.d[j][k] + c.b[j][k] * change.d[j][k]),
        );
        addEdges(toSw, ofGate, x.sw, 1, c);
        if (dSw) addEdges(toSw, slope.w, dSw, 1, c);
      }
      if (gates && x.dotr) {
        const ofCosine = at((j, k) => g[j][k] * (change.b[j][k] * c.w[j][k] + c.b[j][k] * change.w[j][k]));
        addEdges(toUnit, ofCosine, x.unit, 3, c);
        if (dUnit) addEdges(toUnit, slope.d, dUnit, 3, c);
      }
    });

export const gatedSoftmaxVjpVjpReference = secondDerivative(true);
export const gatedSoftmaxPairVjpVjpReference = secondDerivative(false);
