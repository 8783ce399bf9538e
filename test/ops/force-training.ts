import { add, mul, sub, tanh } from "../../kernels/elementwise/ops.generated.js";
import { mean, sum } from "../../kernels/reduce/op.js";
import { grad } from "../../src/autograd/grad.js";
import { detach, requireGrad } from "../../src/autograd/node.js";
import { reshape } from "../../src/autograd/reshape.js";
import type { DeviceName } from "../../src/tensor/backend.js";
import { RandomStream } from "../../src/tensor/philox.js";
import { keep, scope } from "../../src/tensor/scope.js";
import { type Tensor, tensor } from "../../src/tensor/tensor.js";
import type { FloatType } from "./matrix.js";

const points = 48;
const hidden = 24;
const rate = 0.2;

/** A dense layer: x [n,i], weights [i,o], bias [o]. */
function dense(x: Tensor, weights: Tensor, bias: Tensor): Tensor {
  const [n, i] = x.shape;
  const products = mul(reshape(x, [n, i, 1]), weights);
  return add(sum(products, { axis: 1 }), bias);
}

/** Energy of every point in the field of a two-layer network, [n]. */
function energy(x: Tensor, [w1, b1, w2, b2]: readonly Tensor[]): Tensor {
  return reshape(dense(tanh(dense(x, w1, b1)), w2, b2), [x.shape[0]]);
}

/**
 * Trains a network of positions so that its forces -dE/dx are those of an anharmonic well, by gradient descent: the loss
 * needs the gradient of a gradient. Returns the loss of every step. The same code on every device.
 */
export async function trainForces(device: DeviceName, dtype: FloatType, steps: number): Promise<number[]> {
  const random = new RandomStream(7, 1);
  const normal = (shape: number[], scale: number): Tensor => {
    const data = Float64Array.from(
      { length: shape.reduce((a, b) => a * b, 1) },
      () => scale * random.normal(),
    );
    return keep(tensor(data, shape, { dtype, device }));
  };
  const positions = normal([points, 3], 1);
  // The well's forces, -x (1 + |x|^2 / 4).
  const target = scope(() =>
    mul(mul(positions, -1), add(mul(sum(mul(positions, positions), { axis: 1, keepDims: true }), 0.25), 1)),
  );
  keep(target);
  let parameters = [
    normal([3, hidden], 0.6),
    normal([hidden], 0.1),
    normal([hidden, 1], 0.4),
    normal([1], 0.1),
  ];
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const [loss, ...updated] = scope(() => {
      const x = requireGrad(detach(positions));
      const variables = parameters.map((p) => requireGrad(detach(p)));
      const [slope] = grad(sum(energy(x, variables)), [x], { createGraph: true });
      const error = add(slope, target); // forces are -slope
      const squares = mean(mul(error, error));
      const gradients = grad(squares, variables, { allowUnused: true });
      return [
        detach(squares),
        ...variables.map((v, k) =>
          gradients[k] === undefined ? detach(v) : sub(detach(v), mul(gradients[k], rate)),
        ),
      ];
    });
    for (const p of parameters) p.dispose();
    parameters = updated.map(keep);
    losses.push(await loss.item());
    loss.dispose();
  }
  for (const t of [positions, target, ...parameters]) t.dispose();
  return losses;
}
