import { add } from "../../../../kernels/elementwise/ops.generated.js";
import { matmul } from "../../../../kernels/matmul/op.js";
import { concat } from "../../../../kernels/shape_ops/op.js";
import type { DType } from "../../../tensor/dtype.js";
import { keep } from "../../../tensor/scope.js";
import { type Tensor, tensor } from "../../../tensor/tensor.js";
import type { ParameterSet } from "../parameters.js";
import { electronConfigurations, configurationWidth } from "./electron-configuration.js";
import type { SeAttenSettings } from "./settings.js";

/**
 * The table of type vectors T [nt+1, tebd]: one linear layer on one-hot types or on electron configurations, with the
 * residual its widths allow; the last row, of virtual atoms and padding, is zero.
 */
export class TypeEmbedding {
  private readonly matrix: Tensor;
  private readonly bias: Tensor | undefined;
  /** What the layer is applied to, [nt, in]; undefined for one-hot types, where the product is the matrix itself. */
  private readonly input: Tensor | undefined;
  /** The residual, [nt, tebd]; undefined where widths do not allow one. */
  private readonly residual: Tensor | undefined;
  private readonly padding: Tensor;

  constructor(settings: SeAttenSettings, parameters: ParameterSet, dtype: DType) {
    const { typeCount, tebdDim, econf, typeMap } = settings;
    const width = econf ? configurationWidth : typeCount;
    const prefix = "descriptor.type_embedding.embedding.embedding_net.layers.0";
    this.matrix = parameters.take(`${prefix}.matrix`, [width, tebdDim], dtype);
    this.bias = settings.tebdBias ? parameters.take(`${prefix}.bias`, [tebdDim], dtype) : undefined;
    const rows = econf ? electronConfigurations(typeMap) : identity(typeCount);
    this.input = econf ? keep(tensor(rows, [typeCount, width], { dtype })) : undefined;
    this.residual = residualRows(rows, typeCount, width, tebdDim, dtype);
    this.padding = keep(tensor(new Float64Array(tebdDim), [1, tebdDim], { dtype }));
  }

  table(): Tensor {
    let table = this.input === undefined ? this.matrix : matmul(this.input, this.matrix);
    if (this.bias !== undefined) table = add(table, this.bias);
    if (this.residual !== undefined) table = add(table, this.residual);
    return concat([table, this.padding], 0);
  }
}

function identity(n: number): Float64Array {
  const rows = new Float64Array(n * n);
  for (let k = 0; k < n; k++) rows[k * n + k] = 1;
  return rows;
}

/** x where out = in, [x, x] where out = 2 in. */
function residualRows(
  rows: Float64Array,
  count: number,
  width: number,
  out: number,
  dtype: DType,
): Tensor | undefined {
  if (out !== width && out !== 2 * width) return undefined;
  const residual = new Float64Array(count * out);
  for (let t = 0; t < count; t++)
    for (let k = 0; k < out; k++) residual[t * out + k] = rows[t * width + (k % width)];
  return keep(tensor(residual, [count, out], { dtype }));
}
