import type { ReferenceKernel } from "../../src/tensor/backend.js";
import type { TypedArray } from "../../src/tensor/dtype.js";

type Row = Float64Array;

const dot = (a: Row, b: Row): number => a.reduce((s, x, k) => s + x * b[k], 0);
const centred = (a: Row): Row => a.map((x) => x - a.reduce((s, y) => s + y, 0) / a.length);

/** The normalised row y and the factor 1/sqrt(var + eps) or 1/max(|x|, eps); `clamped` rows are divided by eps. */
interface Normal {
  readonly y: Row;
  readonly r: number;
  readonly clamped: boolean;
}

function layer(x: Row, eps: number): Normal {
  const c = centred(x);
  const r = 1 / Math.sqrt(dot(c, c) / x.length + eps);
  return { y: c.map((v) => v * r), r, clamped: false };
}

function unit(x: Row, eps: number): Normal {
  const length = Math.sqrt(dot(x, x));
  const clamped = !(length > eps);
  const r = 1 / (clamped ? eps : length);
  return { y: x.map((v) => v * r), r, clamped };
}

/** Runs `f` on every row of the first inputs, with the inputs that all rows share after them, and stores what it returns. */
function rowwise(count: number, shared: number, f: (rows: Row[], eps: number) => Row): ReferenceKernel {
  return ({ ints: { E, M }, reals: { eps }, buffers }) => {
    const row = (k: number, e: number): Row =>
      Float64Array.from((buffers[k] as TypedArray).subarray(e * M, (e + 1) * M));
    for (let e = 0; e < E; e++) {
      const rows = Array.from({ length: count + shared }, (_, k) => row(k, k < count ? e : 0));
      buffers[count + shared]!.set(f(rows, eps), e * M);
    }
  };
}

export const layerReference = rowwise(1, 0, ([x], eps) => layer(x, eps).y);

function vjpOfLayer(g: Row, x: Row, eps: number): Row {
  const { y, r } = layer(x, eps);
  const along = dot(y, g) / x.length;
  return centred(g).map((v, k) => r * (v - y[k] * along));
}

export const layerVjpReference = rowwise(2, 0, ([g, x], eps) => vjpOfLayer(g, x, eps));

export const layerCurvatureReference = rowwise(3, 0, ([u, g, x], eps) => {
  const { y, r } = layer(x, eps);
  const M = x.length;
  const [cg, cu] = [centred(g), centred(u)];
  const [alpha, beta] = [dot(y, g), dot(y, u)];
  const c = dot(cu, cg) - (3 * alpha * beta) / M;
  return y.map((v, k) => ((-r * r) / M) * (v * c + beta * cg[k] + alpha * cu[k]));
});

export const layerNormReference = rowwise(1, 2, ([x, weight, bias], eps) =>
  layer(x, eps).y.map((v, k) => v * weight[k] + bias[k]),
);

export const layerNormVjpReference = rowwise(2, 1, ([g, x, weight], eps) =>
  vjpOfLayer(
    g.map((v, k) => v * weight[k]),
    x,
    eps,
  ),
);

export const unitReference = rowwise(1, 0, ([x], eps) => unit(x, eps).y);

export const unitVjpReference = rowwise(2, 0, ([g, x], eps) => {
  const { y, r, clamped } = unit(x, eps);
  const along = clamped ? 0 : dot(y, g);
  return g.map((v, k) => r * (v - y[k] * along));
});

export const unitCurvatureReference = rowwise(3, 0, ([u, g, x], eps) => {
  const { y, r, clamped } = unit(x, eps);
  if (clamped) return new Float64Array(x.length);
  const [alpha, beta] = [dot(y, g), dot(y, u)];
  const c = dot(u, g) - 3 * alpha * beta;
  return y.map((v, k) => -r * r * (v * c + beta * g[k] + alpha * u[k]));
});
