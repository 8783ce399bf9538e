import {
  Adam,
  abs,
  div,
  gather,
  grad,
  indexMap,
  type IndexMap,
  matmul,
  mul,
  o3,
  radiusGraph,
  relu,
  safeSqrt,
  scatterSum,
  scope,
  square,
  sub,
  sum,
  tanh,
  type Tensor,
  tensor,
} from "../../src/index.js";
import { Module } from "../../src/nn/module.js";
import type { DType } from "../../src/tensor/dtype.js";
import { RandomStream } from "../../src/tensor/philox.js";

const steps = 300;
const rate = 5e-3;
const radius = 2.5;
const numNeighbors = 3.8;
const irrepsSh = o3.Irreps.sphericalHarmonics(3);

/** The eight tetris shapes, four blocks each; the first two are mirror images. */
const shapes: Readonly<Record<string, readonly number[]>> = {
  chiral_1: [0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0],
  chiral_2: [0, 0, 0, 0, 0, 1, 1, 0, 0, 1, -1, 0],
  square: [0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0],
  line: [0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 3],
  corner: [0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0],
  L: [0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 1, 0],
  T: [0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 1, 1],
  zigzag: [0, 0, 0, 1, 0, 0, 1, 1, 0, 2, 1, 0],
};
const names = Object.keys(shapes);

/** 0o + 6x0e: the first number tells the mirror images apart by its sign, the others name the six shapes. */
const labels = names.map((_, k) =>
  Array.from({ length: 7 }, (_, j) => (k < 2 ? (j === 0 ? 1 - 2 * k : 0) : +(j === k - 1))),
);

interface Edges {
  readonly source: IndexMap;
  readonly target: IndexMap;
  readonly sh: Tensor;
  readonly embedding: Tensor;
}

/** One convolution of the article, gathered, multiplied and summed in one kernel. */
class Convolution extends Module<readonly [x: Tensor, edges: Edges]> {
  private readonly tp: o3.TensorProduct;
  private readonly fc: o3.FullyConnectedNet;

  constructor(irrepsIn: o3.Irreps, irrepsOut: o3.Irreps, random: RandomStream, dtype: DType) {
    super();
    this.tp = new o3.FullyConnectedTensorProduct(irrepsIn, irrepsSh, irrepsOut, { sharedWeights: false });
    const widths = [3, 64, this.tp.weightNumel];
    this.fc = this.child("fc", new o3.FullyConnectedNet(widths, relu, { random, dtype }));
  }

  protected forward(x: Tensor, { source, target, sh, embedding }: Edges): Tensor {
    const summed = this.tp.convolve(x, sh, { source, target }, this.fc.call(embedding));
    return div(summed, Math.sqrt(numNeighbors));
  }
}

/** Two convolutions with a gate between them, then the sum over the blocks of a shape. */
export class TetrisNetwork extends Module<readonly [positions: Tensor]> {
  private readonly first: Convolution;
  private readonly gate: o3.Gate;
  private readonly second: Convolution;

  constructor(random: RandomStream, dtype: DType = "f32") {
    super();
    this.gate = new o3.Gate(
      ...(["16x0e + 16x0o", [relu, abs]] as const),
      ...(["8x0e + 8x0o + 8x0e + 8x0o", [relu, tanh, relu, tanh]] as const),
      "16x1o + 16x1e",
    );
    this.first = this.child("first", new Convolution(irrepsSh, this.gate.irrepsIn, random, dtype));
    const out = new o3.Irreps("0o + 6x0e");
    this.second = this.child("second", new Convolution(this.gate.irrepsOut, out, random, dtype));
  }

  /** @param positions [4 shapes, 3]; @returns [shapes, 7] */
  protected forward(positions: Tensor): Tensor {
    const blocks = positions.shape[0];
    const shapeOf = Int32Array.from({ length: blocks }, (_, i) => Math.floor(i / 4));
    const graph = radiusGraph(positions.dataSync(), radius, { batch: shapeOf });
    const [source, target] = [graph.source, graph.target].map((index) => indexMap(index, blocks));
    const vector = sub(gather(positions, target), gather(positions, source));
    const sh = o3.sphericalHarmonics(irrepsSh, vector, { normalize: true, normalization: "component" });
    const length = safeSqrt(sum(square(vector), { axis: 1 }));
    const basis = { start: 0.5, end: radius, number: 3, basis: "smooth_finite", cutoff: true } as const;
    const embedding = mul(o3.softOneHotLinspace(length, basis), Math.sqrt(3));
    const edges = { source, target, sh, embedding };
    const x = div(scatterSum(sh, target), Math.sqrt(numNeighbors));
    const y = this.gate.call(this.first.call(x, edges));
    return div(scatterSum(this.second.call(y, edges), indexMap(shapeOf, blocks / 4)), 2);
  }
}

