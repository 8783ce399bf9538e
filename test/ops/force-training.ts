import { add, mul, sub } from "../../kernels/elementwise/ops.generated.js";
import { matmul } from "../../kernels/matmul/op.js";
import { mean, sum } from "../../kernels/reduce/op.js";
import { gather, indexMap, type IndexMap, segmentSum } from "../../kernels/segment/op.js";
import { grad } from "../../src/autograd/grad.js";
import { detach, requireGrad } from "../../src/autograd/node.js";
import type { DeviceName } from "../../src/tensor/backend.js";
import { RandomStream } from "../../src/tensor/philox.js";
import { keep, scope } from "../../src/tensor/scope.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import type { FloatType } from "./derivatives.js";

const atoms = 40;
const neighbours = 4;
const hidden = 24;
const rate = 0.02;

/** Each atom's edges stand together: `sources` and `targets` are the ends, `ptr` says where an atom's edges begin. */
interface Graph {
  readonly sources: IndexMap;
  readonly targets: IndexMap;
  readonly ptr: Tensor;
}

/** A ring in which every atom sees the next and the one after, on both sides. */
function ring(device: DeviceName): Graph {
  const steps = [-2, -1, 1, 2];
  const edges = Array.from({ length: atoms * neighbours }, (_, e) => Math.floor(e / neighbours));
  const sources = edges.map((i, e) => (i + steps[e % neighbours] + atoms) % atoms);
  const ptr = Int32Array.from({ length: atoms + 1 }, (_, i) => i * neighbours);
  return {
    sources: indexMap(Int32Array.from(sources), atoms, device),
    targets: indexMap(Int32Array.from(edges), atoms, device),
    ptr: tensor(ptr, [atoms + 1], { device }),
  };
}

/** Vectors to the neighbours, [edges,3]. */
function edgeVectors(x: Tensor, graph: Graph): Tensor {
  return sub(gather(x, graph.sources), gather(x, graph.targets));
}

/** Energy of every atom, [atoms,1]: a two-layer network of the vectors to its neighbours. */
function energies(x: Tensor, graph: Graph, [w1, b1, w2, b2]: readonly Tensor[]): Tensor {
  const layer = matmul(edgeVectors(x, graph), w1, { bias: b1, activation: "tanh" });
  return segmentSum(matmul(layer, w2, { bias: b2 }), graph.ptr);
}

/** Minus the forces of springs that stiffen with their length, energy d^2/8 + d^4/64 an edge. */
function springSlopes(positions: Tensor, graph: Graph): Tensor {
  const x = requireGrad(detach(positions));
  const d = edgeVectors(x, graph);
  const squares = sum(mul(d, d), { axis: 1 });
  const energy = sum(add(mul(squares, 1 / 8), mul(mul(squares, squares), 1 / 64)));
  return grad(energy, [x])[0];
}

/** One step of gradient descent on the forces: the loss, then the new parameters. */
function step(positions: Tensor, wanted: Tensor, graph: Graph, parameters: readonly Tensor[]): Tensor[] {
  const x = requireGrad(detach(positions));
  const variables = parameters.map((p) => requireGrad(detach(p)));
  const [slope] = grad(sum(energies(x, graph, variables)), [x], { createGraph: true });
  const error = sub(slope, wanted);
  const loss = mean(mul(error, error));
  // The last bias moves no force.
  const gradients = grad(loss, variables, { allowUnused: true });
  const updated = parameters.map((p, k) =>
    gradients[k] === undefined ? detach(p) : sub(p, mul(gradients[k], rate)),
  );
  return [detach(loss), ...updated];
}

/**
 * Trains the network's forces -dE/dx, so that the loss needs the gradient of a gradient. Returns the loss of every step.
 * The same code on every device.
 */
export async function trainForces(device: DeviceName, dtype: FloatType, steps: number): Promise<number[]> {
  const random = new RandomStream(7, 1);
  const normal = (shape: number[], scale: number): Tensor => {
    const size = shape.reduce((a, b) => a * b, 1);
    const data = Float64Array.from({ length: size }, () => scale * random.normal());
    return keep(tensor(data, shape, { dtype, device }));
  };
  const graph = scope(() => ring(device));
  const positions = normal([atoms, 3], 1);
  const wanted = scope(() => springSlopes(positions, graph));
  let parameters = [
    normal([3, hidden], 0.6),
    normal([hidden], 0.3),
    normal([hidden, 1], 0.4),
    normal([1], 0.1),
  ];
  const losses: number[] = [];
  for (let k = 0; k < steps; k++) {
    const [loss, ...updated] = scope(() => step(positions, wanted, graph, parameters));
    for (const p of parameters) p.dispose();
    parameters = updated;
    losses.push(await loss.item());
    loss.dispose();
  }
  const { sources, targets, ptr } = graph;
  const maps = [sources, targets].flatMap((map) => [map.index, map.order, map.ptr]);
  for (const t of [positions, wanted, ptr, ...maps, ...parameters]) t.dispose();
  return losses;
}
