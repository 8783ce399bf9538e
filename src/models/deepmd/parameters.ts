import { requireGrad } from "../../autograd/node.js";
import type { DeviceName } from "../../tensor/backend.js";
import type { DType } from "../../tensor/dtype.js";
import { AtomgradError } from "../../tensor/error.js";
import { type Shape, showShape, sizeOf } from "../../tensor/shape.js";
import { keep } from "../../tensor/scope.js";
import { type Tensor, tensor } from "../../tensor/tensor.js";
import type { DenseLayer } from "./dense.js";

/** Weights on the host, by DeePMD-kit's PyTorch names (spec 4.4, without the `model.Default.atomic_model.` prefix). */
export interface HostArray {
  readonly shape: Shape;
  readonly data: Float64Array;
}
export type Weights = Map<string, HostArray>;

/** Values of parameters in f64, as files hold them. */
export function hostArrays(
  state: ReadonlyMap<string, { readonly shape: Shape; readonly data: ArrayLike<number> }>,
): Weights {
  return new Map(
    [...state].map(([name, { shape, data }]) => [name, { shape, data: Float64Array.from(data) }]),
  );
}

/** Trainable tensors of a model by name; each knows its place, so that files and optimisers agree on the order. */
export class ParameterSet {
  readonly tensors = new Map<string, Tensor>();

  constructor(
    private readonly weights: ReadonlyMap<string, HostArray>,
    private readonly device: DeviceName,
  ) {}

  /** The weight of this name and shape as a kept variable. Errors: FORMAT when it is missing or has another shape. */
  take(name: string, shape: Shape, dtype: DType): Tensor {
    const host = this.weights.get(name);
    if (host === undefined) throw new AtomgradError("FORMAT", `model: weight ${name} is missing`);
    if (host.data.length !== sizeOf(shape))
      throw new AtomgradError(
        "FORMAT",
        `model: weight ${name} has shape ${showShape(host.shape)}, the settings need ${showShape(shape)}`,
      );
    const t = requireGrad(keep(tensor(host.data, shape, { dtype, device: this.device })));
    this.tensors.set(name, t);
    return t;
  }

  /** A layer of a DeePMD network under `prefix`. */
  layer(prefix: string, input: number, output: number, dtype: DType, options: LayerOptions): DenseLayer {
    return {
      matrix: this.take(`${prefix}.matrix`, [input, output], dtype),
      bias: options.bias ? this.take(`${prefix}.bias`, [output], dtype) : undefined,
      idt: options.idt ? this.take(`${prefix}.idt`, [output], dtype) : undefined,
      residual: options.residual,
    };
  }

  list(): Tensor[] {
    return [...this.tensors.values()];
  }

  /** The present values, for files. */
  export(): Weights {
    const out: Weights = new Map();
    for (const [name, t] of this.tensors)
      out.set(name, { shape: t.shape, data: Float64Array.from(t.dataSync()) });
    return out;
  }

  dispose(): void {
    for (const t of this.tensors.values()) t.dispose();
  }
}

export interface LayerOptions {
  readonly bias: boolean;
  readonly idt: boolean;
  readonly residual: boolean;
}