const allShapes = (): Float64Array => Float64Array.from(Object.values(shapes).flat());

/** The shapes, each turned by a rotation of its own, with inversion where `inverts`. */
function turned(random: RandomStream, dtype: DType, inverts = false): Tensor {
  const out = new Float64Array(12 * names.length);
  const points = allShapes();
  for (let s = 0; s < names.length; s++) {
    const R = o3.anglesToMatrix(o3.randAngles(random));
    for (let at = 12 * s; at < 12 * s + 12; at++) {
      const [row, block] = [at % 3, at - (at % 3)];
      for (let k = 0; k < 3; k++) out[at] += (inverts ? -1 : 1) * R[3 * row + k] * points[block + k];
    }
  }
  return tensor(out, [4 * names.length, 3], { dtype });
}

/** Fraction of shapes with all seven rounded numbers right. */
function accuracy(predicted: ArrayLike<number>, wanted: readonly (readonly number[])[]): number {
  const right = wanted.filter((label, s) => label.every((v, k) => Math.round(predicted[7 * s + k]) === v));
  return right.length / wanted.length;
}

function step(network: TetrisNetwork, optimizer: Adam, positions: Tensor, wanted: Tensor): number {
  return scope(() => {
    const loss = sum(square(sub(network.call(positions), wanted)));
    const value = loss.itemSync();
    optimizer.step(grad(loss, [...network.parameters().values()]), rate);
    return value;
  });
}

/**
 * Trains on the eight shapes, tests on new rotations and inversions, and measures how far the network is from equivariant in float64.
 * Returns the figures it prints.
 */
export function trainOnTetris(print: (line: string) => void): { accuracy: number; error: number } {
  const random = new RandomStream(7);
  using network = new TetrisNetwork(random);
  const parameters = network.parameters();
  const count = [...parameters.values()].reduce((n, p) => n + p.size, 0);
  print(`\ntetris: two convolutions and a gate, ${count} parameters, ${steps} steps of Adam`);
  const optimizer = new Adam(parameters);
  const trained = turned(random, "f32");
  const wanted = tensor(Float32Array.from(labels.flat()), [8, 7]);
  for (let k = 1; k <= steps; k++) {
    const loss = step(network, optimizer, trained, wanted);
    if (k % 50 === 0 || k === 1) print(`step ${String(k).padStart(3)}  loss ${loss.toExponential(2)}`);
  }
  // Inversion turns each chiral shape into its mirror image: the labels of 0o change sign.
  const mirrored = labels.map(([odd, ...even]) => [0 - odd, ...even]);
  const scores = [false, true].map((inverts) =>
    scope(() =>
      accuracy(network.call(turned(random, "f32", inverts)).dataSync(), inverts ? mirrored : labels),
    ),
  );
  print(`new rotations: ${100 * scores[0]} % right; rotated and inverted: ${100 * scores[1]} % right`);
  optimizer.dispose();
  const error = equivarianceError(network, random);
  print(`largest change of the output under rotation and inversion, float64: ${error.toExponential(1)}`);
  return { accuracy: Math.min(...scores), error };
}

/** The network with its weights in float64: f(turned shapes) against D f(shapes), largest difference. */
function equivarianceError(network: TetrisNetwork, random: RandomStream): number {
  using exact = new TetrisNetwork(new RandomStream(0), "f64");
  const wide = new Map(
    [...network.parameters()].map(([name, t]) => [
      name,
      { shape: t.shape, data: Float64Array.from(t.dataSync()) },
    ]),
  );
  exact.loadState(wide);
  return scope(() => {
    const before = exact.call(tensor(allShapes(), [4 * names.length, 3]));
    const inversion = tensor(Float64Array.of(-1, 0, 0, 0, -1, 0, 0, 0, -1), [3, 3]);
    const D = o3.dFromMatrix("0o + 6x0e", inversion);
    const differences = [false, true].map((inverts) => {
      const after = exact.call(turned(random, "f64", inverts));
      const expected = inverts ? matmul(before, D) : before;
      return Math.max(...Array.from(sub(after, expected).dataSync(), Math.abs));
    });
    return Math.max(...differences);
  });
}
