import type { ReferenceKernel } from "../../src/tensor/backend.js";

type Values = ArrayLike<number>;
type Target = { [k: number]: number };

/** g (1 - y^2): the gradient of the argument of the tanh. */
function slopes(g: Values, y: Values): Float64Array {
  return Float64Array.from({ length: g.length }, (_, k) => g[k] * (1 - y[k] * y[k]));
}

/** out[E,K] = d[E,N] W[K,N]^T + addend. */
function throughMatrix(
  E: number,
  N: number,
  K: number,
  d: Values,
  w: Values,
  addend: Values | undefined,
  out: Target,
): void {
  for (let e = 0; e < E; e++)
    for (let k = 0; k < K; k++) {
      let sum = addend?.[e * K + k] ?? 0;
      for (let n = 0; n < N; n++) sum += d[e * N + n] * w[k * N + n];
      out[e * K + k] = sum;
    }
}

/** out[K,N] = x[E,K]^T d[E,N]. */
function outer(E: number, N: number, K: number, x: Values, d: Values, out: Target): void {
  for (let k = 0; k < K; k++)
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let e = 0; e < E; e++) sum += x[e * K + k] * d[e * N + n];
      out[k * N + n] = sum;
    }
}

export const vjpReference: ReferenceKernel = ({ ints: { E, N, K }, buffers: [g, y, w, residual, x] }) =>
  throughMatrix(E, N, K, slopes(g!, y!), w!, residual, x!);

export const gradientsReference: ReferenceKernel = ({ ints: { E, N, K }, buffers }) => {
  const [g, y, w, x, residual, dx, dw, db] = buffers;
  const d = slopes(g!, y!);
  throughMatrix(E, N, K, d, w!, residual, dx!);
  outer(E, N, K, x!, d, dw!);
  for (let n = 0; n < N; n++) {
    let sum = 0;
    for (let e = 0; e < E; e++) sum += d[e * N + n];
    db![n] = sum;
  }
};

export const vjpVjpReference: ReferenceKernel = ({ ints: { E, N, K }, buffers }) => {
  const [v, w, g, y, gSoFar, ySoFar, dg, dy, dw] = buffers;
  for (let e = 0; e < E; e++)
    for (let n = 0; n < N; n++) {
      let s = 0;
      for (let k = 0; k < K; k++) s += v![e * K + k] * w![k * N + n];
      const at = e * N + n;
      dg![at] = s * (1 - y![at] * y![at]) + (gSoFar?.[at] ?? 0);
      dy![at] = -2 * y![at] * g![at] * s + (ySoFar?.[at] ?? 0);
    }
  outer(E, N, K, v!, slopes(g!, y!), dw!);
};

/** out[E,2K] += [x[E,K], x]. */
function addTwice(E: number, K: number, x: Values, out: Target): void {
  for (let e = 0; e < E; e++) for (let n = 0; n < 2 * K; n++) out[2 * K * e + n] += x[K * e + (n % K)];
}

export const doubledReference: ReferenceKernel = ({ ints: { E, K, N }, buffers: [x, w, bias, y, out] }) => {
  for (let e = 0; e < E; e++)
    for (let n = 0; n < N; n++) {
      let sum = bias?.[n] ?? 0;
      for (let k = 0; k < K; k++) sum += x![e * K + k] * w![k * N + n];
      out![e * N + n] = y![e * N + n] = Math.tanh(sum);
    }
  addTwice(E, K, x!, out!);
};

/** [E,K]: the halves of the rows of g [E,2K] and an addend. */
function folded(E: number, K: number, g: Values, addend: Values | undefined): Float64Array {
  return Float64Array.from({ length: E * K }, (_, at) => {
    const left = 2 * at - (at % K);
    return g[left] + g[left + K] + (addend?.[at] ?? 0);
  });
}

export const doubledVjpReference: ReferenceKernel = ({
  ints: { E, N, K },
  buffers: [g, y, w, residual, x],
}) => throughMatrix(E, N, K, slopes(g!, y!), w!, folded(E, K, g!, residual), x!);

export const doubledGradientsReference: ReferenceKernel = (call) => {
  const { E, K } = call.ints;
  const [g, ofY, y, w, x, residual, ...outs] = call.buffers;
  const all = ofY === undefined ? g! : Float64Array.from({ length: g!.length }, (_, k) => g![k] + ofY[k]);
  const addend = folded(E, K, g!, residual);
  return gradientsReference({ ...call, buffers: [all, y, w, x, addend, ...outs] });
};

export const doubledVjpVjpReference: ReferenceKernel = (call) => {
  vjpVjpReference(call);
  addTwice(call.ints.E, call.ints.K, call.buffers[0]!, call.buffers[6]!);
};
