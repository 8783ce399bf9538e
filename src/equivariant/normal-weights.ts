import { normal } from "../nn/init.js";
import { RandomStream } from "../tensor/philox.js";
import type { Shape } from "../tensor/shape.js";
import { type Tensor, tensor, type TensorOptions } from "../tensor/tensor.js";
import { assertRandom } from "../tensor/arguments.js";

/** First values of weights, i.i.d. N(0,1), f32 unless `dtype` says otherwise: all scaling is in the factors of the paths. */
export function normalWeights(
  what: string,
  shape: Shape,
  { dtype = "f32", device, random = new RandomStream(0) }: TensorOptions & { random?: RandomStream },
): Tensor {
  assertRandom(what, random);
  return tensor(normal()(shape, random), shape, { dtype, device });
}
