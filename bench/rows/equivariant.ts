import {
  add,
  cos,
  grad,
  indexMap,
  mul,
  o3,
  requireGrad,
  scope,
  setThreads,
  SphericalBasis,
  type Tensor,
  tensor,
} from "../../src/index.js";
import { keep } from "../../src/tensor/scope.js";
import type { Bench, PeerRequest, Workload } from "../bench.js";

/** The inputs of bench/peers/equivariant.py. */
export function wave(seed: number, shape: readonly number[]): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: count }, (_, k) => Math.sin(0.7 * k + seed));
  return keep(tensor(data, shape));
}

const ask = (peer: string, request: Readonly<Record<string, unknown>>): PeerRequest => ({
  peer,
  program: "equivariant.py",
  args: ["--threads", "2"],
  request: { peer, ...request },
});

/** A function and its gradients for given cotangents, beside peers that do the same; sums of squares are compared. */
export function withGradients(
  value: () => Tensor,
  variables: readonly Tensor[],
  cotangent: Tensor,
  rest: Pick<Workload, "work" | "floor"> & { peers: readonly string[]; request: Record<string, unknown> },
): Workload {
  const step = (): Tensor[] => {
    const y = value();
    return [y, ...grad(y, variables, { gradOutput: cotangent, keepTape: false })];
  };
  const sums = scope(() =>
    step().map((t) => (t.dataSync() as Float32Array).reduce((total, v) => total + v * v, 0)),
  );
  return {
    run: () => scope(() => void step()),
    work: rest.work,
    floor: rest.floor,
    peers: rest.peers.map((peer) => ask(peer, rest.request)),
    difference: ({ sums: theirs }) =>
      Math.max(...(theirs as number[]).map((sum, k) => Math.abs(sums[k] / sum - 1))),
    close: () => [...variables, cotangent].forEach((t) => t.dispose()),
  };
}

const harmonics: Bench = {
  name: "spherical-harmonics/l3",
  dtype: "f32",
  threads: 2,
  open: () => {
    setThreads(2);
    const [count, lmax] = [100_000, 3];
    const x = requireGrad(wave(1, [count, 3]));
    const degrees = [0, 1, 2, 3];
    const value = (): Tensor => o3.sphericalHarmonics(degrees, x, { normalize: true });
    return Promise.resolve(
      withGradients(value, [x], wave(2, [count, 16]), {
        work: { vectors: count, lmax },
        // vectors and cotangents read, vectors read again; values and gradients written
        floor: { bytes: 4 * count * (3 + 16 + 3 + 16 + 3) },
        peers: ["sphericart", "e3nn"],
        request: { op: "harmonics", count, lmax },
      }),
    );
  },
};

/** Channel-wise product of `mul` copies of every degree with the harmonics up to lmax, kept up to lmax. */
function channelWise(mul: number, lmax: number): o3.TensorProduct {
  const sh = o3.Irreps.sphericalHarmonics(lmax);
  const hidden = new o3.Irreps(sh.entries.map((e) => [mul, e.ir] as const));
  const paths = hidden.entries.flatMap((a, i) =>
    sh.entries.flatMap((b, j) =>
      a.ir.times(b.ir).flatMap((ir) => (hidden.has(ir) ? [[i, j, ir] as const] : [])),
    ),
  );
  const { irreps, p } = new o3.Irreps(paths.map(([, , ir]) => [mul, ir] as const)).sort();
  const instructions = paths.map(([i, j], k): o3.InstructionLike => [i, j, p[k], "uvu", true]);
  return new o3.TensorProduct(hidden, sh, irreps, instructions, { sharedWeights: false });
}

function product(name: string, edges: number, mul: number, lmax: number): Bench {
  return {
    name,
    dtype: "f32",
    threads: 2,
    open: () => {
      setThreads(2);
      const tp = channelWise(mul, lmax);
      const widths = [tp.irrepsIn1.dim, tp.irrepsIn2.dim, tp.weightNumel];
      const [x, y, w] = widths.map((n, k) => requireGrad(wave(k + 1, [edges, n])));
      const operands = widths.reduce((a, b) => a + b);
      const out = tp.irrepsOut.dim;
      return Promise.resolve(
        withGradients(() => tp.call(x, y, w), [x, y, w], wave(4, [edges, out]), {
          work: { edges, paths: tp.instructions.length, weights: tp.weightNumel, components: out },
          // operands read twice, their gradients written; the value written, its cotangent read
          floor: { bytes: 4 * edges * (3 * operands + 2 * out) },
          peers: ["e3nn"],
          request: { op: "tensor_product", edges, mul, lmax },
        }),
      );
    },
  };
}

/** The same products with rows of nodes gathered and results summed into nodes: per-edge outputs are never stored. */
const convolution: Bench = {
  name: "convolution/uvu-32-l2-20k",
  dtype: "f32",
  threads: 2,
  open: () => {
    setThreads(2);
    const [edges, nodes, copies, lmax] = [20_000, 1000, 32, 2];
    const tp = channelWise(copies, lmax);
    const map = (row: (k: number) => number) => {
      const { rows, ...tables } = indexMap(
        Int32Array.from({ length: edges }, (_, k) => row(k)),
        nodes,
      );
      return { rows, index: keep(tables.index), order: keep(tables.order), ptr: keep(tables.ptr) };
    };
    const maps = {
      source: map((k) => (k * 7919) % nodes),
      target: map((k) => Math.floor((k * nodes) / edges)),
    };
    const x = requireGrad(wave(1, [nodes, tp.irrepsIn1.dim]));
    const y = requireGrad(wave(2, [edges, tp.irrepsIn2.dim]));
    const w = requireGrad(wave(3, [edges, tp.weightNumel]));
    const [perEdge, perNode] = [tp.irrepsIn2.dim + tp.weightNumel, tp.irrepsIn1.dim + tp.irrepsOut.dim];
    return Promise.resolve(
      withGradients(() => tp.convolve(x, y, maps, w), [x, y, w], wave(4, [nodes, tp.irrepsOut.dim]), {
        work: { edges, nodes, paths: tp.instructions.length, weights: tp.weightNumel },
        floor: { bytes: 4 * (3 * edges * perEdge + 3 * nodes * perNode) },
        peers: ["e3nn"],
        request: { op: "convolution", edges, nodes, mul: copies, lmax },
      }),
    );
  },
};

const basis: Bench = {
  name: "spherical-basis/7x6",
  dtype: "f32",
  threads: 2,
  open: () => {
    setThreads(2);
    const [edges, triplets] = [9000, 130_000];
    const layer = new SphericalBasis(7, 6, { rcut: 5 });
    const { d, angle } = scope(() => ({
      d: add(mul(wave(1, [edges]), 2), 2.9),
      angle: add(mul(wave(2, [triplets]), 1.5), 1.57),
    }));
    const variables = [requireGrad(keep(d)), requireGrad(keep(angle))];
    const index = Int32Array.from({ length: triplets }, (_, k) => (k * 9973) % edges);
    const { rows, ...tables } = indexMap(index, edges);
    const map = { rows, index: keep(tables.index), order: keep(tables.order), ptr: keep(tables.ptr) };
    return Promise.resolve(
      withGradients(
        () => layer.call(variables[0], cos(variables[1]), map),
        variables,
        wave(3, [triplets, 42]),
        {
          work: { edges, triplets },
          // results written, their cotangents read
          floor: { bytes: 4 * 2 * 42 * triplets },
          peers: ["torch_geometric"],
          request: { op: "spherical_basis", edges, triplets },
        },
      ),
    );
  },
};

export const equivariantRows: readonly Bench[] = [
  harmonics,
  product("tensor-product/uvu-32-l2-20k", 20_000, 32, 2),
  convolution,
  basis,
  ...[1, 2, 3, 4, 5, 6].map((lmax) => product(`tensor-product/degrees-l${lmax}`, 1000, 16, lmax)),
];
